"""The committed files say what the code says, and placing is from left to right."""

import json
from pathlib import Path

import pytest

from grafana.__main__ import main
from grafana.boards.catalog import BOARDS
from grafana.render import FOLDER, dump, place, stale, write


def built() -> dict[str, dict[str, object]]:
    return {uid: build() for uid, build in BOARDS.items()}


def test_the_committed_boards_are_fresh():
    """Running the generator again changes no committed file."""
    assert stale(built()) == []


def test_rendering_is_deterministic():
    """Two builds give the same bytes, with sorted keys and one newline at the end."""
    for build in BOARDS.values():
        text = dump(build())
        assert text == dump(build())
        assert text.endswith("}\n")
        assert list(json.loads(text)) == sorted(json.loads(text))


def test_every_kind_of_staleness_is_named(tmp_path: Path):
    """A missing file, a changed file and a file of no board are each one sentence with the path."""
    boards = built()
    write(boards, tmp_path)
    (tmp_path / "tocsin-red.json").unlink()
    (tmp_path / "tocsin-host.json").write_text("{}", encoding="utf-8")
    (tmp_path / "stray.json").write_text("{}", encoding="utf-8")
    problems = "\n".join(stale(boards, tmp_path))
    assert "tocsin-red.json: is not there" in problems
    assert "tocsin-host.json: differs from the code" in problems
    assert "stray.json: belongs to no board" in problems
    assert len(problems.splitlines()) == 3


def test_writing_mends_all_of_it(tmp_path: Path):
    """After a write the folder holds the boards and nothing else that ends in .json."""
    (tmp_path / "stray.json").write_text("{}", encoding="utf-8")
    write(built(), tmp_path)
    assert {path.stem for path in tmp_path.glob("*.json")} == set(BOARDS)
    assert stale(built(), tmp_path) == []


def test_check_says_what_is_stale_and_exits_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """`--check` writes nothing, names the files on standard error and exits 1; 0 when all is fresh."""
    assert main(["--check", "--folder", str(tmp_path)]) == 1
    assert "tocsin-red.json" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    assert main(["--folder", str(tmp_path)]) == 0
    assert main(["--check", "--folder", str(tmp_path)]) == 0
    assert (tmp_path / "tocsin-red.json").read_bytes() == (FOLDER / "tocsin-red.json").read_bytes()


def test_panels_flow_from_left_to_right_under_the_highest_of_the_line():
    """What does not fit into 24 columns starts a new line below the highest panel of the last one."""
    sizes = [(12, 4), (12, 8), (24, 2)]
    placed = place({"gridPos": {"w": width, "h": height}} for width, height in sizes)
    assert [panel["gridPos"] for panel in placed] == [
        {"x": 0, "y": 0, "w": 12, "h": 4},
        {"x": 12, "y": 0, "w": 12, "h": 8},
        {"x": 0, "y": 8, "w": 24, "h": 2},
    ]
    assert [panel["id"] for panel in placed] == [1, 2, 3]
