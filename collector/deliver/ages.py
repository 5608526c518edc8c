"""For how long the oldest line of each destination and bucket has waited, also when somebody sets the clock back.

A line carries the time of day at which it was accepted; set back by an hour, the clock would show it as new for an
hour, and alerting, which resolves nothing while the collector is behind, would resolve. So each oldest line is also
watched from the first look at it on. Pure: `now_ns` (time of day) and `now_s` (never runs backwards) are arguments.

Invariant: while the oldest line stays the same, its age never shrinks.
"""

from __future__ import annotations

_NS = 1e9
Who = tuple[str, str]
"""A destination and a bucket."""


class Ages:
    """The ages, as of each look."""

    def __init__(self) -> None:
        self._first_looks: dict[Who, tuple[int, float]] = {}
        """The oldest line's time, and `now_s` when it would have been accepted by its age at the first look."""

    def look(self, who: Who, oldest_ns: int, now_ns: int, now_s: float) -> float:
        """Seconds for which the line accepted at `oldest_ns` has waited; 0 where that is 0: nothing waits."""
        if not oldest_ns:
            self._first_looks.pop(who, None)
            return 0.0
        by_day_s = max((now_ns - oldest_ns) / _NS, 0.0)
        seen_ns, born_s = self._first_looks.get(who, (0, 0.0))
        if seen_ns != oldest_ns:
            born_s = now_s - by_day_s
            self._first_looks[who] = (oldest_ns, born_s)
        return max(by_day_s, now_s - born_s)
