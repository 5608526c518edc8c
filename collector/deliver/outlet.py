"""The way into one destination: when it may be written to, how much at once, and what its answers teach about both.

Shared by the lanes of all buckets of one deliverer. Nothing is tried again here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from collector.deliver.destinations import Destination
from collector.deliver.pace import Pace
from collector.deliver.places import Places
from collector.deliver.rest import Patience, Rest
from collector.metrics import DeliveryMetrics
from foundation.batch import Position, Shipment
from foundation.errors import Permanent
from store.contract import Verdict
from store.errors import BodyRefused, ConnectionCut, StoreBusy, StoreTimedOut

_MOST_CONCURRENCY = 64
_SMALL = 8
"""A write below this part of what may be written is far from full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryConfig:
    """`most_bytes`: about how many compressed bytes go to a store in one write; fewer where it takes fewer at once.

    `gather`: how long to wait behind a write that was far from full, so that single points share the next one.
    `concurrency`: how many buckets are written to one destination at once; fewer while it has too much to do.
    """

    most_bytes: int = 1 << 20
    gather: timedelta = timedelta(milliseconds=50)
    concurrency: int = 4

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if self.most_bytes <= 0:
            raise ValueError("most_bytes is a number of bytes greater than zero")
        if not timedelta(0) <= self.gather <= timedelta(seconds=10):
            raise ValueError("gather is between 0 and 10s: for so long acknowledged lines cannot be queried yet")
        if not 1 <= self.concurrency <= _MOST_CONCURRENCY:
            raise ValueError(f"concurrency is between 1 and {_MOST_CONCURRENCY} buckets at once")


class Outlet:
    """Writes to one destination."""

    def __init__(
        self, destination: Destination, config: DeliveryConfig, metrics: DeliveryMetrics, patience: Patience
    ) -> None:
        self._destination = destination
        self._metrics = metrics
        self._clock = patience.clock
        self._rest = Rest(patience)
        self._places = Places(config.concurrency)
        self._pace = Pace(config.most_bytes)
        self.gather_s = config.gather.total_seconds()
        self._show()

    @property
    def most_bytes(self) -> int:
        """About how much the next write should carry."""
        return self._pace.size_bytes

    @property
    def crowded(self) -> bool:
        """Whether another bucket waits for a place."""
        return self._places.crowded

    def adopt(self, config: DeliveryConfig) -> None:
        """Write by `config` from now on; how much the destination takes is found out anew."""
        self._pace = Pace(config.most_bytes)
        self._places.adopt(config.concurrency)
        self.gather_s = config.gather.total_seconds()
        self._show()

    def stop(self) -> None:
        """Wait for nothing any more; called when nobody writes."""
        self._rest.stop()

    def place(self) -> AbstractAsyncContextManager[None]:
        """Wait for a place among those who may write at once, and hold it."""
        return self._places.place()

    def is_small(self, shipment: Shipment) -> bool:
        """Whether a shipment is so far from full that there is hardly more behind it."""
        return len(shipment.members) < self._pace.size_bytes // _SMALL

    async def position(self, log: str, bucket: str) -> int | None:
        """Where the destination itself says it is in the log of our bucket; None where it keeps no positions."""
        return await self._destination.store.position(log, self._destination.bucket(bucket))

    async def write(self, shipment: Shipment, position: Position) -> Verdict:
        """Write once, when the destination does not rest. Raises the errors of the store."""
        theirs = self._destination.bucket(shipment.bucket)
        renamed = shipment if theirs == shipment.bucket else replace(shipment, bucket=theirs)
        async with self._rest.attempt(), self._learning(len(shipment.members)):
            verdict = await self._destination.store.write(renamed, position)
        self._metrics.lines.labels(self._destination.name, shipment.bucket).inc(verdict.stored)
        return verdict

    @asynccontextmanager
    async def _learning(self, size_bytes: int) -> AsyncIterator[None]:
        began = self._clock.monotonic()
        try:
            yield
        except BodyRefused as error:
            if error.too_large:
                self._pace.too_large(size_bytes)
            raise
        except Permanent:
            raise
        except (StoreTimedOut, ConnectionCut):
            self._pace.late(size_bytes)
            self._places.strained()
            raise
        except StoreBusy:
            self._places.strained()
            raise
        else:
            self._pace.answered(size_bytes, self._clock.monotonic() - began)
            self._places.took()
        finally:
            self._show()

    def _show(self) -> None:
        name = self._destination.name
        self._metrics.body_bytes.labels(name).set(self._pace.size_bytes)
        self._metrics.places.labels(name).set(self._places.allowed)
