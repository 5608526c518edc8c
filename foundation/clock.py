"""The only place that reads the time. Everything else is handed a `Clock`, or better: `now`."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time; safe to call from any thread."""

    def now(self) -> datetime:
        """Now, in UTC, aware."""

    def now_ns(self) -> int:
        """Nanoseconds since 1970."""

    def monotonic(self) -> float:
        """Seconds that never run backwards; only differences mean anything."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Now, in UTC, aware."""
        return datetime.now(UTC)

    def now_ns(self) -> int:
        """Nanoseconds since 1970."""
        return time.time_ns()

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()
