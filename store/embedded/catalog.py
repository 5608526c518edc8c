"""What the file holds, read at open; and what a shipment adds to it, held back until its transaction has committed.

The writer's thread alone grows and adopts. Readers call `tables` from any thread: the mapping they get never changes.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from foundation.batch import FieldType
from foundation.errors import ConfigError
from store.embedded.migration import migrate_tables, raise_format
from store.embedded.schema import (
    CATALOG_SQL,
    FORMAT,
    Column,
    Kind,
    Table,
    Tables,
    create_sql,
    new_table,
    view_sql,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import duckdb

_IS_READONLY = "SELECT readonly FROM duckdb_databases() WHERE database_name = current_database()"
_NOTHING: Tables = MappingProxyType({})
_NO_BUCKETS: Mapping[str, Tables] = MappingProxyType({})
_NO_IDS: Mapping[str, int] = MappingProxyType({})


class Catalog:
    """Buckets and their tables as the file has them."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._buckets: Mapping[str, Tables] = _NO_BUCKETS
        self._ids: Mapping[str, int] = _NO_IDS
        self._next_table = 1
        self.reload(connection)

    def reload(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Read everything again."""
        columns = _read_columns(connection)
        ids = dict(connection.execute("SELECT name, id FROM buckets").fetchall())
        tables: dict[int, dict[str, Table]] = {number: {} for number in ids.values()}
        numbers = [0]
        rows = connection.execute("SELECT id, bucket, name, relation FROM measurements").fetchall()
        for number, bucket, name, relation in rows:
            tables[bucket][name] = Table(name, relation, tuple(columns.get(number, ())), number)
            numbers.append(number)
        self._ids = MappingProxyType(ids)
        self._buckets = MappingProxyType({name: MappingProxyType(tables[number]) for name, number in ids.items()})
        # A number is given once, also where the table that had it is gone: a reader may still know it by it.
        self._next_table = max(self._next_table, max(numbers) + 1)

    def tables(self, bucket: str) -> Tables | None:
        """The bucket's tables as of now, None when there is no such bucket."""
        return self._buckets.get(bucket)

    def buckets(self) -> tuple[str, ...]:
        """Names of the buckets, sorted."""
        return tuple(sorted(self._buckets))

    def grow(self, bucket: str) -> Growth:
        """A scratch copy of the bucket for one shipment."""
        return Growth(
            bucket=bucket,
            bucket_id=self._ids.get(bucket),
            spare_bucket_id=max(self._ids.values(), default=0) + 1,
            tables=self._buckets.get(bucket, _NOTHING),
            next_table=self._next_table,
        )

    def adopt(self, growth: Growth) -> None:
        """Take over what a growth added. Call it after the commit."""
        self._ids = MappingProxyType({**self._ids, growth.bucket: growth.bucket_id})
        self._buckets = MappingProxyType({**self._buckets, growth.bucket: growth.tables})
        self._next_table = growth.next_table

    def forget(self, bucket: str, measurements: frozenset[str]) -> None:
        """Let go of measurements whose tables are gone. Call it after the commit."""
        kept = {name: table for name, table in self._buckets.get(bucket, _NOTHING).items() if name not in measurements}
        self._buckets = MappingProxyType({**self._buckets, bucket: MappingProxyType(kept)})


class Growth:
    """The bucket's tables plus what one shipment brings; `apply` writes the difference inside its transaction."""

    def __init__(
        self, *, bucket: str, bucket_id: int | None, spare_bucket_id: int, tables: Tables, next_table: int
    ) -> None:
        self.bucket = bucket
        self.bucket_id = spare_bucket_id if bucket_id is None else bucket_id
        self.next_table = next_table
        self._new_bucket = bucket_id is None
        self._known = tables
        self._tables: dict[str, Table] = dict(tables)

    @property
    def tables(self) -> Tables:
        """Everything the bucket has, the additions included."""
        return MappingProxyType(dict(self._tables))

    def table(self, measurement: str) -> Table:
        """The measurement's table; made, without columns, when it is new."""
        found = self._tables.get(measurement)
        if found is None:
            found = self._tables[measurement] = new_table(measurement, self.next_table)
            self.next_table += 1
        return found

    def field_type(self, measurement: str, field: str) -> FieldType | None:
        """The type the field is pinned to, None when there is no such field."""
        table = self._tables.get(measurement)
        column = table.fields.get(field) if table else None
        return column.type if column else None

    def column(self, measurement: str, name: str, kind: Kind, type_: FieldType | None) -> Column:
        """The column of a tag or field; made when it is new. An existing field keeps its own type."""
        table = self.table(measurement)
        siblings = table.tags if kind == "tag" else table.fields
        found = siblings.get(name)
        if found is None:
            found = Column(name, kind, type_, f"{kind[0]}{len(siblings) + 1}")
            self._tables[measurement] = replace(table, columns=(*table.columns, found))
        return found

    def widened(self) -> Iterator[tuple[Table, tuple[Column, ...]]]:
        """Tables that are there already, with the columns that they get, in order."""
        for measurement, before in self._known.items():
            table = self._tables[measurement]
            if len(table.columns) > len(before.columns):
                yield table, table.columns[len(before.columns) :]

    def follow(self, ahead: Growth) -> None:
        """A growth of the same bucket brought some of these columns, the first of each table, and was adopted."""
        self._known = ahead.tables

    def apply(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the new tables and columns, and write them into the catalog."""
        if self._new_bucket:
            connection.execute("INSERT INTO buckets VALUES (?, ?)", [self.bucket_id, self.bucket])
        for measurement, table in self._tables.items():
            before = self._known.get(measurement)
            if before is not table:
                self._apply_table(connection, table, before)

    def _apply_table(self, connection: duckdb.DuckDBPyConnection, table: Table, before: Table | None) -> None:
        added = table.columns[len(before.columns) :] if before else table.columns
        if before is None:
            for statement in create_sql(table):
                connection.execute(statement)
            row = [table.number, self.bucket_id, table.measurement, table.relation]
            connection.execute("INSERT INTO measurements VALUES (?, ?, ?, ?)", row)
        for column in added:
            if before is not None:
                place = table.keys if column.kind == "tag" else table.points
                connection.execute(f"ALTER TABLE {place} ADD COLUMN {column.physical} {column.sql_type}")
            row = [table.number, column.name, column.kind, column.type or FieldType.STRING, column.physical]
            connection.execute("INSERT INTO columns VALUES (?, ?, ?, ?, ?)", row)
        connection.execute(view_sql(table))


def load_catalog(connection: duckdb.DuckDBPyConnection, path: Path) -> Catalog:
    """Read the catalog, making it in an empty file and bringing an older one up to date, if it may be written.

    Raises ConfigError on a file of another program or version.
    """
    version = _check_format(connection, path)
    ((frozen,),) = connection.execute(_IS_READONLY).fetchall()
    if version < FORMAT and not frozen:
        raise_format(connection, version)
    catalog = Catalog(connection)
    if not frozen:
        old = {str(row[0]) for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        buckets = [catalog.tables(bucket) or {} for bucket in catalog.buckets()]
        migrate_tables(connection, [table for tables in buckets for table in tables.values() if table.relation in old])
    return catalog


def _read_columns(connection: duckdb.DuckDBPyConnection) -> dict[int, list[Column]]:
    columns: dict[int, list[Column]] = {}
    rows = connection.execute("SELECT measurement, name, kind, type, physical FROM columns ORDER BY rowid").fetchall()
    for number, name, kind, type_, physical in rows:
        column = Column(name, kind, None if kind == "tag" else FieldType(type_), physical)
        columns.setdefault(number, []).append(column)
    return columns


def _check_format(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    """The file's format; an empty file gets the present one."""
    present = {str(row[0]) for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if not present:
        connection.execute("BEGIN")
        connection.execute(CATALOG_SQL)
        connection.execute("INSERT INTO format VALUES (?)", [FORMAT])
        connection.execute("COMMIT")
        return FORMAT
    rows = connection.execute("SELECT version FROM format").fetchall() if "format" in present else []
    if not rows:
        raise ConfigError(f"{path}: this DuckDB file was not made by Tocsin; set store.path to a file of its own")
    if rows[0][0] > FORMAT:
        raise ConfigError(
            f"{path}: the file has format {rows[0][0]}, this version of Tocsin reads up to {FORMAT}; "
            "upgrade Tocsin, or set store.path to another file"
        )
    return int(rows[0][0])
