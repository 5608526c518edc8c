"""Rows of windows that follow each other, by window and group: counted, added up, picked.

The same as `window` says of all rows of a question; here it is said of each of many windows at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from foundation.batch import FieldType
from store.embedded.recent.blocks import Tally, kind_of, nothing_of, tally_rows
from store.embedded.recent.distinct import count_distinct
from store.embedded.recent.panes import Kind, Line
from store.embedded.recent.question import Form
from store.embedded.recent.rows import Array, Mask, Values
from store.embedded.recent.series import Grouping
from store.embedded.recent.stable import stable_order
from store.embedded.recent.tail import Tail

Places = npt.NDArray[np.intp]

_MANY_ROWS: Final = 4_096
"""Fewer are all looked at: to look for those that are meant takes as long."""
_TALLIES: Final = {Kind.COUNT: Tally.COUNT, Kind.SUM: Tally.SUM, Kind.MIN: Tally.MIN, Kind.MAX: Tally.MAX}


def blank_of(kind: Kind, type_: FieldType) -> Any:
    """What stands for a group that has no value in a window: adding it, or taking the greater, changes nothing."""
    tally = _TALLIES.get(kind)
    return 0 if tally is None else nothing_of(tally, kind_of(tally, type_))


class Stretch:
    """The rows of a tail at positions edges[n] <= position < edges[n + 1], which are those of the n-th window.

    There may be several `runs` of such edges; the windows of one follow those of the other. What comes out has a row
    for each window and a column for each group, the unwanted first; where a group has no value in a window, any number
    stands. `form` tells which rows are meant. Where few series are meant, their rows alone are looked at.
    """

    def __init__(self, tail: Tail, form: Form, grouping: Grouping, runs: Sequence[Places]) -> None:
        self._tail, self._grouping, self._runs, self._holds = tail, grouping, runs, form.holds
        every = [slice(int(edges[0]), int(edges[-1])) for edges in runs]
        self._at: Sequence[slice] | Sequence[Places] = every
        self._places: Sequence[Places] | None = None
        if grouping.means_few and sum(at.stop - at.start for at in every) >= _MANY_ROWS:
            self._places = [tail.chosen(form.by, at.start, at.stop) for at in every]
            self._at = self._places
        self._windows = sum(map(len, runs)) - len(runs)
        self._shape = self._windows, len(grouping.keys) + 1
        self._size = self._windows * self._shape[1]
        self._every: Places | None = None
        self._found: dict[str, tuple[Places, Array, Mask | None]] = {}
        self._sorted: dict[str, Array] = {}

    def line(self, line: Line, type_: FieldType) -> Array:
        """What a line says of each window and group."""
        if line.kind in _TALLIES:
            return self._tally(line, type_)
        if line.kind in (Kind.FIRST, Kind.LAST):
            return self._end(line, type_)
        if line.kind is Kind.DISTINCT:
            cells, values, _ = self._cells(line.name)
            return count_distinct(cells, values, self._size).reshape(self._shape)
        return self._ranked(line, type_)

    def _tally(self, line: Line, type_: FieldType) -> Array:
        tally = _TALLIES[line.kind]
        cells, values, _ = self._cells(line.name)
        found = tally_rows(tally, cells, Values(values, None), self._size, kind_of(tally, type_))
        return found.reshape(self._shape)

    def _end(self, line: Line, type_: FieldType) -> Array:
        """The first or last value, of those of one time the greatest."""
        cells, values, kept = self._cells(line.name)
        times = _joined([self._tail.times(at) for at in self._at])
        times = times if kept is None else times[kept]
        found = np.full(self._size, -1, np.intp)
        step = 1 if line.kind is Kind.LAST else -1  # what is assigned last stands
        found[cells[::step]] = np.arange(len(cells))[::step]
        tied = np.flatnonzero(times == times[found[cells]])
        by_value = tied[np.argsort(values[tied], kind="stable")]
        found[cells[by_value]] = by_value
        kind = kind_of(Tally.MAX, type_)
        picked = values[found] if len(values) else np.zeros(self._size)
        return picked.astype(kind, copy=False).reshape(self._shape)

    def _ranked(self, line: Line, type_: FieldType) -> Array:
        cells, _, _ = self._cells(line.name)
        counts = np.bincount(cells, minlength=self._size)
        values = self._in_order(line.name)
        if not len(values):
            return np.zeros(self._shape, _KINDS[line.kind](type_))
        picked = RANKED[line.kind](values, np.cumsum(counts) - counts, counts, line.percent)
        return picked.astype(_KINDS[line.kind](type_), copy=False).reshape(self._shape)

    def _cells(self, name: str) -> tuple[Places, Array, Mask | None]:
        """Where the value of each row that has the field belongs, the value, and which rows these are (None: all)."""
        found = self._found.get(name)
        if found is None:
            cells = self._cell_of_each()
            values, kept = self._field(name)
            if self._holds is not None:
                held = self._holds(self._field)
                kept = held if kept is None else kept & held
            found = (cells, values, None) if kept is None else (cells[kept], values[kept], kept)
            self._found[name] = found
        return found

    def _cell_of_each(self) -> Places:
        """Where each row belongs: the cells of the first window, group by group, then those of the second."""
        if self._every is None:
            groups = self._grouping.of_series[_joined([self._tail.series(at) for at in self._at])]
            self._every = groups if self._windows == 1 else self._window_of_each() * self._shape[1] + groups
        return self._every

    def _window_of_each(self) -> Places:
        """Which window each row stands in."""
        if self._places is None:
            rows = _joined([edges[1:] - edges[:-1] for edges in self._runs])
            return np.arange(self._windows).repeat(rows)
        parts, first = [], 0
        for edges, at in zip(self._runs, self._places, strict=True):
            parts.append(edges.searchsorted(at, side="right") - 1 + first)
            first += len(edges) - 1
        return _joined(parts)

    def _field(self, name: str) -> Values:
        parts = [self._tail.values(name, at) for at in self._at]
        if len(parts) == 1:
            return parts[0]
        values = np.concatenate([part.values for part in parts])
        present = [part.present for part in parts if part.present is not None]
        return Values(values, np.concatenate(present) if present else None)

    def _in_order(self, name: str) -> Array:
        """The values in order within each cell, the cells in order."""
        if name not in self._sorted:
            cells, values, _ = self._cells(name)
            by_value = stable_order(values)
            self._sorted[name] = values[by_value[stable_order(cells[by_value])]]
        return self._sorted[name]


def _joined(parts: Sequence[Array]) -> Array:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _at_percent(values: Array, starts: Places, counts: Places, percent: float) -> Array:
    """The value at the nearest rank; the first or last where that lies before or behind them."""
    picked: Array = values[np.clip(starts + ranks_of(counts, percent) - 1, 0, len(values) - 1)]
    return picked


def _in_the_middle(values: Array, starts: Places, counts: Places, _percent: float) -> Array:
    last = len(values) - 1
    low = values[np.clip(starts + (counts + 1) // 2 - 1, 0, last)].astype(np.float64)
    high = values[np.clip(starts + counts // 2, 0, last)].astype(np.float64)
    middle: Array = low + (high - low) * 0.5
    return middle


def ranks_of(counts: Array, percent: float) -> Places:
    """The nearest rank among so many values, from 1; 0 where the percentile lies before the first."""
    ranks = np.floor(counts * percent / 100 + 0.5)
    return np.maximum(ranks, 0).astype(np.intp)


RANKED: Final[Mapping[Kind, Callable[[Array, Places, Places, float], Array]]] = {
    Kind.PERCENTILE: _at_percent,
    Kind.MEDIAN: _in_the_middle,
}
"""Of values in order within each cell, where those of a cell start and how many it has, and a percentage."""
_KINDS: Final[Mapping[Kind, Callable[[FieldType], Any]]] = {
    Kind.PERCENTILE: lambda type_: kind_of(Tally.MAX, type_),
    Kind.MEDIAN: lambda _: np.float64,
}
