"""The rows of a move as slices of time: each row in one of them, series behind series where that is worth it."""

# ruff: noqa: S608 - the SQL is what is tested

import duckdb
import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from store.embedded.clustering import MOST_NS, count_runs
from store.embedded.compaction.slicing import Rows

SLICE, TOGETHER = 20, 3

moments = st.one_of(st.integers(-50, 50), st.integers(-(2**62), 2**62), st.sampled_from([0, MOST_NS, MOST_NS + 1]))


def put(times: list[int], series: list[int]) -> list[tuple[int, int, int]]:
    """(time, series, rowid) of all rows, part behind part."""
    with duckdb.connect() as connection:
        rows = pa.table({"time": pa.array(times, pa.int64()), "series": pa.array(series, pa.int32())})
        connection.execute("CREATE TABLE r AS SELECT * FROM rows")
        read = connection.execute("SELECT time, series, rowid FROM r").fetchnumpy()
        parts = Rows(read["time"], read["series"], read["rowid"]).cut(SLICE, SLICE * TOGETHER)
        found = [f"SELECT time, series, rowid FROM r WHERE {one.within} ORDER BY {one.order}" for one in parts]
        assert len(found) == -(-len(rows) // (SLICE * TOGETHER))
        return [row for sql in found for row in connection.execute(sql).fetchall()]


@settings(max_examples=40)
@given(st.lists(st.tuples(moments, st.integers(0, 3)), min_size=1, max_size=9 * SLICE))
def test_slice_behind_slice(points: list[tuple[int, int]]) -> None:
    """Whatever the times, equal ones among them: as many rows in each slice, and those before it in time in front."""
    times, series = zip(*points, strict=True)
    found = put(list(times), list(series))
    by_time = sorted((time, rowid, of) for rowid, (time, of) in enumerate(points))
    assert len(found) == len(points)
    for first in range(0, len(points), SLICE):
        wanted, rows = by_time[first : first + SLICE], found[first : first + SLICE]
        assert sorted((time, rowid, of) for time, of, rowid in rows) == wanted
        short = wanted[-1][0] - wanted[0][0] <= MOST_NS
        worth_it = short and 4 * len({of for _, _, of in wanted}) <= len(wanted)
        key = (lambda row: (row[1], row[0], row[2])) if worth_it else (lambda row: (row[0], row[2]))
        assert rows == sorted(rows, key=key)


def test_a_pause_between_two_days() -> None:
    """A slice that spans it stays in order of time; its neighbours, in the same part, do not."""
    mixed = [number % 4 for number in range(3 * SLICE)]
    times = list(range(SLICE + SLICE // 2)) + [MOST_NS * 2 + number for number in range(SLICE + SLICE // 2)]
    found = np.array([of for _, of, _ in put(times, mixed)])
    assert [count_runs(found[first : first + SLICE]) for first in range(0, 3 * SLICE, SLICE)] == [4, SLICE, 4]
