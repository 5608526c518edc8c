"""About how many different values were seen, in the memory of a few: the smallest hashes tell how dense all are."""

from __future__ import annotations

from bisect import bisect_left

_KEPT = 64
_SPACE = 2**64


class Sketch:
    """Exact up to 64 values, within about a quarter beyond."""

    __slots__ = ("_least",)

    def __init__(self) -> None:
        self._least: list[int] = []

    def add(self, hashed: int) -> None:
        """Take a value's hash, evenly spread over 64 bits."""
        place = hashed % _SPACE
        at = bisect_left(self._least, place)
        if at < _KEPT and (at == len(self._least) or self._least[at] != place):
            self._least.insert(at, place)
            del self._least[_KEPT:]

    def merge(self, other: Sketch) -> None:
        """Take what another one saw."""
        for place in other._least:
            self.add(place)

    @property
    def count(self) -> int:
        """How many different ones there were."""
        if len(self._least) < _KEPT:
            return len(self._least)
        return round((_KEPT - 1) * _SPACE / self._least[-1])
