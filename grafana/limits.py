"""Where a value turns amber and red on every board; where a rule that ships watches it, the same numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """A value is fine, then `warn`, then `critical`; `falling` when lower is worse."""

    warn: float
    critical: float
    falling: bool = False


RESPONSE_MS = Limits(600, 1000)
ERROR_PCT = Limits(5, 15)
BATTERY_PCT = Limits(20, 10, falling=True)
SIGNAL_DBM = Limits(-85, -95, falling=True)
STOCK_PCT = Limits(25, 10, falling=True)
CPU_PCT = Limits(80, 90)
MEMORY_PCT = Limits(92, 97)
DISK_PCT = Limits(90, 96)
DEAD_LINES = Limits(1, 100)
BEHIND_S = Limits(30, 120)
