"""One shipment, one transaction: new columns, rows, and the position behind them, or none of it.

Lives in one thread of its own; nothing here is shared with readers but the catalog's values, swapped after the commit.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any

import duckdb

from influxql.errors import QueryError
from store.contract import Verdict
from store.embedded.compaction.touched import Touched
from store.embedded.deleting import delete_rows, plan_deletions
from store.embedded.index import SeriesIndex
from store.embedded.intake import Intake, Learnt
from store.embedded.numbering import Numbering, Part
from store.embedded.recent.changes import Changes
from store.embedded.recent.memory import Recent
from store.embedded.rollups.marks import Marks, first_whole
from store.embedded.rollups.replacing import compare, delete_span, deleted_spans, fit
from store.embedded.rollups.starting import begin_rollups
from store.embedded.rows import forget_rows, newest_time, store_rows
from store.embedded.schema import TIME, Table, points_of
from store.embedded.widening import Widening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from foundation.batch import Position, Shipment
    from influxql.ast import Change
    from store.embedded.catalog import Catalog, Growth
    from store.embedded.reserve import Reserve
    from store.embedded.retention import Bound
    from store.embedded.rollups.definition import Rollup
    from store.embedded.rollups.marks import Slice
    from store.embedded.rollups.reading import Rolled
    from store.embedded.rollups.replacing import Replaced


class Writer:
    """Writes shipments through one connection. Not safe for threads: the store calls it from one."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        catalog: Catalog,
        rollups: Sequence[Rollup] = (),
        recent: Recent | None = None,
        index: SeriesIndex | None = None,
    ) -> None:
        """`recent` is told what is committed, `index` which series come and go."""
        self._connection = connection
        self._catalog = catalog
        self._marks = Marks(connection, rollups)
        self._index = index or SeriesIndex()
        self._learnt = Learnt()
        self._numbering = Numbering(connection)
        self._widening = Widening(connection)
        self._newest: dict[str, int | None] = {}
        self._positions = self._stored_positions()
        self._in_doubt = False
        self._recent = Recent() if recent is None else recent
        self._changes = Changes()
        self._watched: Touched | None = None
        self._lent: Callable[[], AbstractContextManager[None]] = nullcontext

    def draw_on(self, reserve: Reserve) -> None:
        """What a commit is to have besides. Called before anything is written."""
        self._lent = reserve.lent

    def position(self, log: str, bucket: str) -> int:
        """The offset committed last for this log and bucket, 0 when nothing was."""
        return self._positions.get((log, bucket), 0)

    def write(self, shipment: Shipment, position: Position, bound: Bound | None = None) -> Verdict:
        """Store the shipment, unless the bucket's position is beyond it already; lines before `bound` are refused.

        At the very same position it is stored again, which does no harm: that is how the parts of a shipment arrive.
        Where lines are refused the position stays: nobody but the caller can say when they are safe elsewhere.
        """
        if self._in_doubt:
            self._look_again()
        if self._positions.get((position.log, position.bucket), -1) > position.offset:
            return Verdict(stored=shipment.lines)
        growth = self._catalog.grow(shipment.bucket)
        intake = Intake(growth, self._learnt, bound)
        intake.take(shipment.unpack())
        reached = None if intake.refused else position
        newest = self._commit(growth, intake, reached)
        self._catalog.adopt(growth)
        self._newest |= newest
        if reached is not None:
            self._positions[reached.log, reached.bucket] = reached.offset
        self._learnt.adopt(intake.learnt)
        return Verdict(stored=intake.stored, refused=tuple(intake.refused))

    @property
    def marks(self) -> Marks:
        """Which windows of the rollups are to be rolled; what others may read of it are its values."""
        return self._marks

    def make_bucket(self, bucket: str) -> None:
        """Let there be a bucket, empty if it is new."""
        if self._in_doubt:
            self._look_again()
        growth = self._catalog.grow(bucket)
        with self._transaction():
            growth.apply(self._connection)
        self._catalog.adopt(growth)

    def expire(self, bucket: str, relation: str, first_ns: int, most_rows: int) -> int:
        """Delete rows of a bucket's table that are older than `first_ns`, at most so many; how many they were."""
        if self._in_doubt:
            self._look_again()
        points = points_of(relation)
        old = f"SELECT rowid FROM {points} WHERE time < {first_ns} LIMIT {most_rows}"  # noqa: S608 - names of our own
        with self._transaction():
            rows = self._connection.execute(f"DELETE FROM {points} WHERE rowid IN ({old})").fetchall()  # noqa: S608 - ours
            self._changes.before(relation, first_ns)
            if rows[0][0]:
                self._marks.move_horizon(bucket, first_ns)
            if rows[0][0] < most_rows:
                self._numbering.prune(relation, self._index.count(relation))
        if rows[0][0] < most_rows:
            self._index.expire(relation, first_ns)
        return int(rows[0][0])

    def delete(self, bucket: str, statement: Change, now_ns: int) -> None:
        """Delete what the statement means. Raises QueryError, and then nothing is deleted."""
        if self._in_doubt:
            self._look_again()
        tables = self._catalog.tables(bucket)
        if tables is None:
            raise QueryError(f"database not found: {bucket}")
        deletions = plan_deletions(statement, tables, now_ns)
        with self._transaction():
            watched = [one for one in deletions if self._marks.watches(bucket, one.table.measurement)]
            for measurement, first, last in deleted_spans(self._connection, watched):
                self._marks.touch_span(bucket, measurement, first, last)
            emptied = delete_rows(self._connection, deletions)
            for deletion in deletions:
                self._changes.since(deletion.table.relation)
                if deletion.table.measurement not in emptied:
                    self._numbering.prune(deletion.table.relation, self._index.count(deletion.table.relation))
        self._index.forget(deletion.table.relation for deletion in deletions)
        for deletion in deletions:
            if deletion.table.measurement in emptied:
                self._numbering.forget(deletion.table)
        self._catalog.forget(bucket, emptied)
        self._newest.clear()
        self._learnt.clear()

    def watch(self, relation: str) -> Touched:
        """What is done to a table from here on, until the next is watched."""
        self._watched = Touched(relation)
        return self._watched

    def begin_rollups(self) -> Mapping[str, str]:
        """Take up the configured rollups, once, before anything is written; rollup -> why it must not run."""
        with self._transaction():
            return begin_rollups(self._connection, self._catalog, self._marks)

    def begin_roll(self, rollup: Rollup, due: int, least: int) -> Slice | None:
        """The next windows of the rollup that end by `due` and are not older than `least`; None where all is done."""
        if self._in_doubt:
            self._look_again()
        with self._transaction():
            return self._marks.begin(rollup, due, least)

    def end_roll(self, slice_: Slice, rolled: Rolled) -> Replaced | None:
        """Put what was rolled in the place of what the target had. Raises TargetConflict, and then nothing is changed.

        None where it has been overtaken: the file was opened anew meanwhile, and the slice is marked as before.
        """
        if self._in_doubt:
            self._look_again()
        if not self._marks.is_under_way(slice_):
            return None
        horizon = self._marks.horizon(slice_.rollup.source.bucket)
        return self._replace(slice_, rolled, max(rolled.first, first_whole(slice_.rollup, horizon)))

    def _replace(self, slice_: Slice, rolled: Rolled, first: int) -> Replaced:
        """Rows of [first, the slice's end) for those that are there; what stood there and what comes is touched."""
        target = slice_.rollup.target
        growth = self._catalog.grow(target.bucket)
        before = growth.tables.get(target.measurement)
        come = fit(rolled.rows, first, target, growth)
        newest: dict[str, int | None] = {}
        self._widen(growth)
        with self._transaction():
            growth.apply(self._connection)
            gone = None if before is None else delete_span(self._connection, before, first, rolled.last)
            table = growth.table(target.measurement) if come is not None else before
            if come is not None and come.rows.num_rows and table is not None:
                latest = self._newest_of(table.relation)
                # Nothing is left to merge with in that span, so the rows are put in as into an empty table.
                rows = [self._numbering.number(table, come)]
                stored = store_rows(self._connection, table, rows, None)
                newest[table.relation] = stored if latest is None else max(stored, latest)
                self._touch(target.bucket, table, [come], rows)
            if gone is not None and gone.num_rows and table is not None:
                self._touch_rows(target.bucket, table, [gone])
            self._marks.settle(slice_, first)
        if gone is not None and before is not None:
            self._index.forget([before.relation])
        self._catalog.adopt(growth)
        self._newest |= newest
        return compare(gone, None if come is None else come.rows)

    def believed(self, now_ns: int) -> tuple[int, float | None]:
        """What `believe` kept last; in a file without that, the time of its newest point until `now_ns`."""
        kept = self._connection.execute("SELECT believed, doubted FROM clock").fetchall()
        if kept:
            return int(kept[0][0]), kept[0][1]
        buckets = [self._catalog.tables(bucket) or {} for bucket in self._catalog.buckets()]
        tables = [table for tables in buckets for table in tables.values()]
        newest = [newest_time(self._connection, table.relation, now_ns) for table in tables]
        return max((moment for moment in newest if moment is not None), default=now_ns), None

    def believe(self, moment_ns: int, doubted_s: float | None) -> None:
        """Keep the moment that retention believes, and for how long it has doubted the clock since."""
        if self._in_doubt:
            self._look_again()
        with self._transaction():
            self._connection.execute("DELETE FROM clock")
            self._connection.execute("INSERT INTO clock VALUES (?, ?)", [moment_ns, doubted_s])

    def checkpoint(self) -> None:
        """Work the log into the file: the blocks of deleted rows are free for others from then on.

        While points are being put in order DuckDB makes none; the one behind that does it.
        """
        with suppress(duckdb.TransactionException):
            self._connection.execute("CHECKPOINT")

    def _commit(self, growth: Growth, intake: Intake, reached: Position | None) -> dict[str, int | None]:
        """Everything in one transaction; returns the newest time of each table that was written."""
        newest: dict[str, int | None] = {}
        self._widen(growth)
        with self._transaction():
            growth.apply(self._connection)
            for measurement, parts in intake.parts.items():
                table = growth.table(measurement)
                before = self._newest_of(table.relation)
                rows = [self._numbering.number(table, part) for part in parts]
                newest[table.relation] = store_rows(self._connection, table, rows, before)
                self._touch(growth.bucket, table, parts, rows)
            if reached is not None:
                self._keep_position(reached)
        return newest

    def _widen(self, growth: Growth) -> None:
        """Add ahead of the rows what columns would take too much memory with them."""
        for portion in self._widening.portions(growth):
            ahead = self._catalog.grow(growth.bucket)
            for one in portion:
                ahead.column(one.measurement, one.column.name, one.column.kind, one.column.type)
            with self._transaction():
                ahead.apply(self._connection)
            self._catalog.adopt(ahead)
            growth.follow(ahead)
            self.checkpoint()

    def _touch(self, bucket: str, table: Table, parts: Sequence[Part], numbered: Sequence[Any]) -> None:
        """Rows came: memory is to read them again, rollups to roll their windows, series may be new."""
        self._index.note(table, parts, numbered)
        self._touch_rows(bucket, table, [part.rows for part in parts])

    def _touch_rows(self, bucket: str, table: Table, rows: Sequence[Any]) -> None:
        """The same for rows that went, without their series."""
        self._marks.touch_rows(bucket, table.measurement, rows)
        for one in rows:
            self._changes.stored(table.relation, one.column(TIME))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._changes = Changes()
        self._connection.execute("BEGIN")
        try:
            yield
            self._marks.write()
            if self._watched is not None:
                self._watched.note(self._changes)
            with self._recent.committing(self._changes), self._lent():
                self._connection.execute("COMMIT")
        except BaseException:
            self._in_doubt = True
            self._roll_back()
            raise
        self._marks.adopt()

    def _look_again(self) -> None:
        """After a failed commit nobody but the file knows whether it took place."""
        self._roll_back()  # where memory was short, it may have been so for that, too
        self._catalog.reload(self._connection)
        self._index.forget_all()
        self._numbering.clear()
        self._positions = self._stored_positions()
        self._marks.reload()
        self._newest.clear()
        self._learnt.clear()
        self._in_doubt = False

    def _stored_positions(self) -> dict[tuple[str, str], int]:
        rows = self._connection.execute("SELECT log, bucket, position FROM positions").fetchall()
        return {(log, bucket): offset for log, bucket, offset in rows}

    def _newest_of(self, relation: str) -> int | None:
        if relation not in self._newest:
            self._newest[relation] = newest_time(self._connection, relation)
        return self._newest[relation]

    def _keep_position(self, position: Position) -> None:
        if (position.log, position.bucket) in self._positions:
            sql = "UPDATE positions SET position = ? WHERE log = ? AND bucket = ?"
        else:
            sql = "INSERT INTO positions (position, log, bucket) VALUES (?, ?, ?)"
        self._connection.execute(sql, [position.offset, position.log, position.bucket])

    def _roll_back(self) -> None:
        """Leave no transaction behind; one that failed to commit is gone already, and DuckDB says so."""
        with suppress(duckdb.Error):
            self._connection.execute("ROLLBACK")
        with suppress(duckdb.Error):
            forget_rows(self._connection)
