"""Where a value turns amber and red on every board; where a rule that ships watches it, the same numbers.

The colours are Grafana's blue, orange and red: told apart without red or green cones too (a test computes it), which
green, orange and red are not.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """A value is fine, then `warn`, then `critical`; `falling` when lower is worse."""

    warn: float
    critical: float
    falling: bool = False

    def scaled(self, factor: float) -> Limits:
        """The same limits in another unit."""
        return Limits(self.warn * factor, self.critical * factor, self.falling)


FINE, WARN, CRITICAL = "blue", "orange", "red"
PLAIN = "blue"
"""Of what is drawn alone: Grafana's own palette begins with a green that looks like its yellow to many."""

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
BUFFER_PCT = Limits(70, 90)
BURN_RATE = Limits(6, 14.4)
BUDGET_LEFT_PCT = Limits(25, 0, falling=True)
FIRING = Limits(1, 5)
SILENT_DEVICES = Limits(1, 10)
REJECTED_LINES = Limits(1, 1_000)
