"""The DuckDB file while it is open: its connections, catalog, writer and reader, made and closed together."""

from __future__ import annotations

import os
import threading
import weakref
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from foundation.errors import ConfigError
from store.embedded.catalog import Catalog, load_catalog
from store.embedded.copying import folder_of
from store.embedded.damage import cannot_open
from store.embedded.index import SeriesIndex
from store.embedded.query import EmbeddedReader
from store.embedded.recent.memory import Recent
from store.embedded.reserve import Buffers, Reserve
from store.embedded.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from foundation.clock import Clock
    from store.embedded.rollups.definition import Rollup


class Cursors:
    """Makes a cursor for each question, in any thread, and can stop those that are still being answered."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._made: weakref.WeakSet[duckdb.DuckDBPyConnection] = weakref.WeakSet()
        self._lock = threading.Lock()

    def make(self) -> duckdb.DuckDBPyConnection:
        """A cursor of the caller's own."""
        with self._lock:
            cursor = self._connection.cursor()
            self._made.add(cursor)
            return cursor

    def interrupt(self) -> None:
        """Stop what the cursors are doing now. A closed one has nothing to stop."""
        with self._lock:
            for cursor in self._made:
                with suppress(duckdb.ConnectionException):
                    cursor.interrupt()


@dataclass(frozen=True, slots=True)
class OpenFile:
    """What exists while the file is open. `cursors` are made from `connection`; the writer has one of its own."""

    connection: duckdb.DuckDBPyConnection
    cursors: Cursors
    writing: duckdb.DuckDBPyConnection
    catalog: Catalog
    writer: Writer
    reader: EmbeddedReader
    recent: Recent
    reserve: Reserve
    refused: Mapping[str, str]
    """rollup -> why it must not run"""

    def close(self) -> None:
        """Close the file; it is free for others at once."""
        self.writing.close()
        self.connection.close()


def open_file(
    path: Path,
    settings: Mapping[str, str | int | bool],
    clock: Clock,
    rollups: Sequence[Rollup] = (),
    *,
    recent: Recent,
    buffers: Buffers | None = None,
) -> OpenFile:
    """Open or make the file; `recent` is new, and this file's own. `buffers` is its memory, unless `settings` say.

    Raises ConfigError when another process holds it, when it is damaged, and when it is not ours or newer.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        limits = {} if buffers is None else {"memory_limit": f"{buffers.standing}B"}
        connection = duckdb.connect(path, config={**settings, **limits})
    except (duckdb.Error, OSError) as error:
        raise ConfigError(cannot_open(path, error)) from error
    _remove_spilled(path)
    try:
        _confine(connection, path)
        catalog = load_catalog(connection, path)
        writing = connection.cursor()
        index = SeriesIndex()
        writer = Writer(writing, catalog, rollups, recent, index)
        refused = writer.begin_rollups()
    except BaseException as error:
        with suppress(duckdb.Error):
            connection.close()
        if isinstance(error, duckdb.Error):
            raise ConfigError(cannot_open(path, error)) from error
        raise
    cursors = Cursors(connection)
    reader = EmbeddedReader(cursors.make, catalog.tables, clock, catalog.buckets, recent, index)
    reserve = Reserve(connection.cursor, buffers or Buffers(0, 0))
    reader.draw_on(reserve)
    writer.draw_on(reserve)
    return OpenFile(connection, cursors, writing, catalog, writer, reader, recent, reserve, refused)


def _remove_spilled(path: Path) -> None:
    """What queries of a killed process had put to disk: it is as much as they were allowed, and nobody reads it again.

    Called when the file is ours. DuckDB does so too, when the next query needs the room, which may be never.
    """
    own = f"duckdb_temp_{os.getpid()}_"
    with suppress(OSError):
        for left in path.with_name(path.name + ".tmp").iterdir():
            if not left.name.startswith(own):
                left.unlink()


def _confine(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """From here on no SQL reaches a file outside the folder of copies; it cannot be taken back while it is open."""
    folder = str(folder_of(path)).replace("'", "''")
    connection.execute(f"SET allowed_directories = ['{folder}/']")
    connection.execute("SET enable_external_access = false")
