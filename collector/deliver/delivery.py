"""Every destination with a deliverer of its own: started, stopped and asked as one.

The first destination is the store that is queried, which whoever made it opens and closes; the others are opened and
closed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from collector.buffer.contract import Buffer
from collector.dead.box import DeadLetters
from collector.deliver.ages import Ages
from collector.deliver.deliverer import Deliverer
from collector.deliver.destinations import Destination
from collector.deliver.outlet import DeliveryConfig
from collector.metrics import DeliveryMetrics, Waiting
from foundation.clock import Clock
from foundation.lifecycle import OnIncident


@dataclass(frozen=True, slots=True)
class Standing:
    """How a destination stands: what waits for it, for how long the oldest has, and why it does, if something is wrong
    (reasons of `tocsin_retries_total`). `lacks`: what it had confirmed and has no more, nor has the buffer.
    """

    name: str
    required: bool
    buffered_lines: int
    buffer_age_s: float
    waits_for: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


class Delivery:
    """The deliverers of all `destinations`, the queried store's first."""

    def __init__(
        self,
        destinations: Sequence[Destination],
        buffer: Buffer,
        dead: DeadLetters,
        *,
        config: DeliveryConfig,
        metrics: DeliveryMetrics,
        clock: Clock,
        on_incident: OnIncident,
    ) -> None:
        self._buffer = buffer
        self._clock = clock
        self._deliverers = [
            Deliverer(one, buffer, dead, config=config, metrics=metrics, on_incident=on_incident)
            for one in destinations
        ]
        self._beside = destinations[1:]
        self._ages = Ages()

    async def start(self) -> None:
        """Begin; call when the buffer and the queried store are open. Raises ConfigError."""
        for destination in self._beside:
            await destination.store.open()
        for deliverer in self._deliverers:
            await deliverer.start()

    async def stop(self) -> None:
        """Stop at once: what is under way is delivered again after the next start."""
        for deliverer in self._deliverers:
            await deliverer.stop()
        for destination in self._beside:
            await destination.store.close()

    def adopt(self, config: DeliveryConfig) -> None:
        """Write by `config` from the next parcels on."""
        for deliverer in self._deliverers:
            deliverer.adopt(config)

    def queried(self) -> Standing:
        """How the store that is queried stands."""
        return self._standing(self._deliverers[0])

    def standings(self) -> tuple[Standing, ...]:
        """How each destination stands, the queried store first."""
        return tuple(self._standing(one) for one in self._deliverers)

    def waiting(self) -> Iterator[Waiting]:
        """What waits, by destination and bucket."""
        for deliverer in self._deliverers:
            for bucket in self._buffer.buckets():
                name = deliverer.destination.name
                backlog = self._buffer.backlog(name, bucket)
                yield Waiting(name, bucket, backlog.lines, backlog.size_bytes, self._age_s(name, bucket))

    def _standing(self, deliverer: Deliverer) -> Standing:
        destination = deliverer.destination
        backlog = self._buffer.backlog(destination.name)
        reasons = tuple(sorted(set(deliverer.hindered.values())))
        age_s = max((self._age_s(destination.name, bucket) for bucket in self._buffer.buckets()), default=0.0)
        lacks = deliverer.lacking
        return Standing(destination.name, destination.required, backlog.lines, age_s, reasons, lacks)

    def _age_s(self, destination: str, bucket: str) -> float:
        oldest_ns = self._buffer.backlog(destination, bucket).oldest_ns
        return self._ages.look((destination, bucket), oldest_ns, self._clock.now_ns(), self._clock.monotonic())
