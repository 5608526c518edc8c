"""Steps of the clock, and for how long windows are in doubt after one. The evaluator keeps one; no clock of its own.

Where the clock is set forward, windows reach over a time that never was; where it is set back, they see a time that was
lived twice, or what was measured an hour ago. The invariant: while that may be so, nothing is taken for the end of an
alert. A machine that slept looks like one whose clock was set forward, which is right here.
"""

from __future__ import annotations

from datetime import datetime, timedelta

_LEAST_S = 1.0
"""What is less is the work of a time server that lets the clock go a little faster."""
_MOST = timedelta(days=1)
"""A clock that was a year ahead does not hold alerts for a year."""
_NONE = timedelta(0)


class Steps:
    """Compares the time of day with time that never runs backwards (`monotonic_s`, seconds)."""

    def __init__(self, now: datetime, monotonic_s: float) -> None:
        self._zero = now - timedelta(seconds=monotonic_s)
        self._noticed_at = now
        self._noticed_s = float("-inf")
        self._by = _NONE

    def notice(self, now: datetime, monotonic_s: float) -> timedelta:
        """By how much the clock was set since this was asked last; 0 where it just went on."""
        zero = now - timedelta(seconds=monotonic_s)
        by, self._zero = zero - self._zero, zero
        if abs(by).total_seconds() < _LEAST_S:
            return _NONE
        self._noticed_at, self._noticed_s, self._by = now, monotonic_s, by
        return by

    def came_since(self, started_s: float, now: datetime, monotonic_s: float) -> bool:
        """Whether the clock was set after this moment of time that never runs backwards, be it noticed or not."""
        unnoticed = now - timedelta(seconds=monotonic_s) - self._zero
        return self._noticed_s > started_s or abs(unnoticed).total_seconds() >= _LEAST_S

    def blur(self, over: timedelta, now: datetime) -> bool:
        """Whether a window of the length `over` that ends now shows something else than what was."""
        far = min(abs(self._by), _MOST)
        lasts = min(over, far) + (far if self._by < _NONE else _NONE)
        return self._noticed_at <= now < self._noticed_at + lasts
