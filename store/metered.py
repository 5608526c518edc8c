"""Any store, measured: what was stored and refused, what failed and why, and how long it took.

`catalog.build` puts it around the store that was configured, so no store counts for itself.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from foundation.batch import Position, Shipment
    from foundation.clock import Clock
    from store.contract import Copied, FieldTypes, StatementResult, Store, StoreStanding, Verdict

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class StoreMetrics:
    """The figures, in one registry.

    What every question counts goes through a method that remembers where: to look a label up costs as much as to count.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls: dict[tuple[str, str, str], Histogram] = {}
        self._outcomes: dict[str, Counter] = {}
        self.seconds = Histogram(
            "tocsin_store_seconds",
            "How long calls to the store took; outcome is ok or the name of the error.",
            ["store", "call", "outcome"],
            registry=registry,
            buckets=_SECONDS,
        )
        self.lines = Counter(
            "tocsin_store_lines_total", "Lines that the store took or refused.", ["store", "verdict"], registry=registry
        )
        self._expired = Counter(
            "tocsin_store_expired_lines_total",
            "Points that the embedded store deleted because they were older than their bucket keeps them.",
            ["bucket"],
            registry=registry,
        )

        self._dropped = Counter(
            "tocsin_store_dropped_lines_total",
            "Points that the embedded store deleted with their day, the oldest, to stay within its quota.",
            ["bucket"],
            registry=registry,
        )

        self._moves = Counter(
            "tocsin_store_compaction_moves_total",
            "Moves by which the embedded store puts points in order: done, overtaken by lines for the same points, "
            "held back as long as questions need what an earlier one moved, without room for it on the disk or in the "
            "quota (no_room), or failed.",
            ["outcome"],
            registry=registry,
        )
        self._moved = Counter(
            "tocsin_store_compacted_points_total",
            "Points that the embedded store moved to where they belong by their time and series.",
            ["bucket"],
            registry=registry,
        )

        self._questions = Counter(
            "tocsin_store_recent_questions_total",
            "SELECTs with aggregates by where the embedded store answered them from: rows in memory, windows that are "
            "over and kept as answered (settled), or the file, since memory is unfit for it, has too little room "
            "(full), is asked too rarely (rare), or is being read or written (busy).",
            ["outcome"],
            registry=registry,
        )
        self._recent_bytes = Gauge(
            "tocsin_store_recent_bytes",
            "What the newest rows take that the embedded store keeps in memory, since they are asked again and again.",
            registry=registry,
        )

    def count_question(self, outcome: str) -> None:
        """A SELECT with aggregates was answered from there."""
        counter = self._outcomes.get(outcome)
        if counter is None:
            counter = self._outcomes[outcome] = self._questions.labels(outcome)
        counter.inc()

    def time_call(self, store: str, call: str, outcome: str, seconds: float) -> None:
        """A call to a store ended so, after so long."""
        key = store, call, outcome
        histogram = self._calls.get(key)
        if histogram is None:
            histogram = self._calls[key] = self.seconds.labels(*key)
        histogram.observe(seconds)

    def watch_recent(self, size_bytes: Callable[[], int]) -> None:
        """Ask for the size of what is kept in memory whenever it is to be shown."""
        self._recent_bytes.set_function(size_bytes)

    def count_expired(self, bucket: str, lines: int) -> None:
        """So many lines of the bucket were deleted; a bucket that nothing was deleted of yet shows zero."""
        self._expired.labels(bucket).inc(lines)

    def count_dropped(self, bucket: str, lines: int) -> None:
        """So many lines of the bucket were deleted to make room."""
        self._dropped.labels(bucket).inc(lines)

    def count_move(self, bucket: str, outcome: str, points: int) -> None:
        """Points were put in order, or were not."""
        self._moves.labels(outcome).inc()
        if outcome == "done":
            self._moved.labels(bucket).inc(points)


class MeteredStore:
    """A store that counts what passes through it; otherwise the store that it is given."""

    def __init__(self, inner: Store, metrics: StoreMetrics, clock: Clock) -> None:
        self.name = inner.name
        self.makes_buckets = inner.makes_buckets
        self._inner = inner
        self._metrics = metrics
        self._clock = clock

    async def open(self) -> None:
        """Open the store."""
        await self._inner.open()

    async def close(self) -> None:
        """Close the store."""
        await self._inner.close()

    async def write(self, shipment: Shipment, position: Position) -> Verdict:
        """Write, timed; lines are counted by verdict."""
        with self._timed("write"):
            verdict = await self._inner.write(shipment, position)
        self._metrics.lines.labels(self.name, "stored").inc(verdict.stored)
        self._metrics.lines.labels(self.name, "refused").inc(len(verdict.refused))
        return verdict

    async def query(self, influxql: str, db: str, *, deadline_s: float = 30.0) -> tuple[StatementResult, ...]:
        """Query, timed."""
        with self._timed("query"):
            return await self._inner.query(influxql, db, deadline_s=deadline_s)

    def query_at_once(self, influxql: str, db: str) -> tuple[StatementResult, ...] | None:
        """Query without waiting, timed where there is an answer."""
        began = self._clock.monotonic()
        found = self._inner.query_at_once(influxql, db)
        if found is not None:
            self._metrics.time_call(self.name, "query", "ok", self._clock.monotonic() - began)
        return found

    async def buckets(self) -> tuple[str, ...]:
        """The store's buckets."""
        return await self._inner.buckets()

    async def find_bucket(self, text: str) -> str | None:
        """The store's bucket of that id or name."""
        return await self._inner.find_bucket(text)

    async def make_bucket(self, bucket: str) -> None:
        """Let the store have the bucket."""
        await self._inner.make_bucket(bucket)

    async def copy(self) -> Copied:
        """Copy, timed."""
        with self._timed("copy"):
            return await self._inner.copy()

    def standing(self) -> StoreStanding:
        """The store's standing."""
        return self._inner.standing()

    async def position(self, log: str, bucket: str) -> int | None:
        """The store's position."""
        return await self._inner.position(log, bucket)

    async def field_types(self, bucket: str) -> FieldTypes:
        """The store's field types."""
        return await self._inner.field_types(bucket)

    @contextmanager
    def _timed(self, call: str) -> Iterator[None]:
        began = self._clock.monotonic()
        outcome = "ok"
        try:
            yield
        except BaseException as error:
            outcome = type(error).__name__
            raise
        finally:
            self._metrics.time_call(self.name, call, outcome, self._clock.monotonic() - began)
