"""percentile() without sorting: DuckDB's quantile_disc takes the value at a fraction, InfluxDB that at a rounded rank.

The rank (from 1) is floor(count * percent / 100 + 0.5), which no one fraction hits for every count. Two kinds together
do: one a little below percent / 100 for the ranks that are rounded up, and one a good half of a place below it for
those that are rounded down. What a good half of a place is depends on the count, so there is one for each stretch of
counts. Whoever reads picks, by the count of a group, the fraction that hits its rank; the answer is exact.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

_UP: Final = 0.25
_LEAST_PLACE, _MOST_PLACE = 0.52, 0.96
"""In places of a group: what is taken off a fraction for a rank that is rounded down must lie between these."""


def rank(count: int, percent: float) -> int:
    """The nearest rank as InfluxDB takes it, from 1; 0, or more than `count`, where there is no such point."""
    return math.floor(count * percent / 100 + 0.5)


def hit(count: int, fraction: float) -> int:
    """The rank, from 1, of the value that quantile_disc takes at `fraction` of `count` values."""
    return max(1, count - math.floor(count - count * fraction))


class Percentiles:
    """Percentiles of one argument in groups that have `least` to `most` values (at least one), `values` in all."""

    def __init__(self, percents: Sequence[float], least: int, most: int, values: int = 0) -> None:
        self.values = values
        self._percents = tuple(dict.fromkeys(percents))
        self._least = max(least, 1)
        self._most = max(most, self._least)
        self._places: dict[tuple[int, float], int | None] = {}

    @cached_property
    def fractions(self) -> list[float]:
        """What quantile_disc is to be asked for."""
        return sorted({fraction for percent in self._percents for fraction in self._around(percent)})

    def pick(self, values: Sequence[Any], count: int, percent: float) -> Any:
        """The percentile among the values at all fractions; None where the group has no such point."""
        place = self._places.get((count, percent), -1)
        if place == -1:
            place = self._places[count, percent] = self._place(count, percent)
        return None if place is None else values[place]

    def _place(self, count: int, percent: float) -> int | None:
        wish = rank(count, percent)
        if not 1 <= wish <= count:
            return None
        return next(index for index, fraction in enumerate(self.fractions) if hit(count, fraction) == wish)

    def _around(self, percent: float) -> list[float]:
        whole = percent / 100
        found = [whole - _UP / self._most]
        count = float(self._least)
        while count <= self._most:
            found.append(whole - _LEAST_PLACE / count)
            count *= _MOST_PLACE / _LEAST_PLACE
        return [min(max(fraction, 0.0), 1.0) for fraction in found]
