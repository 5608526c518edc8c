"""A clock that stands still until a test moves it."""

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
