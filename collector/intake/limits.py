"""What one sender, or all together, may ask of intake. Whatever is over a limit is answered and counted, never kept.

The guard counts connections and requests for the whole listening socket; every other limit is kept where it applies.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from collector.decode.limits import LineLimits
from collector.intake.answers import unavailable
from collector.intake.metrics import IntakeMetrics
from foundation.differences import FIXED
from foundation.line_protocol.grammar import LONGEST_FAST_LINE

_RETRY_AFTER_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsConfig:
    """`collector.limits`. A body is bounded by `collector.max_body_bytes`, all that are under way by `body_bytes`.

    A body has at most `lines` rows or items; a line at most `line_bytes` and `tags`. Writing makes at most `buckets`
    names. An address has at most `connections_per_address` connections, and all together `requests` under way. A head
    has to arrive within `head_timeout`, a body within `body_timeout`, and who says nothing for `idle_timeout` is left.
    """

    body_bytes: int = 250_000_000
    lines: int = 1_000_000
    line_bytes: int = 4 << 20
    tags: int = 256
    buckets: int = 1_000
    connections_per_address: int = 1_000
    requests: int = 2_000
    head_timeout: timedelta = timedelta(seconds=10)
    body_timeout: timedelta = timedelta(seconds=60)
    idle_timeout: timedelta = field(default=timedelta(minutes=10), metadata=FIXED)

    def __post_init__(self) -> None:
        """Refuse limits that let nothing through."""
        numbers = (self.body_bytes, self.lines, self.tags, self.buckets, self.connections_per_address, self.requests)
        if min(numbers) < 1:
            raise ValueError("body_bytes, lines, tags, buckets, connections_per_address and requests are at least 1")
        if self.line_bytes < LONGEST_FAST_LINE:
            raise ValueError(f"line_bytes is at least {LONGEST_FAST_LINE}")
        if min(self.head_timeout, self.body_timeout, self.idle_timeout) <= timedelta(0):
            raise ValueError("head_timeout, body_timeout and idle_timeout are longer than nothing")

    @property
    def of_lines(self) -> LineLimits:
        """The part that decoders keep."""
        return LineLimits(self.line_bytes, self.tags, self.lines)


class Guard:
    """Who is connected and how much is under way."""

    def __init__(self, limits: LimitsConfig, metrics: IntakeMetrics) -> None:
        self.limits = limits
        self._metrics = metrics
        self._connections: Counter[str] = Counter()
        self._running = 0

    def enter(self, address: str) -> bool:
        """Whether one more connection from the address may be; then it has to `leave`."""
        if self._connections[address] >= self.limits.connections_per_address:
            self._metrics.refused_connections.labels("address").inc()
            return False
        self._connections[address] += 1
        return True

    def leave(self, address: str) -> None:
        """A connection that had entered is gone."""
        self._connections[address] -= 1
        if not self._connections[address]:
            del self._connections[address]

    def late(self) -> None:
        """A head did not arrive in time."""
        self._metrics.refused_connections.labels("head_timeout").inc()

    @property
    def room(self) -> bool:
        """Whether one more request may begin."""
        return self._running < self.limits.requests

    def begin(self) -> None:
        """One more request is to be answered; then it has to `end`. Raises Refusal (503) when there are too many."""
        if not self.room:
            self._metrics.refused_bodies.labels("busy").inc()
            raise unavailable("too many requests are under way; come back in a moment", _RETRY_AFTER_S)
        self._running += 1

    def end(self) -> None:
        """A request that had begun is answered."""
        self._running -= 1
