"""One move: the rows of some row groups to the end of their table, in their order, in one transaction.

Its two halves run in two threads. `copy` writes the rows once more, beside running writes, in a snapshot of its own;
`finish` runs in the writer's thread, where nothing is written meanwhile: it takes the rows away where they stood, which
is quick since they are whole groups, and commits. Where the writer changed one of the rows in between, all is undone.
"""

# ruff: noqa: S608 - the SQL holds our own physical names and integers

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import duckdb

from store.embedded.compaction.disorder import Group, choose, choose_mixed, count_rows
from store.embedded.compaction.groups import Layout, end_of, read_layout, rows_of
from store.embedded.compaction.slicing import Rows
from store.embedded.schema import SERIES, TIME, points_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from store.embedded.compaction.mixture import Mixture
    from store.embedded.compaction.slicing import Part
    from store.embedded.compaction.touched import Touched

_TOUCHED: Final = "touched_meanwhile"
_CONFLICT: Final = "conflict"


@dataclass(frozen=True, slots=True)
class Extent:
    """How many rows a move takes, and how many of them are sorted at once, whole.

    `slice_rows` are put series behind series: as many as a row group holds, or an even part of them.
    """

    most_rows: int
    sorted_rows: int
    slice_rows: int


@dataclass(frozen=True, slots=True)
class Prospect:
    """What a look at a table found: the groups to merge next (none: it is in order), all rows, where rowids end.

    `held_bytes` are of earlier moves: questions under way keep them from being given back.
    """

    groups: tuple[Group, ...] = ()
    rows: int = 0
    end: int = 0
    held_bytes: int = 0

    @property
    def size_bytes(self) -> int:
        """What the groups take of the disk; blocks that they share with others count in full."""
        return sum(group.size_bytes for group in self.groups)


class Move:
    """`look`, then `copy`, then `finish`, then `close`: one at a time, each in whatever thread.

    `touched` has been told of every commit since before the first of them. `cursor` becomes the move's own.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection, touched: Touched, mixture: Mixture, extent: Extent) -> None:
        self._cursor = cursor
        self._touched = touched
        self._mixture = mixture
        self._relation = points_of(touched.relation)
        self._extent = extent
        self._groups: tuple[Group, ...] = ()
        self._rows = 0
        self._lock = threading.Lock()

    def look(self, *, begun: bool) -> Prospect:
        """Choose what to move next, or, not `begun`, whether to begin. Raises duckdb.Error."""
        with self._lock:
            self._cursor.execute("BEGIN")
            layout = read_layout(self._cursor, self._relation)
            self._groups = self._choose(layout, begun=begun)
            rows = count_rows(layout.groups)
            return Prospect(self._groups, rows, end_of(self._cursor, self._relation), layout.held_bytes)

    def copy(self) -> int:
        """Write the rows once more; how many they are. Raises duckdb.Error."""
        with self._lock:
            for part in self._parts():
                within = f"({rows_of(self._groups)}) AND {part.within}"
                rows = f"FROM {self._relation} WHERE {within} ORDER BY {part.order}"
                ((count,),) = self._cursor.execute(f"INSERT INTO {self._relation} SELECT * {rows}").fetchall()
                self._rows += int(count)
            return self._rows

    def finish(self, writing: duckdb.DuckDBPyConnection) -> bool:
        """Take the rows away where they stood, and commit; False where the writer changed one, and nothing is done.

        `writing` is the writer's connection. Raises duckdb.Error.
        """
        with self._lock:
            try:
                # That fewer rows go than came is not known to happen; were it ever so, points would be there twice.
                if self._is_disturbed(writing) or self._delete() != self._rows:
                    return False
                self._cursor.execute("COMMIT")
            except duckdb.TransactionException as error:
                # Rows were deleted, or the table was altered or dropped. A commit that finds no room comes as the same.
                if _CONFLICT not in str(error).lower():
                    raise
                return False
            return True

    def stop(self) -> None:
        """Interrupt what another thread does; it raises there."""
        self._cursor.interrupt()

    def close(self) -> None:
        """Undo what was not finished; waits for what another thread does."""
        with self._lock:
            with suppress(duckdb.Error):
                self._cursor.execute("ROLLBACK")
            self._cursor.close()
            self._touched.release()

    def _choose(self, layout: Layout, *, begun: bool) -> tuple[Group, ...]:
        """Points where they belong come first; series behind series are then put what that leaves."""
        chosen = choose(layout.groups, self._extent.most_rows, begun=begun)
        if chosen:
            return chosen
        mixed = self._mixture.among(self._cursor, self._relation, layout.groups)
        return choose_mixed(layout.groups, mixed, self._extent.most_rows, begun=begun)

    def _parts(self) -> Iterable[Part]:
        read = f"SELECT {TIME}, {SERIES}, rowid FROM {self._relation} WHERE {rows_of(self._groups)}"
        columns = self._cursor.execute(read).fetchnumpy()
        rows = Rows(columns[TIME], columns[SERIES], columns["rowid"])
        return list(rows.cut(self._extent.slice_rows, self._extent.sorted_rows))

    def _delete(self) -> int:
        ((count,),) = self._cursor.execute(f"DELETE FROM {self._relation} WHERE {rows_of(self._groups)}").fetchall()
        return int(count)

    def _is_disturbed(self, writing: duckdb.DuckDBPyConnection) -> bool:
        """Whether a copied row is another one by now. DuckDB itself tells of rows that are gone, not of updates."""
        first_ns = min(group.first_ns for group in self._groups)
        last_ns = max(group.last_ns for group in self._groups)
        if self._touched.beyond_count:
            return True
        times = self._touched.within(first_ns, last_ns)
        if not times.num_rows and self._touched.before_ns <= first_ns:
            return False
        return self._digest(self._cursor, times) != self._digest(writing, times)

    def _digest(self, connection: duckdb.DuckDBPyConnection, times: Any) -> list[Any]:
        """The copied rows that were perhaps touched, as this connection sees them."""
        touched = f"({TIME} < {self._touched.before_ns} OR {TIME} IN (SELECT {TIME} FROM {_TOUCHED}))"
        rows = f"FROM {self._relation} AS r WHERE ({rows_of(self._groups)}) AND {touched}"
        connection.register(_TOUCHED, times)
        try:
            return connection.execute(f"SELECT count(*), sum(hash(r)) {rows}").fetchall()
        finally:
            connection.unregister(_TOUCHED)
