"""Board files are read when they change; a broken one is named and hides no other."""

import json
import os
from pathlib import Path
from typing import Any

from console.boards import Boards
from console.config import BOARDS


def put(folder: Path, uid: str, title: str = "A board", **more: Any) -> Path:
    path = folder / f"{uid}.json"
    path.write_text(json.dumps({"uid": uid, "title": title, "panels": [], **more}), encoding="utf-8")
    return path


def test_boards_are_listed_by_title(tmp_path: Path):
    """The list gives uid, title, description and tags, in the order of titles."""
    put(tmp_path, "one", "Zebra", description="Stripes", tags=["x"])
    put(tmp_path, "two", "Ant")
    listed = Boards(tmp_path).index()
    assert listed["problems"] == []
    assert listed["boards"] == [
        {"uid": "two", "title": "Ant", "description": "", "tags": [], "asks": [], "variables": {}},
        {"uid": "one", "title": "Zebra", "description": "Stripes", "tags": ["x"], "asks": [], "variables": {}},
    ]


def test_a_board_that_changes_is_read_again(tmp_path: Path):
    """A new title shows with the next request, a removed file is gone, a new one is there."""
    boards = Boards(tmp_path)
    path = put(tmp_path, "one", "Old")
    assert [board["title"] for board in boards.index()["boards"]] == ["Old"]
    put(tmp_path, "one", "New")
    os.utime(path, ns=(1, 1))
    assert [board["title"] for board in boards.index()["boards"]] == ["New"]
    path.unlink()
    put(tmp_path, "two", "Other")
    assert [board["title"] for board in boards.index()["boards"]] == ["Other"]


def test_broken_files_are_named_and_hide_no_other(tmp_path: Path):
    """What is not JSON, not a board in the classic schema, or has no usable uid is a sentence with its path."""
    put(tmp_path, "good")
    (tmp_path / "a.json").write_text("{", encoding="utf-8")
    (tmp_path / "b.json").write_text('{"elements": {}}', encoding="utf-8")
    (tmp_path / "c.json").write_text('{"uid": "../x", "panels": []}', encoding="utf-8")
    listed = Boards(tmp_path).index()
    assert [board["uid"] for board in listed["boards"]] == ["good"]
    first, second, third = listed["problems"]
    assert "a.json: cannot be read as JSON" in first
    assert "b.json: is not a dashboard in Grafana's classic schema" in second
    assert 'c.json: needs a "uid"' in third


def test_an_empty_folder_says_what_to_set(tmp_path: Path):
    """No board at all is a problem that names the setting."""
    (problem,) = Boards(tmp_path / "nowhere").index()["problems"]
    assert "set console.boards" in problem


def test_the_boards_that_ship_are_found():
    """Without a word in the configuration the committed boards are drawn."""
    board = Boards(BOARDS).get("tocsin-red")
    assert board is not None
    assert board["title"] == "Response times"
    assert Boards(BOARDS).get("nothing") is None


def test_a_board_says_what_it_asks_for_and_what_can_be_picked(tmp_path: Path):
    """Measurements of all its panels, folded ones too, and of each variable whether several values can be picked."""
    folded = {"type": "row", "panels": [{"targets": [{"query": 'SELECT a FROM "m 2" WHERE b > 1'}]}]}
    panels = [{"targets": [{"query": 'SELECT mean("x") FROM (SELECT y AS x FROM m1)'}, {}]}, folded, {"type": "text"}]
    variables = [
        {"type": "query", "name": "site", "multi": True},
        {"type": "query", "name": "device"},
        {"type": "datasource", "name": "d"},
    ]
    board = {"uid": "x", "panels": panels, "templating": {"list": variables}}
    (tmp_path / "x.json").write_text(json.dumps(board))
    (listed,) = Boards(tmp_path).index()["boards"]
    assert listed["asks"] == ["m 2", "m1"]
    assert listed["variables"] == {"site": True, "device": False}
