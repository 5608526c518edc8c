"""Owns the lanes of one destination: one task for each bucket, made when the bucket appears.

A bucket that the store lacks parks its own cursor and no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from collector.buffer.contract import Buffer
from collector.dead.box import DeadLetters
from collector.deliver.attempts import Attempts
from collector.deliver.destinations import Destination
from collector.deliver.lane import Lane
from collector.deliver.outlet import DeliveryConfig, Outlet
from collector.deliver.rest import Patience
from collector.deliver.setbacks import Setbacks
from collector.metrics import DeliveryMetrics
from foundation.errors import Transient
from foundation.lifecycle import OnIncident, Tasks
from foundation.logs import logger

_log = logger("collector.deliver")


class Deliverer:
    """Brings everything in the buffer to one destination."""

    def __init__(
        self,
        destination: Destination,
        buffer: Buffer,
        dead: DeadLetters,
        *,
        config: DeliveryConfig,
        metrics: DeliveryMetrics,
        on_incident: OnIncident,
        patience: Patience | None = None,
    ) -> None:
        self.destination = destination
        self._buffer = buffer
        self._dead = dead
        self._metrics = metrics
        self._patience = patience or Patience()
        self._outlet = Outlet(destination, config, metrics, self._patience)
        self._setbacks = Setbacks(destination.name, metrics)
        self._tasks = Tasks(on_incident)
        self._lanes: dict[str, Lane] = {}

    @property
    def hindered(self) -> Mapping[str, str]:
        """Buckets whose delivery waits for another attempt -> why, as in `tocsin_retries_total`."""
        return {bucket: lane.hindered for bucket, lane in self._lanes.items() if lane.hindered}

    @property
    def lacking(self) -> tuple[str, ...]:
        """What the destination had confirmed and lacks for good, in words."""
        return self._setbacks.lacking

    def adopt(self, config: DeliveryConfig) -> None:
        """Write by `config` from the next parcel on; how much the store takes at once is found out anew."""
        self._outlet.adopt(config)

    async def start(self) -> None:
        """Begin; call when buffer and store are open, and before anything is appended.

        Asking the store where it is comes first, so that no new line is appended where it has been already.
        """
        for bucket in self._buffer.buckets():
            try:
                await self._lane(bucket).align()
            except Transient as error:
                _log.warning("the store does not say yet how far it is", bucket=bucket, cause=error)
        _ = self._tasks.spawn(self._watch(), f"deliver.{self.destination.name}")

    async def stop(self) -> None:
        """Stop at once: what is under way is delivered again after the next start."""
        await self._tasks.stop()
        self._outlet.stop()

    async def _watch(self) -> None:
        """Give every bucket that appears a task of its own."""
        running: dict[str, asyncio.Task[None]] = {}
        while True:
            for bucket in self._buffer.buckets():
                if bucket not in running:
                    name = f"deliver.{self.destination.name}.{bucket}"
                    running[bucket] = self._tasks.spawn(self._lane(bucket).run(), name)
            await self._buffer.grown()

    def _lane(self, bucket: str) -> Lane:
        if bucket not in self._lanes:
            name = self.destination.name
            self._lanes[bucket] = Lane(
                name,
                bucket,
                self._outlet,
                buffer=self._buffer,
                dead=self._dead,
                attempts=Attempts(name, bucket, metrics=self._metrics, patience=self._patience),
                setbacks=self._setbacks,
            )
        return self._lanes[bucket]
