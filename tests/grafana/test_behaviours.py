"""What Grafana does with the values of a board, where its schema takes more than works: each rule is one of its own."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.grafana.reading import BOARDS, panels

OPTIONS = {
    "organize": {"excludeByName": dict, "indexByName": dict, "renameByName": dict},
    "sortBy": {"fields": dict, "sort": list},
    "limit": {"limitField": int},
    "joinByField": {"byField": str, "mode": str},
    "calculateField": {"mode": str, "reduce": dict, "binary": dict, "alias": str, "replaceFields": bool},
}
"""Transformations by Grafana's ids, and the kinds of their options; a `limitField` of text becomes a table's length."""


def asking() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every panel with a query, and its name."""
    for uid, board in BOARDS.items():
        yield from ((f"{uid}: {panel['title']}", panel) for panel in panels(board) if panel.get("targets"))


PANELS = dict(asking())


@pytest.mark.parametrize("name", [name for name, panel in PANELS.items() if panel.get("transformations")])
def test_transformations_are_told_in_the_words_and_kinds_of_grafana(name: str):
    """An unknown id ends in an error on the panel, an option of another kind in a wrong table without a word."""
    panel = PANELS[name]
    assert {target["resultFormat"] for target in panel["targets"]} == {"table"}
    for step in panel["transformations"]:
        kinds = {option: type(value) for option, value in step["options"].items()}
        assert kinds == OPTIONS[step["id"]]


def test_a_calculation_finds_its_two_columns_on_rows_of_the_same_time():
    """They come from queries that say so, joined by `Time`, which is what Grafana names the time of an answer."""
    found = 0
    for name, panel in PANELS.items():
        steps = {step["id"]: step["options"] for step in panel.get("transformations", [])}
        if "calculateField" not in steps:
            continue
        found += 1
        columns = [re.findall(r'^SELECT .*? AS "(\w+)"', target["query"]) for target in panel["targets"]]
        binary = steps["calculateField"]["binary"]
        sides = [binary[side]["matcher"] for side in ("left", "right")]
        assert [[side["options"]] for side in sides] == columns, name
        assert {side["id"] for side in sides} == {"byName"}
        assert steps["joinByField"] == {"byField": "Time", "mode": "outer"}
    assert found


def test_mappings_have_the_shape_that_their_type_asks_for():
    """A value is a key of the options, a range two numbers of which one may be open; each result has its colour."""
    for name, panel in PANELS.items():
        parts = [part for rule in panel["fieldConfig"]["overrides"] for part in rule["properties"]]
        own = [part["value"] for part in parts if part["id"] == "mappings"]
        for mapping in [*panel["fieldConfig"]["defaults"].get("mappings", []), *(one for many in own for one in many)]:
            options = mapping["options"]
            if mapping["type"] == "range":
                ends = [options["from"], options["to"]]
                assert None in ends or ends[0] < ends[1], name
                assert ends != [None, None], name
                results = [options["result"]]
            else:
                assert mapping["type"] == "value", name
                results = list(options.values())
            assert all(set(one) == {"text", "color", "index"} for one in results), name


def test_queries_are_raw_texts_that_grafana_parses_into_what_the_panel_draws():
    """Without `rawQuery` it would build one of its own; it reads an answer as series or as a table, nothing else."""
    for name, panel in PANELS.items():
        for target in panel["targets"]:
            assert target["rawQuery"] is True, name
            assert target["resultFormat"] in {"time_series", "table"}, name
            assert (panel["type"] in {"table", "bargauge"}) <= (target["resultFormat"] == "table"), name


def test_bars_of_several_series_stand_on_each_other():
    """Grafana draws bars that are not stacked over one another, and the lower ones are not seen."""
    customs = [panel["fieldConfig"]["defaults"].get("custom", {}) for panel in PANELS.values()]
    stacking = [custom["stacking"]["mode"] for custom in customs if custom.get("drawStyle") == "bars"]
    assert stacking
    assert set(stacking) == {"normal"}
