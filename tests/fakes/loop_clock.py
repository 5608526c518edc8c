"""A clock that follows the event loop's time, for tests in which looptime lets it fly."""

import asyncio
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class LoopClock:
    """Starts at `start` and goes with the loop's time; `step` sets it forward or back, as an operator might."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._loop = asyncio.get_running_loop()
        self._zero = start - timedelta(seconds=self._loop.time())

    def step(self, by: timedelta) -> None:
        self._zero += by

    def now(self) -> datetime:
        return self._zero + timedelta(seconds=self._loop.time())

    def now_ns(self) -> int:
        return (self.now() - _EPOCH) // timedelta(microseconds=1) * 1000

    def monotonic(self) -> float:
        return self._loop.time()
