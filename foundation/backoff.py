"""How long to wait before the next attempt: exponential, capped, with full jitter (no thundering herd)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays in seconds: up to `first_s` first, up to `factor` times more each time, never over `most_s`."""

    first_s: float = 0.2
    factor: float = 2.0
    most_s: float = 30.0

    def delay_s(self, attempt: int, luck: float, retry_after_s: float | None = None) -> float:
        """Seconds to wait after failed attempt number `attempt` (from 0).

        `luck` in [0, 1) is the jitter, drawn by the caller. What the other side asked for is a lower bound.
        """
        ceiling = min(self.most_s, self.first_s * self.factor ** min(attempt, 64))
        wait = ceiling * (0.5 + luck / 2)
        return max(wait, retry_after_s or 0.0)
