"""How much of the disk the store may take, and what happens at the end of it.

`Quota` measures in the writer's thread, now and then, and refuses lines while there is no room: delivery keeps them in
the buffer. With the policy drop-oldest, `Relief` makes room instead: it deletes the oldest day of the buckets that
have no retention, day after day. Free blocks in the file count as room, since the next lines fill them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from foundation.logs import logger
from store.embedded.sizes import tell_size
from store.errors import StoreFull, StoreUnavailable

if TYPE_CHECKING:
    import duckdb

    from foundation.clock import Clock
    from store.embedded.catalog import Catalog
    from store.embedded.expiry import Change
    from store.embedded.file import OpenFile
    from store.embedded.retention import Retention
    from store.embedded.rollups.definition import Rollup

WhenFull = Literal["refuse", "drop-oldest"]

_log = logger("store.embedded.quota")
_LOOK_S: Final = 1.0
_RETRY_S: Final = 30.0
_LEVEL: Final = 0.95
"""Above this part of the quota drop-oldest begins, so that no line has to wait."""
_DAY_NS: Final = 86_400_000_000_000
_SLICE_ROWS: Final = 100_000
_PAUSE_S: Final = 0.05


class Quota:
    """Measures what the file holds and admits lines while that is below `limit_bytes` (0: always). Writer's thread."""

    def __init__(self, limit_bytes: int, path: Path, clock: Clock) -> None:
        self.limit_bytes = limit_bytes
        self.used_bytes = 0
        self._path = path
        self._clock = clock
        self._looked = float("-inf")

    @property
    def problem(self) -> str:
        """Why no line is taken; empty while there is room."""
        if not self.limit_bytes or self.used_bytes < self.limit_bytes:
            return ""
        return f"the store has used up its quota: {tell_size(self.used_bytes)} of {tell_size(self.limit_bytes)}"

    def admit(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Raise StoreFull while the quota is used up."""
        if self.limit_bytes and self._clock.monotonic() - self._looked >= _LOOK_S:
            _ = self.measure(connection)
        if self.problem:
            raise StoreFull(
                f"{self.problem}; raise store.quota, delete points or give a bucket a retention", retry_after_s=_RETRY_S
            )

    def measure(self, connection: duckdb.DuckDBPyConnection) -> int:
        """Bytes in use by blocks and log. Where that is too much the log is worked in first, which frees blocks."""
        used = self._use(connection)
        if self.limit_bytes and used >= self.limit_bytes * _LEVEL and _size(self._log):
            connection.execute("CHECKPOINT")
            used = self._use(connection)
        self._looked = self._clock.monotonic()
        self.used_bytes = used
        return used

    @property
    def scarce(self) -> bool:
        """Whether room has to be made."""
        return bool(self.limit_bytes) and self.used_bytes >= self.limit_bytes * _LEVEL

    def leaves(self, size_bytes: int) -> bool:
        """Whether so much may be written besides, as of the last measurement."""
        return not self.limit_bytes or self.used_bytes + size_bytes < self.limit_bytes * _LEVEL

    @property
    def _log(self) -> Path:
        return self._path.with_name(f"{self._path.name}.wal")

    def _use(self, connection: duckdb.DuckDBPyConnection) -> int:
        sql = "SELECT block_size, used_blocks FROM pragma_database_size() WHERE database_name = current_database()"
        ((block_size, used_blocks),) = connection.execute(sql).fetchall()
        return int(block_size) * int(used_blocks) + _size(self._log)


@dataclass(frozen=True, slots=True)
class Day:
    """The oldest day of some buckets: it ends at `end_ns`, and these (bucket, relation) have points before that."""

    end_ns: int
    tables: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """The date in UTC."""
        return str((datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=(self.end_ns - 1) // 1_000)).date())


class Relief:
    """Drops the oldest days while room is scarce. `on_dropped` is told bucket and points."""

    def __init__(
        self,
        quota: Quota,
        retention: Retention,
        rollups: tuple[Rollup, ...],
        change: Change,
        on_dropped: Callable[[str, int], None],
    ) -> None:
        self._quota = quota
        self._retention = retention
        self._rolled = frozenset(rollup.target.bucket for rollup in rollups)
        self._change = change
        self._on_dropped = on_dropped
        self._relieving = asyncio.Lock()

    async def run(self, every: timedelta) -> None:
        """Look now and at each `every`, for ever."""
        while True:
            try:
                _ = await self.relieve()
            except StoreUnavailable as error:
                _log.warning("no room could be made in the store", cause=error)
            await asyncio.sleep(every.total_seconds())

    async def relieve(self) -> int:
        """Drop days until there is room, or nothing is left that may go; how many points that were. One at a time."""
        async with self._relieving:
            return await self._relieve()

    async def _relieve(self) -> int:
        gone = 0
        while await self._change(self._is_scarce):
            day = await self._change(self._oldest)
            if day is None:
                return gone
            dropped = await self._drop(day)
            gone += dropped
            await self._change(lambda file: file.writer.checkpoint())
            _log.warning("the oldest day was dropped to stay within the quota", day=day.name, points=dropped)
        return gone

    def _is_scarce(self, file: OpenFile) -> bool:
        _ = self._quota.measure(file.writing)
        return self._quota.scarce

    def _oldest(self, file: OpenFile) -> Day | None:
        """In the writer's thread. What rollups made goes last, as it is what is left of older points."""
        free = [bucket for bucket in file.catalog.buckets() if self._retention.span(bucket) is None]
        for some in ([one for one in free if one not in self._rolled], [one for one in free if one in self._rolled]):
            day = oldest_day(file.writing, file.catalog, some)
            if day is not None:
                return day
        return None

    async def _drop(self, day: Day) -> int:
        gone = 0
        for bucket, relation in day.tables:
            deleted = _SLICE_ROWS
            while deleted == _SLICE_ROWS:
                deleted = await self._drop_slice(bucket, relation, day.end_ns)
                self._on_dropped(bucket, deleted)
                gone += deleted
                await asyncio.sleep(_PAUSE_S)
        return gone

    async def _drop_slice(self, bucket: str, relation: str, end_ns: int) -> int:
        return await self._change(lambda file: file.writer.expire(bucket, relation, end_ns, _SLICE_ROWS))


def oldest_day(connection: duckdb.DuckDBPyConnection, catalog: Catalog, buckets: list[str]) -> Day | None:
    """The oldest day on which any of the buckets has points; never the day of the newest point of them all."""
    spans = list(_spans(connection, catalog, buckets))
    if not spans:
        return None
    end_ns = (min(first for _, _, first, _ in spans) // _DAY_NS + 1) * _DAY_NS
    if max(last for _, _, _, last in spans) < end_ns:
        return None
    return Day(end_ns, tuple((bucket, relation) for bucket, relation, first, _ in spans if first < end_ns))


def _spans(
    connection: duckdb.DuckDBPyConnection, catalog: Catalog, buckets: list[str]
) -> Iterator[tuple[str, str, int, int]]:
    """(bucket, relation, first, last time) of every measurement with points."""
    for bucket in buckets:
        for table in (catalog.tables(bucket) or {}).values():
            sql = f"SELECT min(time), max(time) FROM {table.points}"  # noqa: S608 - a name of our own
            ((first, last),) = connection.execute(sql).fetchall()
            if first is not None:
                yield bucket, table.relation, int(first), int(last)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
