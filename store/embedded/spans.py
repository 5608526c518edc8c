"""From when to when the points of a table lie, and how many they are: about, for whoever guesses by it.

`edge` does, for boards that ask for the newest rows every few seconds. What is told is some seconds old, so nothing may
depend on it but how far is looked at first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

Span = tuple[int, int, int]
"""The oldest and the newest time, and how many points there are; where there are none, no times either."""

_FRESH_NS: Final = 10_000_000_000
_MOST_TABLES: Final = 1_000


class Spans:
    """Remembers what was looked up a moment ago. Safe for threads: two may look, and either result serves."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, Span]] = {}

    def of(self, relation: str, now_ns: int, look: Callable[[], Span]) -> Span:
        """The span of a table as of the last seconds, by `look` where nobody knows it."""
        known = self._known.get(relation)
        if known is not None and 0 <= now_ns - known[0] < _FRESH_NS:
            return known[1]
        span = look()
        if len(self._known) >= _MOST_TABLES:
            self._known.clear()
        self._known[relation] = now_ns, span
        return span
