"""Whatever the writer does between the copy of a move and its end: the table holds what a dictionary would."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.batch import Position
from influxql.ast import Change
from influxql.parser import parse
from store.embedded.catalog import load_catalog
from store.embedded.compaction.mixture import Mixture
from store.embedded.compaction.moving import Extent, Move
from store.embedded.writer import Writer
from tests.fakes.shipping import shipment

ROWS = 2048
GROUPS = 6
POINTS = ROWS * GROUPS
BUCKET = "telemetry"

moments = st.integers(0, POINTS)
steps = st.sampled_from([1, 7, GROUPS])


@dataclass
class Store:
    """A writer on a table of small row groups, all of which lie across all times, and what it must hold.

    It has three series, so that moves put them behind each other.
    """

    connection: duckdb.DuckDBPyConnection
    writer: Writer
    points: dict[int, float] = field(default_factory=dict)
    offset: int = 0

    def put(self, times: range, value: float) -> None:
        """Lines for these times, new or there already."""
        self.offset += 1
        body = b"".join(b"m,t=%d f=%f %d\n" % (time % 3, value, time) for time in times)
        self.writer.write(shipment(body, BUCKET), Position("log", BUCKET, self.offset))
        self.points.update(dict.fromkeys(times, value))

    def widen(self) -> None:
        """A line with a field that is new."""
        self.offset += 1
        body = b"m,t=%d f=0,g%d=1 %d\n" % (self.offset % 3, self.offset, self.offset)
        self.writer.write(shipment(body, BUCKET), Position("log", BUCKET, self.offset))
        self.points[self.offset] = 0.0

    def delete(self, first: int, last: int) -> None:
        """A statement."""
        (statement,) = parse(f"DELETE FROM m WHERE time >= {first} AND time <= {last}")  # noqa: S608 - our own numbers
        assert isinstance(statement, Change)
        self.writer.delete(BUCKET, statement, 0)
        self.points = {time: value for time, value in self.points.items() if not first <= time <= last}

    def expire(self, first: int) -> None:
        """A sweep."""
        self.writer.expire(BUCKET, "m1", first, 1_000_000)
        self.points = {time: value for time, value in self.points.items() if time >= first}

    def check(self) -> None:
        """Compare."""
        found = self.connection.execute("SELECT time, f1 FROM m1").fetchall()
        assert len(found) == len(self.points)
        assert dict(found) == self.points


Act = tuple[str, tuple[object, ...]]
acts = st.one_of(
    st.tuples(
        st.just("put"),
        st.tuples(
            st.builds(lambda first, step, count: range(first, first + count * step, step), moments, steps, moments),
            st.integers(1, 9).map(float),
        ),
    ),
    st.tuples(st.just("widen"), st.just(())),
    st.tuples(st.just("delete"), st.tuples(moments, moments)),
    st.tuples(st.just("expire"), st.tuples(st.integers(0, POINTS // 4))),
)


@contextmanager
def opened() -> Iterator[Store]:
    """A store with all points, put in one group's after the other."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        connection.execute(f"ATTACH '{Path(folder) / 'small.duckdb'}' AS small (ROW_GROUP_SIZE {ROWS})")
        connection.execute("USE small")
        store = Store(connection, Writer(connection, load_catalog(connection, Path(folder))))
        for number in range(GROUPS):
            store.put(range(number, POINTS, GROUPS), 0.5)
        yield store


@settings(max_examples=15)
@given(st.lists(st.lists(acts, max_size=2), min_size=1, max_size=4))
def test_a_move_changes_nothing(rounds: list[list[Act]]) -> None:
    """Lines, deletions, sweeps and new columns in the midst of it: all of them hold, and every other row stays."""
    with opened() as store:
        for round_ in rounds:
            cursor = store.connection.cursor()
            cursor.execute("USE small")
            move = Move(cursor, store.writer.watch("m1"), Mixture(), Extent(GROUPS * ROWS, 3 * ROWS, ROWS))
            if not store.points:
                return
            is_worth_it = bool(move.look(begun=True).groups)
            if is_worth_it:
                assert move.copy() > 0
            for name, arguments in round_:
                getattr(store, name)(*arguments)
            is_done = is_worth_it and move.finish(store.connection)
            assert not is_worth_it or is_done or round_
            move.close()
            store.writer.checkpoint()
            if store.points:
                store.check()
