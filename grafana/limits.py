"""Where a value turns amber and red on every board; the same numbers as in the rules that ship."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """A value is fine, then `warn`, then `critical`; `falling` when lower is worse."""

    warn: float
    critical: float
    falling: bool = False


RESPONSE_MS = Limits(300, 800)
ERROR_PCT = Limits(1, 5)
BATTERY_PCT = Limits(20, 10, falling=True)
SIGNAL_DBM = Limits(-80, -90, falling=True)
STOCK_PCT = Limits(80, 50, falling=True)
BUSY_PCT = Limits(80, 90)
BEHIND_S = Limits(10, 60)
