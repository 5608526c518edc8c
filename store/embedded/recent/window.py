"""The rows of a tail within a question's bounds, by group: counted, added up, picked.

What comes out is what DuckDB answers: values that are picked are equal to the bit, whole numbers are added exactly and
wrap as InfluxDB's do, floats are added in order of time (so a sum may differ in its last digits, as DuckDB's own does
from one time to the next).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from foundation.batch import FieldType
from influxql.arithmetic import wrap
from store.embedded.recent.question import Wish
from store.embedded.recent.rows import Array
from store.embedded.recent.series import Grouping
from store.embedded.recent.tail import GroupBy, Tail

Groups = npt.NDArray[np.intp]
Column = Sequence[Any]
"""A value for each group in the order of its keys; None for a group without."""

_LOW: Final = 0xFFFFFFFF
_NARROW: Final = 4
_FEW: Final = 2**21
"""So many values of four bytes add up to less than 2^53, so that a float holds the sum exactly."""


class Window:
    """The rows of a tail with lower <= time <= upper, in the groups of a question."""

    def __init__(self, tail: Tail, by: GroupBy, lower: int, upper: int | None) -> None:
        self._tail, self._by = tail, by
        self._grouping: Grouping = tail.grouping(by)
        self._at = slice(*tail.span(lower, upper))

    @property
    def size(self) -> int:
        """How many groups there may be, not counting the unwanted."""
        return self._grouping.size - 1

    def column(self, wish: Wish) -> Column:
        """What the call says of each group."""
        if wish.column is None or self._at.start == self._at.stop:
            return [None] * self.size
        return _COLUMNS[wish.name](self, wish)

    def times(self, wish: Wish) -> Column:
        """The time of the point that a selector picks, the first of those alike; for groups that have one."""
        if wish.column is None or self._at.start == self._at.stop:
            return [None] * self.size
        return _TIMES[wish.name](self, wish)

    @cached_property
    def groups(self) -> Groups:
        """The group of each row."""
        return self._grouping.of_series[self._tail.series(self._at)]

    @cached_property
    def rows_of(self) -> Groups:
        """How many rows each group has, whatever their fields."""
        return self._by_group(np.bincount(self.groups, minlength=self.size + 1))

    def points(self, name: str) -> tuple[Groups, Array]:
        """The group and value of each row that has the field."""
        found = self._tail.values(name, self._at)
        if found.present is None:
            return self.groups, found.values
        return self.groups[found.present], found.values[found.present]

    def counts(self, name: str) -> Groups:
        """How many values of a field each group has."""
        if self._tail.values(name, self._at).present is None:
            return self.rows_of
        return self._by_group(np.bincount(self.points(name)[0], minlength=self.size + 1))

    def sums(self, wish: Wish) -> Sequence[float]:
        """The sum of each group: floats, or whole numbers of any size."""
        groups, values = self.points(_name(wish))
        if values.dtype == np.float64:
            return _listed(self._added(groups, values))
        if values.dtype.itemsize <= _NARROW and len(values) < _FEW:
            return _listed(self._added(groups, values).astype(np.int64))
        if values.dtype != np.uint64:
            values = values.astype(np.int64)
        high, low = self._added(groups, values >> 32), self._added(groups, values & values.dtype.type(_LOW))
        return [(int(a) << 32) + int(b) for a, b in zip(high.tolist(), low.tolist(), strict=True)]

    def extremes(self, wish: Wish, *, greatest: bool) -> Array:
        """The greatest or smallest value of each group, the unwanted first; of a group without values, anything."""
        groups, values = self.points(_name(wish))
        whole = values.dtype != np.float64
        least, most = (np.iinfo(values.dtype).min, np.iinfo(values.dtype).max) if whole else (-np.inf, np.inf)
        found = np.full(self.size + 1, least if greatest else most, values.dtype)
        (np.maximum if greatest else np.minimum).at(found, groups, values)
        return found

    def ranked(self, wish: Wish, ranks: Groups) -> Groups:
        """The position of the value at a rank from 1 in each group; for a rank that is none, of some row."""
        order, bounds = self._tail.order(_name(wish), self._by).within(self._at.start, self._at.stop)
        if not len(order):
            return np.zeros(self.size, np.intp)
        picked: Groups = order[np.clip(bounds[:-1] + ranks - 1, 0, len(order) - 1)].astype(np.intp)
        return picked

    def ends(self, wish: Wish, *, latest: bool) -> Groups:
        """The position of the first or last value of each group, of the greatest among those of one time; -1: none."""
        groups, values = self.points(_name(wish))
        times, positions = self._place_of(wish)
        found = np.full(self.size + 1, -1, np.intp)
        step = 1 if latest else -1  # what is assigned last stands
        found[groups[::step]] = np.arange(len(groups))[::step]
        tied = np.flatnonzero(times == times[found[groups]])
        by_value = tied[np.argsort(values[tied], kind="stable")]
        found[groups[by_value]] = by_value
        return self._by_group(np.where(found < 0, -1, positions[found]))

    def at(self, name: str, positions: Groups) -> Array:
        """The values of a field at positions of the tail."""
        return self._tail.values(name, slice(None)).values[positions]

    def times_at(self, positions: Groups) -> Array:
        """The times of the rows at positions of the tail."""
        return self._tail.times(slice(None))[positions]

    def first_with(self, wish: Wish, found: Array) -> Groups:
        """The position of each group's first row that has the value that was found for the group."""
        groups, values = self.points(_name(wish))
        _, positions = self._place_of(wish)
        same = np.flatnonzero(values == found[groups])[::-1]
        first = np.zeros(self.size + 1, np.intp)
        first[groups[same]] = positions[same]
        return self._by_group(first)

    def _place_of(self, wish: Wish) -> tuple[Array, Groups]:
        """Times and positions of the rows that have the field."""
        times, positions = self._tail.times(self._at), np.arange(self._at.start, self._at.stop)
        present = self._tail.values(_name(wish), self._at).present
        return (times, positions) if present is None else (times[present], positions[present])

    def _added(self, groups: Groups, values: Array) -> npt.NDArray[np.float64]:
        return self._by_group(np.bincount(groups, weights=values, minlength=self.size + 1))

    def _by_group(self, values: Array) -> Array:
        """Without the group of the unwanted."""
        return values[1:]


def _name(wish: Wish) -> str:
    return "" if wish.column is None else wish.column.physical


def _kind(wish: Wish) -> FieldType | None:
    return None if wish.column is None else wish.column.type


def _listed(values: Array) -> list[Any]:
    """As Python's own numbers."""
    return list(values.tolist())


def _shown(values: Sequence[Any], counts: Array) -> Column:
    """The values of the groups that have any."""
    if counts.all():
        return values
    return [value if count else None for value, count in zip(values, counts.tolist(), strict=True)]


def _count(window: Window, wish: Wish) -> Column:
    counts = window.counts(_name(wish))
    return _shown(counts.tolist(), counts)


def _sum(window: Window, wish: Wish) -> Column:
    kind = _kind(wish)
    sums = window.sums(wish)
    return _shown(sums if kind is FieldType.FLOAT else [wrap(one, kind) for one in sums], window.counts(_name(wish)))


def _mean(window: Window, wish: Wish) -> Column:
    counts = window.counts(_name(wish))
    sums = _sum(window, wish)
    pairs = zip(sums, counts.tolist(), strict=True)
    return [None if total is None else total / count for total, count in pairs]


def _extreme(*, greatest: bool) -> Callable[[Window, Wish], Column]:
    def column(window: Window, wish: Wish) -> Column:
        return _shown(window.extremes(wish, greatest=greatest)[1:].tolist(), window.counts(_name(wish)))

    return column


def _spread(window: Window, wish: Wish) -> Column:
    high, low = (window.extremes(wish, greatest=greatest)[1:].tolist() for greatest in (True, False))
    kind = _kind(wish)
    return _shown([wrap(a - b, kind) for a, b in zip(high, low, strict=True)], window.counts(_name(wish)))


def _ranks(window: Window, wish: Wish) -> Groups:
    """The nearest rank, from 1; 0 where the percentile lies before the first value."""
    ranks = np.floor(window.counts(_name(wish)) * wish.percent / 100 + 0.5)
    return np.maximum(ranks, 0).astype(np.intp)


def _percentile(window: Window, wish: Wish) -> Column:
    ranks = _ranks(window, wish)
    picked = window.at(_name(wish), window.ranked(wish, ranks)).tolist()
    return _shown(picked, (ranks > 0) & (ranks <= window.counts(_name(wish))))


def _median(window: Window, wish: Wish) -> Column:
    counts = window.counts(_name(wish))
    low = window.at(_name(wish), window.ranked(wish, (counts + 1) // 2)).astype(np.float64)
    high = window.at(_name(wish), window.ranked(wish, counts // 2 + 1)).astype(np.float64)
    return _shown((low + (high - low) * 0.5).tolist(), counts)


def _end(*, latest: bool) -> Callable[[Window, Wish], Column]:
    def column(window: Window, wish: Wish) -> Column:
        return _shown(window.at(_name(wish), window.ends(wish, latest=latest)).tolist(), window.counts(_name(wish)))

    return column


def _time_of_extreme(*, greatest: bool) -> Callable[[Window, Wish], Column]:
    def times(window: Window, wish: Wish) -> Column:
        found = window.extremes(wish, greatest=greatest)
        return _listed(window.times_at(window.first_with(wish, found)))

    return times


def _time_of_end(*, latest: bool) -> Callable[[Window, Wish], Column]:
    return lambda window, wish: _listed(window.times_at(window.ends(wish, latest=latest)))


def _time_of_percentile(window: Window, wish: Wish) -> Column:
    return _listed(window.times_at(window.ranked(wish, _ranks(window, wish))))


_COLUMNS: Final[Mapping[str, Callable[[Window, Wish], Column]]] = {
    "count": _count,
    "sum": _sum,
    "mean": _mean,
    "median": _median,
    "spread": _spread,
    "min": _extreme(greatest=False),
    "max": _extreme(greatest=True),
    "first": _end(latest=False),
    "last": _end(latest=True),
    "percentile": _percentile,
}
_TIMES: Final[Mapping[str, Callable[[Window, Wish], Column]]] = {
    "min": _time_of_extreme(greatest=False),
    "max": _time_of_extreme(greatest=True),
    "first": _time_of_end(latest=False),
    "last": _time_of_end(latest=True),
    "percentile": _time_of_percentile,
}
