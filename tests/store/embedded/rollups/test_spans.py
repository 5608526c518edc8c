"""Which windows are to be rolled: sets of moments, and the windows that times fall into."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from influxql.literals import MAX_TIME, MIN_TIME
from store.embedded.rollups.definition import Rollup, RollupConfig, RollupTarget, read_rollup
from store.embedded.rollups.marks import first_whole, spans_of
from store.embedded.rollups.spans import MOST_SPANS, Spans

SPAN = st.tuples(st.integers(-50, 50), st.integers(0, 20)).map(lambda pair: (pair[0], sum(pair)))
HOUR = 3_600_000_000_000


def moments(spans: Spans) -> set[int]:
    return {moment for first, last in spans.spans for moment in range(first, last)}


@given(some=st.lists(SPAN), more=st.lists(SPAN), span=SPAN)
def test_spans_are_sets(some: list[tuple[int, int]], more: list[tuple[int, int]], span: tuple[int, int]) -> None:
    """Whatever is done to them, they hold the moments that a set would, in order and apart."""
    spans = Spans().add(some)
    wanted = {moment for first, last in some for moment in range(first, last)}
    within = set(range(*span))
    assert moments(spans) == wanted
    assert moments(spans.add(more)) == wanted | {moment for first, last in more for moment in range(first, last)}
    assert moments(spans.without(*span)) == wanted - within
    assert moments(spans.within(*span)) == wanted & within
    assert spans.covers(*span) == (within <= wanted if within else spans.covers(*span))
    assert spans.first == min(wanted, default=None)
    newest = spans.newest(span[1])
    assert (newest[1] - 1 if newest else None) == max((one for one in wanted if one < span[1]), default=None)
    for joined in (spans, spans.add(more), spans.without(*span), spans.within(*span)):
        assert all(before[1] < after[0] for before, after in zip(joined.spans, joined.spans[1:], strict=False))


def test_many_spans_are_joined_where_they_are_near() -> None:
    """Beyond a number, gaps are closed, the smallest first; nothing is lost."""
    scattered = [(n * 100, n * 100 + 1) for n in range(MOST_SPANS)]
    spans = Spans().add([*scattered, (103, 104)])
    assert len(spans.spans) == MOST_SPANS
    assert (100, 104) in spans.spans
    assert {*scattered} - {(100, 101)} < {*spans.spans}


def rollup(window: str) -> Rollup:
    query = f"SELECT mean(f) FROM m GROUP BY {window}"  # noqa: S608 - InfluxQL
    return read_rollup(RollupConfig(name="r", query=query, target=RollupTarget(bucket="t")))


def marked(times: list[int], window: str) -> Spans:
    return Spans().add(spans_of(pa.chunked_array([times], pa.int64()), rollup(window)))


@given(times=st.lists(st.integers(-500, 500), min_size=1), offset=st.sampled_from(["0s", "3ns", "-4ns"]))
def test_windows_of_times(times: list[int], offset: str) -> None:
    """Marked are the windows that hold a time, all of them and no other, before and after 1970."""
    one = rollup(f"time(10ns, {offset})")
    wanted = {one.window.start(time) for time in times}
    spans = marked(times, f"time(10ns, {offset})")
    assert moments(spans) == {start + n for start in wanted for n in range(10)}


@given(times=st.lists(st.integers(0, 400 * 24), min_size=1, max_size=20))
def test_days_of_a_time_zone(times: list[int]) -> None:
    """Days of a zone are marked whole, also those of 23 and 25 hours."""
    window = "time(1d) tz('Europe/Berlin')"
    one = rollup(window).window
    spans = marked([hour * HOUR + 1_700_000_000_000_000_000 for hour in times], window)
    for hour in times:
        start = one.start(hour * HOUR + 1_700_000_000_000_000_000)
        assert spans.covers(start, one.following(start))
    assert all(one.start(first) == first and one.start(last) == last for first, last in spans.spans)


@pytest.mark.parametrize("times", [[MIN_TIME], [MAX_TIME], [MIN_TIME, 0, MAX_TIME]])
def test_the_ends_of_time(times: list[int]) -> None:
    """The first and last nanosecond have windows, too."""
    spans = marked(times, "time(1d, 7h)")
    assert all(spans.covers(time, time + 1) for time in times)


def test_times_that_are_far_apart() -> None:
    """However many they are, few spans come of them, and each time is in one."""
    times = [n * n * 1_000 for n in range(3 * MOST_SPANS)]
    spans = marked(times, "time(10ns)")
    assert len(spans.spans) <= MOST_SPANS
    assert all(spans.covers(time, time + 1) for time in times)


def test_the_first_whole_window() -> None:
    """The one that begins at the moment, or the next."""
    one = rollup("time(10ns)")
    assert [first_whole(one, moment) for moment in (-1, 0, 1, 10, MIN_TIME)] == [0, 0, 10, 10, MIN_TIME]
