"""Clocks for tests: one that stands still until it is moved, and one that runs and can be set wrong."""

from datetime import UTC, datetime, timedelta

from foundation.clock import SystemClock

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ManualClock:
    def __init__(self, now: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = now

    def advance(self, by: timedelta) -> None:
        self._now += by

    def now(self) -> datetime:
        return self._now

    def now_ns(self) -> int:
        return (self._now - EPOCH) // timedelta(microseconds=1) * 1000

    def monotonic(self) -> float:
        return (self._now - EPOCH).total_seconds()


class SteppingClock:
    """The machine's clock, whose time of day a test can set wrong; `monotonic` runs on, as it does there."""

    def __init__(self) -> None:
        self._true = SystemClock()
        self._off = timedelta()

    def step(self, by: timedelta) -> None:
        """As an operator or a time server does: negative is back."""
        self._off += by

    def now(self) -> datetime:
        return self._true.now() + self._off

    def now_ns(self) -> int:
        return self._true.now_ns() + self._off // timedelta(microseconds=1) * 1000

    def monotonic(self) -> float:
        return self._true.monotonic()
