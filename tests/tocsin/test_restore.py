"""`tocsin restore` into a folder in which something is."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest

from foundation.errors import ConfigError
from tests.faults.test_embedded_store import no_file_grows
from tocsin import archive
from tocsin.restore import run


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Namespace:
    """A backup of two files, and a state folder that is not there yet."""
    monkeypatch.setenv("TOCSIN_STATE", str(tmp_path / "state"))
    backup = tmp_path / "monday"
    with archive.being_made(backup) as folder:
        for name in ("field_types.sqlite", "tokens.json"):
            (folder / name).write_text(f"content of {name}")
        archive.write_manifest(folder, created="2026-01-01T00:00:00+00:00", lines={})
    config = tmp_path / "tocsin.yml"
    config.write_text("{}\n")
    return Namespace(config=config, source=backup, store=False, json=False)


def test_an_interrupted_restore_is_done_again(arguments: Namespace, tmp_path: Path) -> None:
    """After a kill between two files the same command brings the rest: what is in place is the backup's own."""
    state = tmp_path / "state"
    state.mkdir()
    (state / "tokens.json").write_text("content of tokens.json")
    (state / "field_types.sqlite.part").write_text("content of")

    assert run(arguments) == 0
    assert {path.name: path.read_text() for path in state.iterdir()} == {
        "field_types.sqlite": "content of field_types.sqlite",
        "tokens.json": "content of tokens.json",
    }


def test_nothing_is_overwritten(arguments: Namespace, tmp_path: Path) -> None:
    """A file that is not the backup's is named, and stays; so does one with its name and something else in it."""
    state = tmp_path / "state"
    state.mkdir()
    (state / "tokens.json").write_text("tokens of somebody else")

    with pytest.raises(ConfigError, match=r"is not empty \(tokens\.json\); restore overwrites nothing"):
        run(arguments)
    assert [path.read_text() for path in state.iterdir()] == ["tokens of somebody else"]


def test_a_disk_that_is_full_is_told(arguments: Namespace, tmp_path: Path) -> None:
    """Nothing has its name by then, and with room the same command does it."""
    with no_file_grows(beyond=5), pytest.raises(ConfigError, match=r"state: cannot be written \(.*make room"):
        run(arguments)
    assert {path.suffix for path in (tmp_path / "state").iterdir()} == {".part"}
    assert run(arguments) == 0
