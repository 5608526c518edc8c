"""Whatever happens and in whatever order, the target holds what the points come to, reckoned one by one."""

# ruff: noqa: S608 - queries of InfluxQL, and SQL of our own names

from collections import defaultdict
from collections.abc import Iterator
from itertools import count
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from isal import igzip

from foundation.batch import Position, Shipment
from influxql.ast import Delete
from influxql.literals import MIN_TIME
from influxql.parser import parse
from store.embedded.catalog import Catalog
from store.embedded.rollups.definition import RollupConfig, RollupTarget, read_rollups
from store.embedded.rollups.marks import Slice
from store.embedded.rollups.reading import Rolled, roll
from store.embedded.schema import CATALOG_SQL
from store.embedded.writer import Writer

WINDOW, HOUR = 10, 60
Key = tuple[str, str, int]
"""(tag a, tag b, time)"""

ONE = st.tuples(st.sampled_from(["", "x", "y"]), st.sampled_from(["", "z"]), st.integers(-40, 200), st.integers(-9, 9))
CHANGE = st.one_of(
    st.tuples(st.just("write"), st.lists(ONE, min_size=1, max_size=8)),
    st.tuples(st.just("write"), st.lists(ONE, min_size=1, max_size=8)),
    st.tuples(st.just("delete"), st.tuples(st.integers(-40, 200), st.integers(0, 60))),
)
NAME = st.sampled_from(["fine", "coarse"])
STEP = st.one_of(
    CHANGE,
    st.tuples(st.just("wait"), st.integers(1, 60)),
    st.tuples(st.just("finish"), st.none()),
    st.tuples(st.just("roll_amid"), st.tuples(NAME, CHANGE, CHANGE)),
    st.tuples(st.just("die_amid"), st.tuples(NAME, CHANGE)),
)


class World:
    """A writer on a database in memory with a rollup of 10 ns windows and one of 60 ns above it; and a model."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, bucket: str) -> None:
        self.connection = connection
        self.bucket = bucket
        fine = RollupConfig(
            name="fine",
            bucket=bucket,
            query=f"SELECT sum(f) AS s, count(f) AS n, max(f) AS top FROM m GROUP BY time({WINDOW}ns, 3ns), *",
            target=RollupTarget(bucket=f"{bucket}-fine"),
        )
        coarse = RollupConfig(
            name="coarse",
            bucket=f"{bucket}-fine",
            query=f"SELECT sum(n) AS n, sum(s) AS s FROM m GROUP BY time({HOUR}ns), a",
            target=RollupTarget(bucket=f"{bucket}-coarse"),
        )
        self.rollups = {rollup.name: rollup for rollup in read_rollups((coarse, fine))}
        self.points: dict[Key, int] = {}
        self.now = 100
        self.offset = count(1)
        self.start()

    def start(self) -> None:
        """As after a kill: what was not committed is forgotten."""
        self.slices: dict[str, Slice | None] = {}
        self.rolled: dict[str, Rolled] = {}
        self.catalog = Catalog(self.connection)
        self.writer = Writer(self.connection.cursor(), self.catalog, tuple(self.rollups.values()))
        assert self.writer.begin_rollups() == {}

    def write(self, points: list[tuple[str, str, int, int]]) -> None:
        lines = []
        for a, b, time, value in points:
            self.points[a, b, time] = value
            tags = (f",a={a}" if a else "") + (f",b={b}" if b else "")
            lines.append(f"m{tags} f={value}i {time}\n")
        shipment = Shipment(self.bucket, igzip.compress("".join(lines).encode()), len(lines))
        self.writer.write(shipment, Position("log", self.bucket, next(self.offset)))

    def delete(self, span: tuple[int, int]) -> None:
        first, last = span[0], sum(span)
        self.points = {key: value for key, value in self.points.items() if not first <= key[2] < last}
        (statement,) = parse(f"DELETE FROM m WHERE time >= {first} AND time < {last}")
        if self.catalog.tables(self.bucket) is not None:
            assert isinstance(statement, Delete)
            self.writer.delete(self.bucket, statement, 0)

    def wait(self, by: int) -> None:
        self.now += by

    def begin(self, name: str) -> Slice | None:
        rollup = self.rollups[name]
        self.rolled.pop(name, None)
        self.slices[name] = self.writer.begin_roll(rollup, rollup.window.start(self.now), MIN_TIME)
        return self.slices[name]

    def read(self, name: str) -> None:
        slice_ = self.slices.get(name)
        if slice_ is not None:
            self.rolled[name] = roll(self.connection, self.catalog.tables, slice_, 2, self.now)

    def end(self, name: str) -> None:
        slice_, rolled = self.slices.get(name), self.rolled.pop(name, None)
        if slice_ is not None and rolled is not None:
            self.writer.end_roll(slice_, rolled)
            self.slices[name] = None

    def roll_amid(self, what: tuple[str, tuple[str, Any], tuple[str, Any]]) -> None:
        """Roll a slice while lines come and are deleted."""
        name, *changes = what
        self.begin(name)
        self.take(changes[0])
        self.read(name)
        self.take(changes[1])
        self.end(name)

    def die_amid(self, what: tuple[str, tuple[str, Any]]) -> None:
        """Be killed with a slice under way, and bring its end to the next process."""
        name, change = what
        self.begin(name)
        self.read(name)
        slice_, rolled = self.slices[name], self.rolled.get(name)
        self.take(change)
        self.start()
        if slice_ is not None and rolled is not None:
            assert self.writer.end_roll(slice_, rolled) is None

    def take(self, step: tuple[str, Any]) -> None:
        """Do what the step says."""
        name, argument = step
        getattr(self, name)(argument)

    def finish(self, _: None = None) -> None:
        """Roll until nothing is due."""
        for name in ("fine", "coarse"):
            while self.begin(name) is not None:
                self.read(name)
                self.end(name)

    def target(self, name: str) -> dict[tuple[int, tuple[str, ...]], dict[str, Any]]:
        place = self.rollups[name].target
        table = (self.catalog.tables(place.bucket) or {}).get(place.measurement)
        if table is None:
            return {}
        columns = [*table.tags.values(), *table.fields.values()]
        names = ", ".join(["time", *(column.physical for column in columns)])
        found: dict[tuple[int, tuple[str, ...]], dict[str, Any]] = {}
        for time, *values in self.connection.execute(f"SELECT {names} FROM {table.relation}").fetchall():
            cells = dict(zip([column.name for column in columns], values, strict=True))
            key = (time, tuple(f"{tag}={cells.pop(tag)}" for tag in sorted(table.tags) if cells[tag] is not None))
            assert key not in found
            found[key] = {field: value for field, value in cells.items() if value is not None}
        return found

    def fine(self) -> dict[tuple[int, tuple[str, ...]], dict[str, int]]:
        groups: defaultdict[tuple[int, tuple[str, ...]], list[int]] = defaultdict(list)
        for (a, b, time), value in self.points.items():
            start = (time - 3) // WINDOW * WINDOW + 3
            tags = tuple(f"{key}={text}" for key, text in (("a", a), ("b", b)) if text)
            if start + WINDOW <= self.now:
                groups[start, tags].append(value)
        return {key: {"s": sum(all_), "n": len(all_), "top": max(all_)} for key, all_ in groups.items()}

    def coarse(self) -> dict[tuple[int, tuple[str, ...]], dict[str, int]]:
        groups: dict[tuple[int, tuple[str, ...]], dict[str, int]] = {}
        for (time, tags), fields in self.fine().items():
            start = time // HOUR * HOUR
            key = (start, tuple(tag for tag in tags if tag.startswith("a=")))
            if start + HOUR <= self.now:
                group = groups.setdefault(key, {"n": 0, "s": 0})
                groups[key] = {"n": group["n"] + fields["n"], "s": group["s"] + fields["s"]}
        return groups


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    made = duckdb.connect()
    made.execute(CATALOG_SQL)
    yield made
    made.close()


BUCKETS = (f"b{number}" for number in count())


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, max_size=12))
def test_target_is_what_points_come_to(connection: duckdb.DuckDBPyConnection, steps: list[tuple[str, Any]]) -> None:
    """Late points, overwrites, deletions and kills amid a slice leave what a fresh run over everything would give."""
    world = World(connection, next(BUCKETS))
    for step in steps:
        world.take(step)
    world.finish()
    assert world.target("fine") == world.fine()
    assert world.target("coarse") == world.coarse()
