"""Points out of a copy of the store's file, in two forms that others read: line protocol, and Parquet.

Called by the front door on a file that nobody else has open. Line protocol is encoded by `foundation`, which raises
where a line could not be read back; Parquet is DuckDB's, one folder for each bucket, measurement and day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import duckdb

from foundation.batch import FieldType
from foundation.line_protocol.encode import encode
from foundation.line_protocol.line import LineError, Unsigned
from store.embedded.catalog import load_catalog
from store.embedded.parquet import KEY, Description

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from store.embedded.catalog import Catalog
    from store.embedded.schema import Column, Table

_ROWS: Final = 10_000
_MEMORY: Final = "512MB"
_LONGEST_NAME: Final = 200
"""Bytes of a measurement in the name of a folder, which file systems end at 255."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which points: of one bucket or all, of one measurement or all, from `since_ns` on and before `until_ns`."""

    bucket: str | None = None
    measurement: str | None = None
    since_ns: int | None = None
    until_ns: int | None = None

    def tables(self, catalog: Catalog) -> Iterator[tuple[str, Table]]:
        """Bucket and table of each measurement that is selected."""
        for bucket in catalog.buckets():
            if self.bucket in (None, bucket):
                for name, table in sorted((catalog.tables(bucket) or {}).items()):
                    if self.measurement in (None, name):
                        yield bucket, table

    @property
    def sql(self) -> str:
        """The bounds of time as a condition."""
        bounds = ["TRUE"]
        if self.since_ns is not None:
            bounds.append(f"time >= {self.since_ns}")
        if self.until_ns is not None:
            bounds.append(f"time < {self.until_ns}")
        return " AND ".join(bounds)


def line_protocol(
    path: Path, selection: Selection, on_unwritable: Callable[[LineError], None]
) -> Iterator[tuple[bytes, int]]:
    """The points as lines with their newlines, and how many: some thousand at a time.

    What line protocol cannot carry is told and left out.
    """
    with _opened(path) as (connection, catalog):
        for _, table in selection.tables(catalog):
            names = ", ".join(("time", *(column.physical for column in table.columns)))
            connection.execute(f"SELECT {names} FROM {table.relation} WHERE {selection.sql}")  # noqa: S608 - names of our own
            while rows := connection.fetchmany(_ROWS):
                lines = [line for row in rows if (line := _line(table, row, on_unwritable))]
                yield b"\n".join([*lines, b""]), len(lines)


def write_parquet(path: Path, selection: Selection, folder: Path) -> int:
    """The points as `bucket=B/measurement=M/day=YYYY-MM-DD/*.parquet` within `folder`; how many. Raises duckdb.Error.

    Columns are `time` (TIMESTAMP with nanoseconds, UTC), the tags and the fields. Where two names differ in case alone,
    which Parquet's readers take for one, or a tag and a field share theirs, the later one gets `_2` behind it. Each
    file says in its metadata which columns are tags, and what they are called in the store.
    """
    written = 0
    with _opened(path) as (connection, catalog):
        for bucket, table in selection.tables(catalog):
            into = folder / f"bucket={_folder_name(bucket)}" / f"measurement={_folder_name(table.measurement)}"
            into.mkdir(parents=True, exist_ok=True)
            columns = list(_named(table.columns))
            doubled = ((name.replace('"', '""'), column.physical) for name, column in columns)
            names = ", ".join(
                ("make_timestamp_ns(time) AS time", *(f'{physical} AS "{name}"' for name, physical in doubled))
            )
            described = Description.of(bucket, table.measurement, columns).as_text().replace("'", "''")
            day = "strftime(make_timestamp(time // 1000), '%Y-%m-%d')"
            rows = f"SELECT {names}, {day} AS day FROM {table.relation} WHERE {selection.sql}"  # noqa: S608 - quoted
            target = str(into).replace("'", "''")
            form = "FORMAT parquet, COMPRESSION zstd, PARTITION_BY (day), OVERWRITE_OR_IGNORE, KV_METADATA "
            form += f"{{{KEY}: '{described}'}}"
            done = connection.execute(f"COPY ({rows}) TO '{target}' ({form})").fetchall()
            written += int(done[0][0])
    return written


def _line(table: Table, row: Sequence[Any], on_unwritable: Callable[[LineError], None]) -> bytes | None:
    tags: dict[str, str] = {}
    fields: dict[str, Any] = {}
    for column, value in zip(table.columns, row[1:], strict=True):
        if value is None:
            continue
        if column.kind == "tag":
            tags[column.name] = value
        else:
            fields[column.name] = Unsigned(value) if column.type is FieldType.UNSIGNED else value
    try:
        return encode(table.measurement, tags, fields, row[0])
    except LineError as error:
        on_unwritable(error)
        return None


def _named(columns: Sequence[Column]) -> Iterator[tuple[str, Column]]:
    """Each with its name in a file; `time` and `day` are taken."""
    taken = {"time", "day"}
    for column in columns:
        name, number = column.name, 1
        while name.casefold() in taken:
            number += 1
            name = f"{column.name}_{number}"
        taken.add(name.casefold())
        yield name, column


def _folder_name(name: str) -> str:
    """As readers of partitions decode it; what is too long for a folder keeps its start and gets its hash."""
    safe = quote(name, safe="")
    if len(safe) <= _LONGEST_NAME:
        return safe
    return f"{quote(name[:20], safe='')}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"


@contextmanager
def _opened(path: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, Catalog]]:
    connection = duckdb.connect(path, read_only=True, config={"memory_limit": _MEMORY})
    try:
        yield connection, load_catalog(connection, path)
    finally:
        connection.close()
