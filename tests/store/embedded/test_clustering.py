"""Rows that come together are put series behind series where a question wins by it, and stay as they came elsewhere."""

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from foundation.batch import Position
from store.embedded.catalog import load_catalog
from store.embedded.clustering import MOST_NS, cluster, count_runs
from store.embedded.writer import Writer
from tests.fakes.shipping import shipment

ROWS = 5_000


def rows_of(series: list[int]) -> pa.Table:
    """Rows of these series, one behind the other in time, and what they were at first."""
    count = len(series)
    return pa.table(
        {"time": range(count), "series": pa.array(series, pa.int32()), "f1": [f"v{n}" for n in range(count)]}
    )


@given(st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=9), st.integers(0, 2**32 - 1))
def test_series_behind_series(numbers: list[int], seed: int) -> None:
    """Whatever the numbers: each series stands together, its rows in the order they had, and every row is whole."""
    series = np.random.default_rng(seed).choice(numbers, ROWS).tolist()
    rows = rows_of(series)
    found = cluster(rows, 1)
    assert found.to_pylist() == sorted(rows.to_pylist(), key=lambda row: row["series"])
    assert count_runs(found.column("series").to_numpy()) == len(set(series))


def test_rows_that_stay_as_they_came() -> None:
    """Few rows; rows of a long time, of which a question may want a short one; rows of as many series."""
    mixed = [number % 7 for number in range(ROWS)]
    few, many = rows_of(mixed[:4_000]), rows_of(mixed)
    assert cluster(few, 1) is few
    assert cluster(many, MOST_NS + 1) is many
    assert cluster(many, MOST_NS) is not many
    alone = rows_of([number * 7 % ROWS for number in range(ROWS)])
    assert cluster(alone, 1) is alone


def test_runs() -> None:
    """Each change of the series begins one."""
    assert [count_runs(np.array(series)) for series in ([], [3], [3, 3], [3, 3, 1, 3])] == [0, 1, 1, 3]


def test_a_shipment_stands_in_the_file_series_behind_series(tmp_path: Path) -> None:
    """Each shipment by itself: also where two series have the same times, and a point comes twice."""
    with duckdb.connect(tmp_path / "t.duckdb") as connection:
        writer = Writer(connection, load_catalog(connection, tmp_path))
        for turn in range(2):
            times = range(turn * ROWS, turn * ROWS + ROWS)
            lines = [b"m,host=h%d f=%d %d\n" % (time % 5, time, time // (1 + turn) + turn * ROWS) for time in times]
            writer.write(shipment(b"".join(lines)), Position("log", "telemetry", turn + 1))
        series = connection.execute("SELECT series FROM r1 ORDER BY rowid").fetchnumpy()["series"]
        assert [count_runs(series[:ROWS]), count_runs(series[ROWS:])] == [5, 5]
        assert connection.execute("SELECT count(*), sum(f1) FROM r1").fetchall() == [(2 * ROWS, sum(range(2 * ROWS)))]
