"""percentile() of values that nothing groups: the point that sorting by value, then time, puts at its rank."""

import random
from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest

from foundation.batch import FieldType
from influxql.translate.percentile import rank
from store.embedded.query import EmbeddedReader, parse_query
from store.embedded.schema import Column, Table
from tests.fakes.clock import ManualClock

TABLE = Table(
    "m",
    "m1",
    (
        Column("h", "tag", None, "t1"),
        Column("v", "field", FieldType.FLOAT, "f1"),
        Column("u", "field", FieldType.UNSIGNED, "f2"),
        Column("none", "field", FieldType.FLOAT, "f3"),
    ),
)
chance = random.Random(3)  # noqa: S311 - data
TIMES = chance.sample(range(1_000), 300)
COLUMNS = {
    "v": [chance.choice((1.5, 2.0, -4.25, None)) for _ in TIMES],
    "u": [chance.choice((0, 7, 2**64 - 1, 2**63, None)) for _ in TIMES],
}


@pytest.fixture
def reader(clock: ManualClock) -> Iterator[EmbeddedReader]:
    """A reader of bucket `db`, whose points repeat their values and stand in no order of time."""
    with duckdb.connect() as opened:
        data = pa.table(
            {
                "time": pa.array(TIMES, pa.int64()),
                "t1": ["a"] * len(TIMES),
                "f1": pa.array(COLUMNS["v"], pa.float64()),
                "f2": pa.array(COLUMNS["u"], pa.uint64()),
                "f3": pa.array([None] * len(TIMES), pa.float64()),
            }
        )
        opened.register("given", data)
        opened.execute("CREATE TABLE m1 AS FROM given").fetchall()
        yield EmbeddedReader(opened.cursor, {"db": {"m": TABLE}}.get, clock, lambda: ("db",))


def ask(reader: EmbeddedReader, text: str) -> list[list[object]]:
    (result,) = reader.answer(parse_query(text), "db")
    assert result.error is None
    return [row for series in result.series for row in series.values]


def expected(name: str, percent: float) -> tuple[int, float] | None:
    points = sorted((value, time) for value, time in zip(COLUMNS[name], TIMES, strict=True) if value is not None)
    place = rank(len(points), percent)
    return (points[place - 1][1], points[place - 1][0]) if 1 <= place <= len(points) else None


@pytest.mark.parametrize("name", ["v", "u"])
def test_a_lone_percentile_is_a_point(reader: EmbeddedReader, name: str) -> None:
    """With its own time; of equal values the later one has the higher rank, and beyond all ranks there is none."""
    for percent in (0, 0.1, 1, 33, 50, 66.7, 95, 99.9, 100, 101):
        point = expected(name, percent)
        rows = ask(reader, f"SELECT percentile({name}, {percent}) FROM m")  # noqa: S608 - InfluxQL
        assert rows == ([] if point is None else [list(point)]), percent


def test_several_percentiles_are_taken_from_one_column(reader: EmbeddedReader) -> None:
    """Each its own value, whatever stands beside it; one that has no rank is null."""
    text = "SELECT percentile(v, 0), percentile(v, 50), percentile(u, 90), percentile(v, 100), count(v) FROM m"
    wanted = [expected("v", 0), expected("v", 50), expected("u", 90), expected("v", 100)]
    present = sum(value is not None for value in COLUMNS["v"])
    assert ask(reader, text) == [[0, *(point and point[1] for point in wanted), present]]


def test_no_value_at_all_is_no_point(reader: EmbeddedReader) -> None:
    """A field that no point has, and a range without points."""
    assert ask(reader, "SELECT percentile(none, 50) FROM m") == []
    assert ask(reader, "SELECT percentile(none, 50), percentile(none, 5) FROM m") == []
    assert ask(reader, "SELECT percentile(v, 50) FROM m WHERE time > 5000") == []
