"""The rows of a tail within a question's bounds, by group: counted, added up, picked.

What comes out is what DuckDB answers: values that are picked are equal to the bit, whole numbers are added exactly and
wrap as InfluxDB's do, floats are added in another order (so a sum may differ in its last digits, as DuckDB's own does
from one time to the next).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from foundation.batch import FieldType
from store.embedded.recent.blocks import Tally, kind_of, put_together, tally_rows
from store.embedded.recent.distinct import count_distinct
from store.embedded.recent.question import GroupBy, Wish
from store.embedded.recent.rows import Array, Mask, Values
from store.embedded.recent.series import Grouping
from store.embedded.recent.tail import Tail

Groups = npt.NDArray[np.intp]


class Window:
    """The rows of a tail with lower <= time <= upper, in the groups of a question.

    Each column of an answer has a place for each group, in the order of the grouping's keys.
    """

    def __init__(self, tail: Tail, by: GroupBy, grouping: Grouping, lower: int, upper: int | None) -> None:
        self._tail, self._by, self._grouping = tail, by, grouping
        first, last = tail.span(lower, upper)
        self._at = slice(first, last)
        begin, end = tail.blocks_between(first, last)
        self._blocks = (begin, end) if begin < end else None
        self._counts: dict[str, Groups] = {}
        self._rows: Groups | None = None
        self._picked: dict[tuple[str, float], tuple[Groups, Groups]] = {}
        self._groups_at_ends: Groups | None = None
        self._found_ends: dict[tuple[str, bool], Groups] = {}
        self._ends_of_rows: dict[tuple[int, int, bool], Ends] = {}
        self._ends = [self._at]
        if self._blocks is not None:
            self._ends = [slice(first, tail.rows_of(begin).start), slice(tail.rows_of(end).start, last)]

    @property
    def size(self) -> int:
        """How many groups there may be, not counting the unwanted."""
        return self._grouping.size - 1

    def column(self, wish: Wish) -> Values:
        """What the call says of each group, where it says anything."""
        if wish.column is None or self._at.start == self._at.stop:
            return Values(np.zeros(self.size), np.zeros(self.size, np.bool_))
        return _COLUMNS[wish.name](self, wish)

    def picked(self, wish: Wish) -> Groups:
        """The position of the point that a selector picks, the first of those alike; for groups that have one."""
        if wish.column is None or self._at.start == self._at.stop:
            return np.zeros(self.size, np.intp)
        return _PICKED[wish.name](self, wish)

    def counts(self, name: str) -> Groups:
        """How many values of a field each group has."""
        if name not in self._counts:
            self._counts[name] = (
                self.rows if self._tail.has_everywhere(name) else self._tally(name, Tally.COUNT, None)[1:]
            )
        return self._counts[name]

    def distinct(self, wish: Wish) -> Groups:
        """How many different values of a field each group has."""
        groups, values = self._points(_name(wish), self._at)
        return count_distinct(groups, values, self.size + 1)[1:]

    def sums(self, wish: Wish) -> Array:
        """The sum of each group; of whole numbers as a 64-bit word."""
        return self._tally(_name(wish), Tally.SUM, _type(wish))[1:]

    def extremes(self, wish: Wish, *, greatest: bool) -> Array:
        """The greatest or smallest value of each group, the unwanted first; of a group without values, anything."""
        return self._tally(_name(wish), Tally.MAX if greatest else Tally.MIN, _type(wish))

    def ranked(self, wish: Wish, ranks: Groups) -> Groups:
        """The position of the value at a rank from 1 in each group; for a rank that is none, of some row."""
        return self._tail.order(_name(wish), self._by).picked(self._at.start, self._at.stop, ranks)

    def ends(self, wish: Wish, *, latest: bool) -> Groups:
        """The position of the first or last value of each group, of the greatest among those of one time; -1: none."""
        name = _name(wish)
        found = self._found_ends.get((name, latest))
        if found is None:
            for at in self._tail.ends(self._at.start, self._at.stop, latest=latest):
                found = self._ends_within(name, at, latest=latest)
                if np.logical_and.reduce(found >= 0):
                    break
            self._found_ends[name, latest] = found = np.full(self.size, -1) if found is None else found
        return found

    def _ends_within(self, name: str, at: slice, *, latest: bool) -> Groups:
        if not self._tail.has_everywhere(name):
            groups, values = self._points(name, at)
            times, positions = self._place_of(name, at)
            if not len(positions):
                return np.full(self.size, -1)
            end = Ends(groups, times, self.size + 1, latest=latest)
            return np.where(end.found < 0, -1, positions[end.greatest(groups, values)])[1:]
        end = self._end_of_rows(at, latest=latest)
        if not end.is_tied:
            return end.found[1:] if at.start == 0 else np.where(end.found < 0, -1, end.found + at.start)[1:]
        groups, values = self._points(name, at)
        return np.where(end.found < 0, -1, end.greatest(groups, values) + at.start)[1:]

    def _end_of_rows(self, at: slice, *, latest: bool) -> Ends:
        """The same of whole rows, which serves all fields that every row has."""
        key = at.start, at.stop, latest
        found = self._ends_of_rows.get(key)
        if found is None:
            groups = self._grouping.of_series[self._tail.series(at)]
            found = self._ends_of_rows[key] = Ends(groups, self._tail.times(at), self.size + 1, latest=latest)
        return found

    def at(self, name: str, positions: Groups) -> Array:
        """The values of a field at positions of the tail."""
        return self._tail.values(name, slice(None)).values[positions]

    def first_with(self, wish: Wish, found: Array) -> Groups:
        """The position of each group's first row that has the value that was found for the group."""
        groups, values = self._points(_name(wish), self._at)
        _, positions = self._place_of(_name(wish), self._at)
        same = np.flatnonzero(values == found[groups])[::-1]
        first = np.zeros(self.size + 1, np.intp)
        first[groups[same]] = positions[same]
        return first[1:]

    @property
    def rows(self) -> Groups:
        """How many rows each group has, whatever their fields."""
        if self._rows is None:
            self._rows = self._tally(None, Tally.COUNT, None)[1:]
        return self._rows

    def nearest(self, wish: Wish) -> tuple[Groups, Groups]:
        """The nearest rank of each group, from 1 (0 where the percentile lies before the first value), and its row."""
        key = _name(wish), wish.percent
        found = self._picked.get(key)
        if found is None:
            ranks = np.maximum(np.floor(self.counts(key[0]) * wish.percent / 100 + 0.5), 0).astype(np.intp)
            found = self._picked[key] = ranks, self.ranked(wish, ranks)
        return found

    def _groups_beside_blocks(self) -> Groups:
        """The group of each row that lies in no block."""
        if self._groups_at_ends is None:
            series = np.concatenate([self._tail.series(at) for at in self._ends])
            self._groups_at_ends = self._grouping.of_series[series]
        return self._groups_at_ends

    def _values_at_ends(self, name: str) -> Values:
        parts = [self._tail.values(name, at) for at in self._ends]
        present = [part.present for part in parts if part.present is not None]
        return Values(np.concatenate([part.values for part in parts]), np.concatenate(present) if present else None)

    def _tally(self, name: str | None, tally: Tally, type_: FieldType | None) -> Array:
        """What the values of a field come to in each group, the unwanted first; without a name, the rows."""
        kind, groups = kind_of(tally, type_), self._groups_beside_blocks()
        values = Values(groups, None) if name is None else self._values_at_ends(name)
        found = tally_rows(tally, groups, values, self.size + 1, kind)
        if self._blocks is not None:
            by_series = self._tail.tally(name, tally, kind, self._blocks)
            put_together(tally, found, self._grouping.of_series, by_series)
        return found

    def _points(self, name: str, at: slice) -> tuple[Groups, Array]:
        """The group and value of each of these rows that has the field."""
        found = self._tail.values(name, at)
        groups = self._grouping.of_series[self._tail.series(at)]
        return (groups, found.values) if found.present is None else (groups[found.present], found.values[found.present])

    def _place_of(self, name: str, at: slice) -> tuple[Array, Groups]:
        """Times and positions of those of these rows that have the field."""
        times, positions = self._tail.times(at), np.arange(at.start, at.stop)
        present = self._tail.values(name, at).present
        return (times, positions) if present is None else (times[present], positions[present])


class Ends:
    """Of each of `size` groups the first or last of some points in order of time; -1 in `found` where it has none."""

    def __init__(self, groups: Groups, times: Array, size: int, *, latest: bool) -> None:
        self.found = np.full(size, -1, np.intp)
        step = 1 if latest else -1  # what is assigned last stands
        self.found[groups[::step]] = np.arange(len(groups))[::step]
        (self._tied,) = (times == times[self.found[groups]]).nonzero()

    @property
    def is_tied(self) -> bool:
        """Whether a group has several of one time there."""
        return len(self._tied) > int(np.count_nonzero(self.found >= 0))

    def greatest(self, groups: Groups, values: Array) -> Groups:
        """Of those of one time the one with the greatest value; of a group without points, anything."""
        found = self.found.copy()
        by_value = self._tied[values[self._tied].argsort(kind="stable")]
        found[groups[by_value]] = by_value
        return found


def _name(wish: Wish) -> str:
    return "" if wish.column is None else wish.column.physical


def _type(wish: Wish) -> FieldType | None:
    return None if wish.column is None else wish.column.type


def _shown(values: Array, present: Mask) -> Values:
    """The values of the groups that have any."""
    return Values(values, None if np.logical_and.reduce(present) else present)


def _count(window: Window, wish: Wish) -> Values:
    counts = window.counts(_name(wish))
    return _shown(counts, counts > 0)


def _distinct(window: Window, wish: Wish) -> Values:
    counts = window.distinct(wish)
    return _shown(counts, counts > 0)


def _sum(window: Window, wish: Wish) -> Values:
    return _shown(window.sums(wish), window.counts(_name(wish)) > 0)


def _mean(window: Window, wish: Wish) -> Values:
    counts = window.counts(_name(wish))
    return _shown(window.sums(wish) / np.maximum(counts, 1), counts > 0)


def _extreme(*, greatest: bool) -> Callable[[Window, Wish], Values]:
    def column(window: Window, wish: Wish) -> Values:
        return _shown(window.extremes(wish, greatest=greatest)[1:], window.counts(_name(wish)) > 0)

    return column


def _spread(window: Window, wish: Wish) -> Values:
    high, low = (window.extremes(wish, greatest=greatest)[1:] for greatest in (True, False))
    present = window.counts(_name(wish)) > 0
    return _shown(np.subtract(high, low, where=present, out=np.zeros_like(high)), present)


def _percentile(window: Window, wish: Wish) -> Values:
    ranks, rows = window.nearest(wish)
    return _shown(window.at(_name(wish), rows), (ranks > 0) & (ranks <= window.counts(_name(wish))))


def _median(window: Window, wish: Wish) -> Values:
    counts = window.counts(_name(wish))
    low = window.at(_name(wish), window.ranked(wish, (counts + 1) // 2)).astype(np.float64)
    high = window.at(_name(wish), window.ranked(wish, counts // 2 + 1)).astype(np.float64)
    return _shown(low + (high - low) * 0.5, counts > 0)


def _end(*, latest: bool) -> Callable[[Window, Wish], Values]:
    def column(window: Window, wish: Wish) -> Values:
        positions = window.ends(wish, latest=latest)
        return _shown(window.at(_name(wish), positions), positions >= 0)

    return column


def _place_of_extreme(*, greatest: bool) -> Callable[[Window, Wish], Groups]:
    return lambda window, wish: window.first_with(wish, window.extremes(wish, greatest=greatest))


def _place_of_end(*, latest: bool) -> Callable[[Window, Wish], Groups]:
    return lambda window, wish: window.ends(wish, latest=latest)


_COLUMNS: Final[Mapping[str, Callable[[Window, Wish], Values]]] = {
    "count": _count,
    "count distinct": _distinct,
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
_PICKED: Final[Mapping[str, Callable[[Window, Wish], Groups]]] = {
    "min": _place_of_extreme(greatest=False),
    "max": _place_of_extreme(greatest=True),
    "first": _place_of_end(latest=False),
    "last": _place_of_end(latest=True),
    "percentile": lambda window, wish: window.nearest(wish)[1],
}
