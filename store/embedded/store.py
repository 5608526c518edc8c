"""Opens the file, owns the threads, and keeps the store contract: writes in one thread, queries in a few others."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeVar

import duckdb

from foundation.errors import ConfigError
from store.contract import FieldTypes, StatementResult, Verdict
from store.embedded.catalog import Catalog, load_catalog
from store.embedded.query import EmbeddedReader, parse_query
from store.embedded.writer import Writer
from store.errors import BucketMissing, StoreUnavailable

if TYPE_CHECKING:
    from foundation.batch import Position, Shipment
    from foundation.clock import Clock

T = TypeVar("T")

_RETRY_S: Final = 5.0
_CHECKPOINT_BYTES: Final = "64MB"
"""The log grows so far before it is worked into the file: more is faster, less is quicker to open after a crash."""
_MEMORY: Final = re.compile(r"[1-9]\d*(\.\d+)? ?[KMGT]i?B")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedConfig:
    """The store in this process. `path` is the DuckDB file (default: telemetry.duckdb in the state folder).

    `create_buckets`: a bucket comes into being with its first write. `memory_limit` bounds DuckDB's buffers (what does
    not fit goes to disk); `threads` are DuckDB's own; `queries` is how many are answered at once.
    """

    kind: Literal["embedded"] = "embedded"
    path: Path | None = None
    create_buckets: bool = True
    memory_limit: str = "512MB"
    threads: int = 2
    queries: int = 4

    def __post_init__(self) -> None:
        if self.threads < 1 or self.queries < 1:
            raise ValueError("threads and queries must be at least 1")
        if not _MEMORY.fullmatch(self.memory_limit):
            raise ValueError(f"memory_limit must be a number and a unit, as in 512MB or 2GB, not {self.memory_limit!r}")


class EmbeddedStore:
    """The store contract on one DuckDB file."""

    name = "embedded"

    def __init__(self, config: EmbeddedConfig, *, state: Path, clock: Clock) -> None:
        self._config = config
        self._path = config.path or state / "telemetry.duckdb"
        self._clock = clock
        self._writing = ThreadPoolExecutor(1, "store-write")
        self._reading = ThreadPoolExecutor(config.queries, "store-query")
        self._open: _Open | None = None

    async def open(self) -> None:
        """Open or make the file. Raises ConfigError when another process holds it, or when it is not ours or newer."""
        self._open = await self._in_writer(lambda: _open_file(self._path, self._config, self._clock))

    async def close(self) -> None:
        """Let running calls end, then close the file."""
        opened, self._open = self._open, None
        await asyncio.to_thread(self._reading.shutdown)
        await asyncio.to_thread(self._writing.shutdown)
        if opened is not None:
            opened.close()

    async def write(self, shipment: Shipment, position: Position) -> Verdict:
        """Store the shipment and its position in one transaction that is on disk when this returns.

        Raises BucketMissing where buckets are not created by writing, StoreUnavailable when the disk does not take it.
        """
        opened = self._opened()
        if not self._config.create_buckets and opened.catalog.tables(shipment.bucket) is None:
            raise BucketMissing(f'bucket "{shipment.bucket}" not found')
        try:
            return await self._in_writer(lambda: opened.writer.write(shipment, position))
        except duckdb.Error as error:
            raise StoreUnavailable(f"the embedded store cannot write: {error}", retry_after_s=_RETRY_S) from error

    async def position(self, log: str, bucket: str) -> int | None:
        """The offset committed with the last rows of this log and bucket, 0 when there are none."""
        return self._opened().writer.position(log, bucket)

    async def field_types(self, bucket: str) -> FieldTypes:
        """Types of all fields of the bucket; empty when there is no such bucket."""
        tables = self._opened().catalog.tables(bucket) or {}
        return {
            name: {key: column.type for key, column in table.fields.items() if column.type is not None}
            for name, table in tables.items()
        }

    async def buckets(self) -> tuple[str, ...]:
        """Names of the buckets, sorted."""
        return self._opened().catalog.buckets()

    async def query(self, influxql: str, db: str, *, deadline_s: float = 30.0) -> tuple[StatementResult, ...]:
        """Answer `influxql`; see the contract. Raises QuerySyntaxError, and QueryLimitExceeded after the deadline."""
        opened = self._opened()
        statements = parse_query(influxql)
        now_ns = self._clock.now_ns()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._reading, lambda: opened.reader.answer(statements, db, now_ns, deadline_s)
        )

    def _opened(self) -> _Open:
        if self._open is None:
            raise StoreUnavailable("the embedded store is not open")
        return self._open

    async def _in_writer(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writing, work)


@dataclass(frozen=True, slots=True)
class _Open:
    """What exists while the file is open. Cursors are made from `connection`; the writer has one of its own."""

    connection: duckdb.DuckDBPyConnection
    writing: duckdb.DuckDBPyConnection
    catalog: Catalog
    writer: Writer
    reader: EmbeddedReader

    def close(self) -> None:
        """Close the file; it is free for others at once."""
        self.writing.close()
        self.connection.close()


def _open_file(path: Path, config: EmbeddedConfig, clock: Clock) -> _Open:
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": config.memory_limit,
        "threads": config.threads,
        "wal_autocheckpoint": _CHECKPOINT_BYTES,
        "autoinstall_known_extensions": False,
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = duckdb.connect(path, config=settings)
    except (duckdb.Error, OSError) as error:
        raise ConfigError(_cannot_open(path, error)) from error
    try:
        catalog = load_catalog(connection, path)
        writing = connection.cursor()
        writer = Writer(writing, catalog)
    except BaseException:
        connection.close()
        raise
    reader = EmbeddedReader(connection.cursor, catalog.tables, clock, catalog.buckets)
    return _Open(connection, writing, catalog, writer, reader)


def _cannot_open(path: Path, error: Exception) -> str:
    text = str(error).splitlines()[0]
    if "lock" in text.lower():
        return (
            f"{path}: another process has the store open ({text}); one process alone can: let the others read through "
            "its /query (store: {kind: remote, url: ...}), or give this one a state folder of its own"
        )
    return f"{path}: cannot be opened as a DuckDB file ({text}); restore it from a backup or set store.path elsewhere"
