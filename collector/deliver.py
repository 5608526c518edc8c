"""The only retry loop of the collector: buffer -> store, and what the store refuses for good -> dead letters.

One task for each bucket, so a bucket that the store lacks parks its own cursor and no other. A cursor moves past a
line only when the line is stored or a dead letter; until then the same lines are tried again, for ever, with backoff.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from isal import igzip_lib

from collector.buffer.contract import Buffer, Origin, Parcel
from collector.dead import DeadLetter, DeadLetters
from collector.isolation import Isolation
from collector.ledger import DEAD, DELIVERED, EARLIER
from collector.metrics import DeliveryMetrics
from foundation.backoff import Backoff
from foundation.batch import Position, Refused, Shipment
from foundation.errors import Permanent, Transient
from foundation.lifecycle import OnIncident, Tasks
from foundation.line_protocol.split import split_lines
from foundation.logs import logger
from store.contract import Verdict, Writer
from store.errors import BodyRefused

_log = logger("collector.deliver")
_WORD_STARTS = re.compile(r"(?<!^)(?=[A-Z])")
_PACKING_LEVEL = 1
_SMALL = 8
"""A write below this part of its most bytes is far from full."""
_AWAY = "store_unavailable"
"""The usual reason to try again; counted from zero, so that a board shows a flat line and not a gap."""
_LEAST_BYTES = 1 << 14
"""However small the bodies that a store takes, less than this is not worth a request of its own."""
_NOWHERE = Origin("", 0, 0)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryConfig:
    """`most_bytes`: about how many compressed bytes go to the store in one write.

    `gather`: how long to wait behind a write that was far from full, so that single points share the next one.
    """

    most_bytes: int = 1 << 20
    gather: timedelta = timedelta(milliseconds=50)

    def __post_init__(self) -> None:
        """Refuse a size that cannot work."""
        if self.most_bytes <= 0:
            raise ValueError("most_bytes is a number of bytes greater than zero")
        if not timedelta(0) <= self.gather <= timedelta(seconds=10):
            raise ValueError("gather is between 0 and 10s: for so long acknowledged lines cannot be queried yet")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait between attempts, and the jitter's luck in [0, 1)."""

    backoff: Backoff = field(default_factory=Backoff)
    luck: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True)
class Destination:
    """A store, and the name under which its cursors are kept."""

    name: str
    store: Writer


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
        self._name = destination.name
        self._store = destination.store
        self._buffer = buffer
        self._dead = dead
        self.adopt(config)
        self._metrics = metrics
        self._patience = patience or Patience()
        self._tasks = Tasks(on_incident)
        self._running: dict[str, asyncio.Task[None]] = {}

    def adopt(self, config: DeliveryConfig) -> None:
        """Write by `config` from the next parcel on; how much the store takes at once is found out anew."""
        self._most_bytes = config.most_bytes
        self._gather_s = config.gather.total_seconds()

    async def start(self) -> None:
        """Begin; call when buffer and store are open, and before anything is appended.

        Asking the store where it is comes first, so that no new line is appended where it has been already.
        """
        for bucket in self._buffer.buckets():
            try:
                await self._align(bucket)
            except Transient as error:
                _log.warning("the store does not say yet how far it is", bucket=bucket, cause=error)
        self._running[""] = self._tasks.spawn(self._watch(), f"deliver.{self._name}")

    async def stop(self) -> None:
        """Stop at once: what is under way is delivered again after the next start."""
        await self._tasks.stop()

    async def _watch(self) -> None:
        """Give every bucket that appears a task of its own."""
        while True:
            for bucket in self._buffer.buckets():
                if bucket not in self._running:
                    task = self._tasks.spawn(self._deliver(bucket), f"deliver.{self._name}.{bucket}")
                    self._running[bucket] = task
            await self._buffer.grown()

    async def _align(self, bucket: str) -> None:
        """Set the cursor to what the store itself says it has."""
        log = self._buffer.log(bucket)
        offset = await self._store.position(log, bucket)
        if offset is not None:
            await self._buffer.seek(self._name, Position(log, bucket, offset))

    async def _deliver(self, bucket: str) -> None:
        self._metrics.retries.labels(self._name, _AWAY)
        self._dead.count_from_zero(bucket)
        before = self._buffer.backlog(self._name, bucket).lines
        await self._patiently(bucket, lambda: self._align(bucket))
        had = before - self._buffer.backlog(self._name, bucket).lines
        self._metrics.ledger.count(bucket, EARLIER, DELIVERED, had)
        while True:
            parcel = await self._patiently(bucket, lambda: self._read(bucket))
            if parcel is None:
                await self._buffer.grown(bucket)
            else:
                await self._bring(parcel)
                if len(parcel.shipment.members) < self._most_bytes // _SMALL:
                    await asyncio.sleep(self._gather_s)

    async def _read(self, bucket: str) -> Parcel | None:
        return await self._buffer.read(self._name, bucket, most_bytes=self._most_bytes)

    async def _bring(self, parcel: Parcel) -> None:
        bucket = parcel.shipment.bucket
        try:
            verdict = await self._write(parcel.shipment, parcel.behind)
            refused: Sequence[Refused] = verdict.refused
        except Permanent as error:
            refused = await self._isolate(parcel, error)
        letters: list[DeadLetter] = []
        if refused:
            letters = await asyncio.to_thread(_letters, parcel, refused, self._name)
            await self._patiently(bucket, lambda: self._dead.add(letters))
        await self._patiently(bucket, lambda: self._buffer.commit(self._name, parcel.behind))
        self._enter(parcel, letters)

    def _enter(self, parcel: Parcel, letters: Sequence[DeadLetter]) -> None:
        """Into the ledger: for each source, how many of its lines are dead, and the others as delivered."""
        ledger, bucket = self._metrics.ledger, parcel.shipment.bucket
        dead = Counter(letter.source for letter in letters)
        brought: Counter[str] = Counter()
        for origin in parcel.origins:
            brought[origin.source] += origin.lines
        for source, lines in dead.items():
            ledger.count(bucket, source, DEAD, lines)
        for source, lines in brought.items():
            ledger.count(bucket, source, DELIVERED, lines - dead[source])

    async def _isolate(self, parcel: Parcel, error: Permanent) -> list[Refused]:
        """Store all lines of a refused body but the bad ones, which are returned; later bodies fit if it was too large.

        Until the last piece is stored, a store that keeps positions is told where the log stood before the parcel.
        """
        shipment = parcel.shipment
        if isinstance(error, BodyRefused) and error.too_large:
            self._most_bytes = max(min(self._most_bytes, len(shipment.members)) // 2, _LEAST_BYTES)
        lines = await asyncio.to_thread(lambda: [line for _, line in split_lines(shipment.unpack())])
        search = Isolation(lines, _words(error))
        refused: list[Refused] = []
        while (piece := search.piece()) is not None:
            position = parcel.behind if search.last else parcel.before
            try:
                verdict = await self._write(_pack(shipment.bucket, piece), position)
            except Permanent as still:
                search.refused(_words(still))
            else:
                refused += verdict.refused
                search.stored()
        return refused + search.bad

    async def _write(self, shipment: Shipment, position: Position) -> Verdict:
        verdict = await self._patiently(shipment.bucket, lambda: self._store.write(shipment, position))
        self._metrics.lines.labels(self._name, shipment.bucket).inc(verdict.stored)
        return verdict

    async def _patiently(self, bucket: str, call: Callable[[], Awaitable[T]]) -> T:
        """Call until it succeeds. What cannot succeed (Permanent) is raised; all else is tried again, for ever."""
        attempt = 0
        while True:
            try:
                value = await call()
            except Permanent:
                raise
            except Exception as error:  # noqa: BLE001 - lines were acknowledged: no surprise may end their delivery
                await self._pause(bucket, attempt, error)
                attempt += 1
            else:
                if attempt:
                    _log.info("delivery goes on", destination=self._name, bucket=bucket, attempts=attempt)
                return value

    async def _pause(self, bucket: str, attempt: int, error: Exception) -> None:
        reason = _reason(error)
        self._metrics.retries.labels(self._name, reason).inc()
        if attempt == 0:
            surprise = None if isinstance(error, Transient | OSError) else error
            _log.error(
                "delivery waits; nothing is lost, it is tried again",
                error=surprise,
                destination=self._name,
                bucket=bucket,
                reason=reason,
                cause=error,
            )
        asked = error.retry_after_s if isinstance(error, Transient) else None
        await asyncio.sleep(self._patience.backoff.delay_s(attempt, self._patience.luck(), asked))


def _reason(error: Exception) -> str:
    """The error as a metric's label: StoreUnavailable -> store_unavailable; whatever is not ours is unexpected."""
    if isinstance(error, Transient):
        return _WORD_STARTS.sub("_", type(error).__name__).lower()
    return "io_error" if isinstance(error, OSError) else "unexpected"


def _words(error: Permanent) -> str:
    return "too large: " + str(error) if isinstance(error, BodyRefused) and error.too_large else str(error)


def _pack(bucket: str, lines: Sequence[bytes]) -> Shipment:
    body = b"\n".join(lines) + b"\n"
    return Shipment(bucket, igzip_lib.compress(body, _PACKING_LEVEL, igzip_lib.COMP_GZIP), len(lines))


def _letters(parcel: Parcel, refused: Sequence[Refused], destination: str) -> list[DeadLetter]:
    body = parcel.shipment.unpack()
    letters: list[DeadLetter] = []
    for one in refused:
        origin = _origin(parcel.origins, body.find(one.line))
        bucket = parcel.shipment.bucket
        letters.append(DeadLetter(one.line, one.reason, bucket, origin.source, destination, origin.accepted_ns))
    return letters


def _origin(origins: Sequence[Origin], offset: int) -> Origin:
    """Whose lines stand at `offset` of the unpacked shipment; nobody's when it is not known."""
    for origin, behind in _ends(origins):
        if 0 <= offset < behind:
            return origin
    return _NOWHERE


def _ends(origins: Sequence[Origin]) -> Iterator[tuple[Origin, int]]:
    behind = 0
    for origin in origins:
        behind += origin.size_bytes
        yield origin, behind
