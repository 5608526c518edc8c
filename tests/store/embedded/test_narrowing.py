"""Percentiles of very many values: the same as those of few, in less memory."""

import random
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from foundation.batch import FieldType
from influxql.translate.percentile import rank
from store.embedded import narrowing
from store.embedded.query import EmbeddedReader, parse_query
from store.embedded.schema import Column, Table
from tests.fakes.clock import ManualClock

TABLE = Table(
    "m",
    "m1",
    (
        Column("h", "tag", None, "t1"),
        Column("v", "field", FieldType.FLOAT, "f1"),
        Column("n", "field", FieldType.INTEGER, "f2"),
    ),
)
ROWS = 60_000
QUESTIONS = [
    "SELECT percentile(v, 95) FROM m",
    "SELECT percentile(v, 95), n FROM m",
    "SELECT percentile(v, 95), n FROM m GROUP BY h",
    "SELECT percentile(n, 50), percentile(v, 99.9), mean(v) FROM m",
    "SELECT percentile(n, 50), percentile(v, 5), percentile(v, 0), percentile(v, 100), max(n) FROM m GROUP BY h",
    "SELECT percentile(v, 50), count(v) FROM m WHERE time >= 0 AND time < 60000 GROUP BY time(7u), h",
    "SELECT percentile(v, 0) FROM m",
]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A group of most points, one of a thousand and one of three; whole numbers come often, some are missing."""
    chance = random.Random(7)  # noqa: S311 - data
    groups = chance.choices(["most", "few", None], [0.98, 0.02, 0.0], k=ROWS - 3) + [None] * 3
    values = [chance.lognormvariate(4, 1) if chance.random() < 0.9 else None for _ in range(ROWS)]
    counts = [chance.randrange(-5, 90) if chance.random() < 0.9 else None for _ in range(ROWS)]
    with duckdb.connect() as opened:
        opened.register("given", pa.table({"time": range(ROWS), "t1": groups, "f1": values, "f2": counts}))
        opened.execute("CREATE TABLE m1 AS FROM given").fetchall()
        yield opened


@pytest.fixture
def reader(connection: duckdb.DuckDBPyConnection, clock: ManualClock) -> EmbeddedReader:
    """A reader of bucket `db`."""
    return EmbeddedReader(connection.cursor, {"db": {"m": TABLE}}.get, clock, lambda: ("db",))


def ask(reader: EmbeddedReader, text: str) -> list[tuple[dict[str, str], list[list[Any]]]]:
    """Tags and rows of every series."""
    (result,) = reader.answer(parse_query(text), "db")
    assert result.error is None
    return [(dict(series.tags), list(series.values)) for series in result.series]


@pytest.fixture
def narrowed(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Every count of values is taken for very many; whether each sample led to an answer."""
    led = list[bool]()
    take = narrowing.take_narrowed

    def take_and_tell(*args: Any) -> Any:
        rows = take(*args)
        led.append(rows is not None)
        return rows

    monkeypatch.setattr("store.embedded.percentiles.MANY_VALUES", 0)
    monkeypatch.setattr("store.embedded.percentiles.take_narrowed", take_and_tell)
    return led


@pytest.mark.parametrize("text", QUESTIONS)
def test_the_answers_are_those_of_few(text: str, reader: EmbeddedReader, narrowed: list[bool]):
    """With points and without, by groups and windows, of floats and integers: the same rows, taken from a sample."""
    found = ask(reader, text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("store.embedded.percentiles.MANY_VALUES", 2 * ROWS)
        assert found == ask(reader, text)
    assert narrowed
    assert all(narrowed)


@pytest.mark.parametrize("text", QUESTIONS[:6])
def test_a_sample_that_misleads(
    text: str, reader: EmbeddedReader, narrowed: list[bool], monkeypatch: pytest.MonkeyPatch
):
    """Bounds that leave the percentile out are noticed, and all values are taken."""
    monkeypatch.setattr(narrowing, "_pair", lambda *_: (-1e9, -1e9))
    found = ask(reader, text)
    assert not any(narrowed)
    monkeypatch.setattr("store.embedded.percentiles.MANY_VALUES", 2 * ROWS)
    assert found == ask(reader, text)


def test_a_sample_is_narrow():
    """Twenty thousand sampled values leave a hundredth of all between the bounds of a median, few of them all."""
    fractions = narrowing._fractions([50.0])
    (wide,) = narrowing._pairs(fractions, 20, [50.0])
    (narrow,) = narrowing._pairs(fractions, 20_000, [50.0])
    assert wide == (None, None)
    assert narrow == pytest.approx((0.484, 0.516))


def test_the_rank_in_sql(connection: duckdb.DuckDBPyConnection):
    """SQL and `rank` round alike, also where a percentile falls between two places."""
    for percent in (0.1, 12.5, 33.3, 50, 95, 99.9, 100):
        sql = "SELECT i, CAST(floor(i * $percent / 100 + 0.5) AS BIGINT) FROM range(1, 3000) AS r(i)"
        found = connection.execute(sql, {"percent": float(percent)}).fetchall()
        assert all(place == rank(count, percent) for count, place in found)
