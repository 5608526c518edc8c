"""Rows of numbers that are put together of texts look as those that are made one by one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.column import NumberColumn, number_column
from store.contract import OneRowSeries, Rows, Series, StatementResult
from store.render import to_json
from store.splice import Splicer
from store.windowed import WindowedSeries, count_values

MOMENT = 1_700_000_000_123_000_000
FLOATS = st.one_of(
    st.floats(),
    st.integers(-1_000, 1_000).map(float),
    st.sampled_from([0.0, -0.0, 1e15, 1e16, -1e16, 2.0**53, 2.0**63, -(2.0**63), 0.05, 10.0, 1e-7, 1e22]),
)
COLUMNS = st.one_of(
    st.tuples(st.just(np.float64), st.lists(FLOATS, min_size=1, max_size=8)),
    st.tuples(st.just(np.int64), st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=8)),
    st.tuples(st.just(np.uint64), st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=8)),
)
KNOWN = st.lists(st.booleans(), min_size=1, max_size=7)


def repeated(values: list[object], size: int, kind: type) -> npt.NDArray[np.generic]:
    """So many of them, again and again."""
    return np.resize(np.array(values, kind), size)


@given(st.lists(st.tuples(COLUMNS, st.none() | KNOWN), min_size=1, max_size=3), st.sampled_from(["ns", "ms", None]))
def test_rows_look_as_when_they_are_made_one_by_one(
    drawn: list[tuple[tuple[type, list[object]], list[bool] | None]], epoch: str | None
) -> None:
    """Whatever numbers there are, known or not, in series of many rows and of few, with the same times or others."""
    odd = NumberColumn(np.arange(90) * 1_000_003)
    starts = range(MOMENT, MOMENT + 200 * 1_000_000, 1_000_000)
    series = []
    for size, times in (
        (200, starts),
        (200, starts),
        (3, [5, -7, 0]),
        (150, range(0, -150, -1)),
        (1, [MOMENT]),
        (90, odd),
    ):
        columns = [
            NumberColumn(repeated(values, size, kind), None if known is None else np.resize(np.array(known), size))
            for (kind, values), known in drawn
        ]
        names = ("time", *(f"c{place}" for place in range(len(columns))))
        series.append(Series("m", names, Rows([times, *columns]), {"size": str(size)}))
    plain = [Series(one.name, one.columns, list(one.values), one.tags) for one in series]
    found = to_json((StatementResult(0, series),), epoch=epoch)
    assert found == to_json((StatementResult(0, plain),), epoch=epoch)


@given(COLUMNS, st.none() | KNOWN, st.text(max_size=6), st.sampled_from(["ns", "ms", None]))
def test_series_of_one_row_look_as_when_they_are_made_one_by_one(
    drawn: tuple[type, list[object]], known: list[bool] | None, text: str, epoch: str | None
) -> None:
    """Whatever stands in their tags, which may be quotes, commas and percent signs."""
    kind, values = drawn
    for size, name in ((150, 'm%"'), (3, 'm%"'), (3, "")):
        times = NumberColumn(np.arange(size) * 1_000_003 - 70_000_000)
        column = NumberColumn(repeated(values, size, kind), None if known is None else np.resize(np.array(known), size))
        texts, others = (
            [(f"{text}{place}", ",") for place in range(size)],
            [(f'{place}",', "%b") for place in range(size)],
        )
        for groups in (texts, others):
            together = OneRowSeries(name, ("time", "v%s"), ('a"', "%d"), groups, [times, column])
            alone = [Series(one.name, one.columns, [list(row) for row in one.values], one.tags) for one in together]
            found = to_json((StatementResult(0, together),), epoch=epoch)
            assert found == to_json((StatementResult(0, alone),), epoch=epoch)


@given(
    st.lists(st.tuples(COLUMNS, st.none() | KNOWN), min_size=1, max_size=3),
    st.sampled_from([(1, 1), (1, 3), (3, 200), (30, 7), (2, 5_001)]),
    st.sampled_from(["ns", "ms", None]),
    st.sampled_from([("time", ()), ("time", ("a%",)), ("moment", ('"', "b"))]),
)
def test_series_of_the_same_times_look_as_when_they_are_made_one_by_one(
    drawn: list[tuple[tuple[type, list[object]], list[bool] | None]],
    shape: tuple[int, int],
    epoch: str | None,
    names: tuple[str, tuple[str, ...]],
) -> None:
    """Few or many, short or long, in either direction, whatever stands in their tags."""
    shape, count = (shape if names[1] else (1, shape[1])), shape[0] * shape[1]
    columns = [
        (
            repeated(values, count, kind)[: shape[0] * shape[1]].reshape(shape),
            None if known is None else np.resize(np.array(known), shape),
        )
        for (kind, values), known in drawn
    ]
    groups = [tuple(f'{place}%b"],[{key}' for key in names[1]) for place in range(shape[0])]
    titles = (names[0], *(f"c{place}" for place in range(len(columns))))
    for step in (1_000_000, -1_000_000, 7):
        times = range(MOMENT, MOMENT + shape[1] * step, step)
        together = WindowedSeries('m"%', titles, names[1], groups, times, columns)
        alone = [Series(one.name, one.columns, list(one.values), one.tags) for one in together]
        assert to_json((StatementResult(0, together),), epoch=epoch) == to_json(
            (StatementResult(0, alone),), epoch=epoch
        )
        assert count_values(together) == count_values(alone)


def test_only_what_is_long_and_of_numbers_alone_is_spliced() -> None:
    """A column of texts, or numbers of several kinds below each other, are made one by one."""
    times, floats, words = list(range(200)), NumberColumn(np.zeros(200)), ["a"] * 200
    assert Splicer().splice([[times, floats]]) is not None
    assert Splicer().splice([[times[:5], floats[:5]]]) is None
    assert Splicer().splice([[times, words]]) is None
    assert Splicer().splice([[times, floats], [times, NumberColumn(np.zeros(200, np.int64))]]) is None
    assert Splicer().splice([[times, floats], []]) is None


@pytest.mark.parametrize("known", [None, [True, False, True]])
def test_a_column_is_a_sequence(known: list[bool] | None) -> None:
    """Who looks at it finds values of Python, and None where nothing is known."""
    column = NumberColumn(np.array([1.5, 2.0, 3.0]), None if known is None else np.array(known))
    plain = [1.5, 2.0, 3.0] if known is None else [1.5, None, 3.0]
    assert list(column) == plain
    assert [column[place] for place in range(3)] == plain
    assert column[1:] == plain[1:]
    assert type(column[0]) is float


def test_all_that_is_known_needs_no_mask() -> None:
    """A column says what is known only where something is not; one of few numbers is a list."""
    for known, is_masked in ((np.ones(20, np.bool_), False), (np.arange(20) > 1, True)):
        column = number_column(np.arange(20), known)
        assert isinstance(column, NumberColumn)
        assert (column.known is not None) is is_masked
    assert number_column(np.array([1, 2]), np.array([True, False])) == [1, None]


@pytest.mark.parametrize(("value", "is_finite"), [(1.0, True), (float("inf"), False), (float("nan"), False)])
def test_whether_numbers_are_finite(*, value: float, is_finite: bool) -> None:
    """Whole numbers always are."""
    assert NumberColumn(np.array([0.0, value])).is_finite is is_finite
    assert NumberColumn(np.array([1, 2])).is_finite
