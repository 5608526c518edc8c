"""Boards hold no key that Grafana does not know: what its own schema reads and writes again is all there was."""

import copy
import importlib
import json
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins

from tests.grafana.reading import BOARDS

ANNOTATION_TARGET = {"name", "query", "rawQuery", "resultFormat", "titleColumn", "textColumn", "tagsColumn"}
"""InfluxQL's own keys, which the schema of annotations does not list."""


def paths(value: Any, above: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, below in value.items():
            yield f"{above}/{key}"
            yield from paths(below, f"{above}/{key}")
    elif isinstance(value, list):
        for number, below in enumerate(value):
            yield from paths(below, f"{above}/{number}")


def unknown_keys(board: dict[str, Any]) -> list[str]:
    """Keys that get lost on the way through the schema."""
    register_default_plugins()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it would rather we used the schema that files cannot have
        schema = importlib.import_module("grafana_foundation_sdk.models.dashboard").Dashboard
    again = json.loads(json.dumps(schema.from_json(copy.deepcopy(board)), cls=JSONEncoder))
    lost = set(paths(board)) - set(paths(again))
    return sorted(
        path for path in lost if not (path.startswith("/annotations/") and path.rsplit("/", 1)[-1] in ANNOTATION_TARGET)
    )


@pytest.mark.parametrize("uid", sorted(BOARDS))
def test_boards_survive_the_schema(uid: str):
    """Nothing is lost when the schema reads the board and writes it again."""
    assert unknown_keys(BOARDS[uid]) == []


@pytest.mark.parametrize(
    ("place", "typo"),
    [(("panels", 0, "fieldConfig", "defaults"), "uint"), (("panels", 5, "options"), "legnd"), ((), "refersh")],
)
def test_the_lint_sees_a_typing_error(place: tuple[str | int, ...], typo: str):
    """A misspelled key of a field, of a panel's options or of the board is reported."""
    board = copy.deepcopy(BOARDS["tocsin-red"])
    spot: Any = board
    for step in place:
        spot = spot[step]
    spot[typo] = "x"
    assert unknown_keys(board) == ["/" + "/".join([*map(str, place), typo])]
