"""What each window of a question comes to in each of its groups, call by call.

Whole windows are kept as lines (`panes`); those that a question's bounds cut are worked out from their rows each time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from store.embedded.recent.contract import Asking
from store.embedded.recent.grouping import group_rows
from store.embedded.recent.panes import Kind, Line, Pane
from store.embedded.recent.question import Question, Wish
from store.embedded.recent.rows import Array, Mask, Values
from store.embedded.recent.stretch import Stretch, blank_of, ranks_of
from store.embedded.recent.tail import Tail
from store.embedded.schema import Column

_WINDOWS: Final = 256
_TOGETHER: Final[Mapping[Kind, Callable[..., Array]]] = {
    Kind.COUNT: np.add.reduce,
    Kind.SUM: np.add.reduce,
    Kind.MIN: np.minimum.reduce,
    Kind.MAX: np.maximum.reduce,
}
"""What windows come to together; of other kinds nobody asks without windows."""


class View:
    """The windows of a question: whole ones, of which lines are kept, and at most two that its bounds cut."""

    def __init__(self, session: Asking, question: Question, tail: Tail) -> None:
        self._session, self._question, self._tail = session, question, tail
        self._grouping = group_rows(session, question, tail)
        self._panes = tail.panes(question.form.by)
        self._lower, self._end = question.lower, (tail.newest_ns if question.upper is None else question.upper) + 1
        self._pane = question.form.pane or fitting(self._end - self._lower)
        self._whole = (0, 0)
        self._cuts: tuple[list[Stretch], list[Stretch]] = ([], [])
        self._windows = self._cut()
        self._read: dict[tuple[int, int], Stretch] = {}
        self._lines: dict[Line, Array] = {}

    def _cut(self) -> int:
        """Take the windows apart into whole ones and others; how many there are."""
        pane, lower, end = self._pane, self._lower, self._end
        first, last = pane.number(lower), pane.number(max(lower, end - 1))
        whole = first + (pane.start(first) < lower), last + (pane.start(last + 1) <= end)
        if whole[0] < whole[1]:
            self._whole = whole
            before, behind = pane.start(whole[0]), pane.start(whole[1])
            ends = ([lower, before] if lower < before else []), ([behind, end] if behind < end else [])
        else:
            ends = [max(lower, min(end, pane.start(number))) for number in range(first, last + 2)], []
        for stretches, moments in zip(self._cuts, ends, strict=True):
            if moments:
                stretches.append(self._stretch(np.array(moments)))
        return last - first + 1

    def column(self, wish: Wish) -> Values:
        """What the call says of each window and group, where it says anything."""
        if wish.column is None:
            shape = self._windows if self._question.form.pane else 1, self._grouping.size - 1
            return Values(np.zeros(shape), np.zeros(shape, np.bool_))
        return _COLUMNS[wish.name](self, wish, wish.column)

    def line(self, kind: Kind, column: Column, percent: float = 0.0) -> Array:
        """One number for each window and group, or, where nobody asks by windows, for all of them and each group."""
        line = Line(column.physical, kind, percent, self._question.form.rest)
        found = self._lines.get(line)
        if found is None:
            cut = [[self._told(stretch, line, column) for stretch in stretches] for stretches in self._cuts]
            parts = [*cut[0], *self._whole_windows(line, column), *cut[1]]
            found = (parts[0] if len(parts) == 1 else np.vstack(parts))[:, 1:]
            if self._question.form.pane is None:
                found = _TOGETHER[kind](found, axis=0, keepdims=True)
            self._lines[line] = found
        return found

    def _whole_windows(self, line: Line, column: Column) -> list[Array]:
        if self._whole[0] >= self._whole[1] or column.type is None:
            return []

        def read(first: int, last: int) -> Array:
            stretch = self._read.get((first, last))
            if stretch is None:
                starts = np.arange(first, last + 1) * self._pane.width + self._pane.shift
                stretch = self._read[first, last] = self._stretch(starts)
            return self._told(stretch, line, column)

        lines, blank = self._panes.of(self._pane, line), blank_of(line.kind, column.type)
        return [lines.between(*self._whole, self._grouping.size, blank, read)]

    def _stretch(self, moments: Array) -> Stretch:
        return Stretch(self._tail, self._grouping, self._tail.edges(moments), self._question.holds)

    def _told(self, stretch: Stretch, line: Line, column: Column) -> Array:
        self._session.deadline.check()
        if column.type is None:
            raise TypeError(f"{column.name} is a tag, of which nothing is counted")
        return stretch.line(line, column.type)


def fitting(span_ns: int) -> Pane:
    """Windows for one who asks by none: some hundreds, as wide as long as about as much is asked."""
    return Pane(1 << max(span_ns // _WINDOWS, 1).bit_length(), 0)


def _shown(values: Array, present: Mask) -> Values:
    return Values(values, None if present.all() else present)


def _count(view: View, _: Wish, column: Column) -> Values:
    counts = view.line(Kind.COUNT, column)
    return _shown(counts, counts > 0)


def _mean(view: View, _: Wish, column: Column) -> Values:
    counts = view.line(Kind.COUNT, column)
    return _shown(view.line(Kind.SUM, column) / np.maximum(counts, 1), counts > 0)


def _spread(view: View, _: Wish, column: Column) -> Values:
    high, low = view.line(Kind.MAX, column), view.line(Kind.MIN, column)
    present = view.line(Kind.COUNT, column) > 0
    return _shown(np.subtract(high, low, where=present, out=np.zeros_like(high)), present)


def _percentile(view: View, wish: Wish, column: Column) -> Values:
    counts = view.line(Kind.COUNT, column)
    ranks = ranks_of(counts, wish.percent)
    return _shown(view.line(Kind.PERCENTILE, column, wish.percent), (ranks > 0) & (ranks <= counts))


def _plain(kind: Kind) -> Callable[[View, Wish, Column], Values]:
    return lambda view, _, column: _shown(view.line(kind, column), view.line(Kind.COUNT, column) > 0)


_COLUMNS: Final[Mapping[str, Callable[[View, Wish, Column], Values]]] = {
    "count": _count,
    "sum": _plain(Kind.SUM),
    "mean": _mean,
    "median": _plain(Kind.MEDIAN),
    "spread": _spread,
    "min": _plain(Kind.MIN),
    "max": _plain(Kind.MAX),
    "first": _plain(Kind.FIRST),
    "last": _plain(Kind.LAST),
    "percentile": _percentile,
}
