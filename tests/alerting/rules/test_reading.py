"""Answers by column are read as answers by series are, also when the series change."""

# ruff: noqa: S608 - InfluxQL made of the constants below

import gc
import weakref

import pytest

from alerting.rules.folding import Unfoldable, alone, fold
from alerting.rules.query import AnswerUnfit
from alerting.rules.reading import Reading
from store.contract import OneRowSeries, Series, StatementResult
from tests.alerting.rules.test_folding import a_part

PARTS = [
    a_part(f"SELECT {call} FROM m WHERE feature = '{feature}' GROUP BY host")
    for call in ("mean(v)", "max(v)")
    for feature in "xy"
]
COLUMNS = ("time", "mean", "max", "count")


def by_column(*rows: tuple[str, str, float | str | None, float | None]) -> StatementResult:
    """host, feature, mean and max of each series."""
    groups = tuple((host, feature) for host, feature, _, _ in rows)
    values = [[0] * len(rows), [row[2] for row in rows], [row[3] for row in rows], [None] * len(rows)]
    return StatementResult(0, OneRowSeries("m", COLUMNS, ("host", "feature"), groups, values))


def by_series(answer: StatementResult) -> StatementResult:
    """The same answer as most stores give it."""
    return StatementResult(0, tuple(answer.series))


ANSWERS = [
    by_column(("a", "x", 1.0, 2.0), ("b", "x", 3.0, None), ("", "y", float("nan"), 5.0)),
    by_column(("a", "x", 1.5, 2.0), ("b", "x", 3.0, None), ("", "y", 7, 5.0)),
    by_column(("a", "x", 1.0, 2.0)),
    by_column(("a", "x", "text", 2.0), ("c", "y", 1.0, 1.0)),
    StatementResult(0),
]


def test_columns_mean_what_series_mean():
    """Answer after answer, with series that come and go, nulls, texts and no number: both forms read alike."""
    (scan,) = fold(PARTS)
    one, other = Reading(scan), Reading(scan)
    for answer in ANSWERS:
        found, expected = one.read([answer]), other.read([by_series(answer)])
        assert {part: shown(values) for part, values in found.items()} == {
            part: shown(values) for part, values in expected.items()
        }
    assert one.read([ANSWERS[0]])[PARTS[0]] == {(("host", "a"),): 1.0, (("host", "b"),): 3.0}


class Text(str):
    """One that can be watched."""

    __slots__ = ("__weakref__",)


def test_texts_of_older_answers_are_let_go():
    """Of series that come again the newest answer's texts are kept, which the store keeps too."""
    reading, text = Reading(fold(PARTS)[0]), Text("x")
    reading.read([by_column(("a", "x", 1.0, 2.0), ("b", text, 3.0, 4.0))])
    old = weakref.ref(text)
    del text
    assert old() is not None
    reading.read([by_column(("a", "x", 1.0, 2.0), ("b", "x", 3.0, 4.0))])
    gc.collect()
    assert old() is None


def shown(values: object) -> object:
    return str(values)


def test_a_series_of_no_wanted_value_is_found_among_columns():
    """Grouping by what is no tag shows in a group that nobody asked for, or in a field that is counted."""
    (scan,) = fold(PARTS)
    with pytest.raises(Unfoldable):
        Reading(scan).read([by_column(("a", "z", 1.0, 2.0))])
    counted = StatementResult(
        0, OneRowSeries("m", COLUMNS, ("host", "feature"), (("a", "x"),), [[0], [1.0], [1.0], [3]])
    )
    with pytest.raises(Unfoldable):
        Reading(scan).read([counted])


def test_a_question_of_its_own_has_one_column():
    """More columns than time and a value are no answer to one question."""
    part = a_part("SELECT mean(v) FROM m GROUP BY host")
    groups = (("a",), ("b",))
    answer = StatementResult(0, OneRowSeries("m", ("time", "mean"), ("host",), groups, [[0, 0], [1.0, 2]]))
    assert Reading(alone(part)).read([answer])[part] == {(("host", "a"),): 1.0, (("host", "b"),): 2.0}
    with pytest.raises(AnswerUnfit):
        Reading(alone(part)).read([ANSWERS[0]])


def test_series_are_made_where_they_are_looked_at():
    """The columns are a sequence of series, equal to a tuple of the same."""
    series = ANSWERS[0].series
    made = Series("m", COLUMNS, [[0, 3.0, None, None]], {"host": "b", "feature": "x"})
    assert series[1] == made
    assert series[1:2] == [made]
    assert series == tuple(series)
    assert series != tuple(series)[1:]
    assert len({series, ANSWERS[2].series}) == 2
