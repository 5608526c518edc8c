"""A clock that stands still until a test moves it."""

import asyncio
from datetime import UTC, datetime, timedelta

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


class LoopClock:
    """Tells the event loop's time, so that looptime moves it."""

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.monotonic())

    def now_ns(self) -> int:
        return (self.now() - EPOCH) // timedelta(microseconds=1) * 1000

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()
