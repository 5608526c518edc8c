"""Deletes points that are older than their bucket keeps them, slice after slice.

Each slice is a transaction of its own in the writer's thread, so a shipment waits for one at most. Deleted rows leave
free blocks in the file, which the next lines fill: it does not shrink, and does not grow either.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from foundation.logs import logger
from store.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from store.embedded.file import OpenFile
    from store.embedded.retention import Ages

T = TypeVar("T")

_log = logger("store.embedded.expiry")
_SLICE_ROWS: Final = 100_000
"""About 50 ms of the writer's time."""
_PAUSE_S: Final = 0.05
"""Between slices: a sweep takes half of the writer's time at most."""
_KEPT_EVERY_NS: Final = 3_600_000_000_000


class Change(Protocol):
    """Runs work on the open file in the writer's thread."""

    async def __call__(self, work: Callable[[OpenFile], T]) -> T:
        """What the work returns. Raises StoreUnavailable."""


class Expiry:
    """Deletes points that are older than their bucket keeps them. `on_expired` is told bucket and lines.

    `held` gives the first moment of a bucket that has yet to be rolled up, None where there is none: it stays.
    """

    def __init__(
        self, ages: Ages, change: Change, on_expired: Callable[[str, int], None], held: Callable[[str], int | None]
    ) -> None:
        self._ages = ages
        self._held = held
        self._change = change
        self._on_expired = on_expired
        self._kept: tuple[int, bool] | None = None
        self._sweeping = asyncio.Lock()

    async def run(self, every: timedelta) -> None:
        """Sweep now and at each `every`, for ever; what cannot be deleted now is deleted by the next sweep."""
        while True:
            try:
                await self.sweep()
            except StoreUnavailable as error:
                _log.warning("points past their retention could not be deleted", cause=error)
            await asyncio.sleep(every.total_seconds())

    async def sweep(self) -> int:
        """Delete all that is too old now; how many lines that were. One sweeps at a time. Raises StoreUnavailable."""
        async with self._sweeping:
            return await self._sweep()

    async def _sweep(self) -> int:
        gone = 0
        await self._keep(*self._ages.judge())
        for bucket in await self._change(lambda file: file.catalog.buckets()):
            bound = self._ages.bound(bucket)
            if bound is not None:
                held = self._held(bucket)
                first_ns = bound.first_ns if held is None else min(bound.first_ns, held)
                gone += await self._sweep_bucket(bucket, first_ns)
        if gone:
            await self._change(lambda file: file.writer.checkpoint())
        return gone

    async def _keep(self, believed_ns: int, doubted_s: float | None) -> None:
        """Keep in the file what is believed, once in a while and whenever a doubt begins or ends."""
        doubts = doubted_s is not None
        if self._kept is None or doubts is not self._kept[1] or abs(believed_ns - self._kept[0]) >= _KEPT_EVERY_NS:
            await self._change(lambda file: file.writer.believe(believed_ns, doubted_s))
            self._kept = believed_ns, doubts

    async def _sweep_bucket(self, bucket: str, first_ns: int) -> int:
        gone = 0
        for table in (await self._change(lambda file: file.catalog.tables(bucket)) or {}).values():
            deleted = _SLICE_ROWS
            while deleted == _SLICE_ROWS:
                deleted = await self._expire(bucket, table.relation, first_ns)
                self._on_expired(bucket, deleted)
                gone += deleted
                if deleted:
                    await asyncio.sleep(_PAUSE_S)
        return gone

    async def _expire(self, bucket: str, relation: str, first_ns: int) -> int:
        return await self._change(lambda file: file.writer.expire(bucket, relation, first_ns, _SLICE_ROWS))
