"""What one question holds on to: its cursor, its database, its moment, and what it may see.

Most questions are answered from memory. The cursor is made for those that are not, when they first look at the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from influxql.translate.parameters import Parameters
from influxql.translate.predicate import KnownValues, TagValues
from store.embedded.deadline import Deadline
from store.embedded.index import Known, SeriesIndex
from store.embedded.plans import Plans
from store.embedded.recent.memory import Recent
from store.embedded.schema import Table, Tables
from store.embedded.spans import Spans
from store.embedded.statements import Statements
from store.errors import QueryLimitExceeded

T = TypeVar("T")

Row = tuple[Any, ...]

_CHUNK_ROWS = 50_000
_BATCH_ROWS = 65_536

MOST_ROWS = 2_000_000
"""Rows that one statement may make, empty windows included; beyond it the statement is refused."""
MOST_VALUES = 5_000_000
"""Values that all statements of a query may answer together: some 450 MB, for as long as it takes to send them."""


@dataclass(slots=True)
class Session:
    """Used by one thread, for the statements of one query. `connect` makes a cursor, which is the session's own."""

    connect: Callable[[], duckdb.DuckDBPyConnection]
    schema: Callable[[str], Tables | None]
    database: str
    now_ns: int
    deadline: Deadline
    index: SeriesIndex = field(default_factory=SeriesIndex)
    registered: int = 0
    in_snapshot: bool = False
    recent: Recent | None = None
    """what is in memory; None: everything is asked of the file"""
    statements: Statements = field(default_factory=Statements)
    plans: Plans = field(default_factory=Plans)
    spans: Spans = field(default_factory=Spans)
    """these three shared with other questions"""
    _connection: duckdb.DuckDBPyConnection | None = None

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The cursor, watched by the deadline. Raises as `Deadline.check` does."""
        if self._connection is None:
            self._connection = self.connect()
            self.deadline.watch(self._connection)
        return self._connection

    @property
    def has_looked(self) -> bool:
        """Whether it has looked at the file."""
        return self._connection is not None

    @property
    def may_wait(self) -> bool:
        """Whether it may look at the file at all."""
        return True

    def close(self) -> None:
        """The question is answered."""
        self.deadline.end()
        if self._connection is not None:
            self._connection.close()

    def tables(self, database: str | None = None) -> Tables | None:
        """The measurements of a database (by default the query's own); None where there is no such database."""
        return self.schema(database or self.database)

    def fetch(self, sql: str, parameters: Parameters) -> list[Row]:
        """All rows of a SELECT. What was bound for a part that turned out to be false is left out."""
        self.deadline.check()
        parsed = self.statements.parse(self.connection, sql)
        answer = self.connection.execute(parsed.statement, {name: parameters.values[name] for name in parsed.names})
        rows: list[Row] = []
        while chunk := answer.fetchmany(_CHUNK_ROWS):
            rows += chunk
            guard_rows(len(rows))
            guard_values(len(rows) * len(rows[0]))
            self.deadline.check()
        return rows

    def fetch_columns(self, sql: str, parameters: Parameters) -> pa.Table:
        """The same as columns, so that no row becomes an object.

        The limit stands in the text: DuckDB looks all names up again for each thing that is done to a relation.
        """
        limited = f"SELECT * FROM ({sql}) LIMIT {MOST_ROWS + 1}"  # noqa: S608 - our own text, whose values are bound
        found = self.fetch_table(limited, parameters)
        guard_rows(len(found))
        return found

    def fetch_table(self, sql: str, parameters: Parameters) -> pa.Table:
        """The same however many rows they are."""
        return self._relation(sql, parameters).to_arrow_table()

    def stream(self, sql: str, parameters: Parameters) -> Iterator[pa.RecordBatch]:
        """The same piece by piece: nothing else is asked of the file until the last one has come."""
        for batch in self._relation(sql, parameters).to_arrow_reader(_BATCH_ROWS):
            self.deadline.check()
            yield batch

    def _relation(self, sql: str, parameters: Parameters) -> duckdb.DuckDBPyRelation:
        self.deadline.check()
        parsed = self.statements.parse(self.connection, sql)
        bound = {name: parameters.values[name] for name in parsed.names}
        return self.connection.sql(parsed.statement, params=bound)

    def known(self, table: Table) -> Known | None:
        """All series of a table of the file, None where they are too many."""
        return self.index.look(table, self._fetch_newest)

    def tag_values(self, table: Table) -> TagValues:
        """The values of a table's tags, looked up when they are asked for."""
        places = {column.physical: place for place, column in enumerate(table.tags.values())}

        def values(physical: str) -> KnownValues | None:
            known = self.known(table)
            return None if known is None else known.values[places[physical]]

        return values

    def _fetch_newest(self, sql: str) -> list[Row]:
        """Outside of the snapshot."""
        self.deadline.check()
        with closing(self.connection.cursor()) as cursor, self.deadline.watching(cursor):
            return cursor.execute(sql).fetchall()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """What is fetched within sees the file as of one moment."""
        if self.in_snapshot:
            yield
            return
        self.connection.execute("BEGIN")
        self.in_snapshot = True
        try:
            yield
        finally:
            self.in_snapshot = False
            with suppress(duckdb.Error):
                self.connection.execute("ROLLBACK")

    def steady(self, relation: str, read: Callable[[], T]) -> T:
        """What `read` makes of a table and of what is known of its series, both as of one moment.

        Series seldom come just while they are asked for: it is read again then, from a snapshot. The index knows all
        series of that, since it is told before they are committed.
        """
        version = self.index.version(relation)
        found = read()
        if self.index.version(relation) == version:
            return found
        with self.snapshot():
            self.connection.execute("SELECT txid_current()").fetchall()
            return read()

    def register(self, columns: Mapping[str, pa.Array]) -> str:
        """Make a table of the inner answer for the query around it; its name to stand in FROM."""
        return self.register_table(pa.table(dict(columns)))

    def register_table(self, table: pa.Table) -> str:
        """The same with an Arrow table that is there already."""
        name = f"inner{self.registered}"
        self.registered += 1
        self.connection.register(name, table)
        return name

    def release(self) -> None:
        """Forget the tables that were made."""
        for index in range(self.registered):
            self.connection.unregister(f"inner{index}")
        self.registered = 0


def guard_rows(count: int) -> None:
    """Refuse what would not fit."""
    if count > MOST_ROWS:
        raise QueryLimitExceeded(
            f"the answer has more than {MOST_ROWS} rows; narrow the time range, widen the interval or add a LIMIT"
        )


def guard_values(count: int) -> None:
    """Refuse what would not fit, however few rows it has."""
    if count > MOST_VALUES:
        raise QueryLimitExceeded(
            f"the answer has more than {MOST_VALUES} values; narrow the time range, ask for fewer fields or add a LIMIT"
        )
