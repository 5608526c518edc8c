"""The board of objectives says what the rules promise, read from the same file."""

from pathlib import Path

import pytest

from alerting.rules.load import load
from grafana import objectives
from tests.grafana.reading import BOARDS, panels

RULES = Path(__file__).resolve().parents[2] / "rules"


def test_every_objective_that_pages_has_its_row_with_its_numbers():
    """What alerting makes rules of is what the board shows: the same names, and the same share that may fail."""
    paging = {rule.labels["slo"]: rule.burn.objective for rule in load([RULES / "*.yml"], {}) if rule.burn}
    assert {one.name: one.percent for one in objectives.read()} == paging
    board = BOARDS["tocsin-slo"]
    rows = [panel["title"] for panel in board["panels"] if panel["type"] == "row"]
    assert rows == [
        f"{name}: {percent:g} % of requests are answered without an error" for name, percent in paging.items()
    ]
    for name, percent in paging.items():
        left = next(panel for panel in panels(board) if panel["title"] == f"{name}: budget left")
        assert f" / {1 - percent / 100:g})" in left["targets"][0]["query"]


def write(folder: Path, bad: str, total: str) -> Path:
    (folder / "mine.yml").write_text(
        f'slos:\n  - {{slo: Mine, objective: 99.9, bad: "{bad}", total: "{total}"}}\n', encoding="utf-8"
    )
    return folder


def test_names_are_quoted_as_boards_write_them(tmp_path: Path):
    """Calls, sources and conditions of a rule, which need no quotes there; what is in single quotes is left alone."""
    queries = (
        f"SELECT {call}(error) FROM http WHERE feature = 'and more' AND status != '404'"  # noqa: S608 - a rule's own words
        for call in ("sum", "count")
    )
    (one,) = objectives.read(write(tmp_path, *queries))
    assert (one.bad, one.total, one.source, one.budget) == ('sum("error")', 'count("error")', "http", 0.001)
    assert one.where == ("(\"feature\" = 'and more' AND \"status\" != '404')",)


@pytest.mark.parametrize(
    ("bad", "total"),
    [
        ("SELECT sum(error) FROM http", "SELECT count(error) FROM web"),
        ("SELECT sum(error) FROM http WHERE a = 'b'", "SELECT count(error) FROM http"),
        ("SELECT sum(error) / 2 FROM http", "SELECT count(error) FROM http"),
    ],
)
def test_what_no_query_can_divide_is_refused_by_name(tmp_path: Path, bad: str, total: str):
    """Two measurements, two conditions or a calculation: the error names the objective and the reason."""
    with pytest.raises(ValueError, match=r"Mine: .*with the same WHERE"):
        objectives.read(write(tmp_path, bad, total))
