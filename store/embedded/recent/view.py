"""What each window of a question comes to in each of its groups, call by call.

Whole windows are kept as lines (`panes`); those that a question's bounds cut are worked out from their rows each time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import numpy as np

from foundation.batch import FieldType
from store.embedded.recent.contract import Asking
from store.embedded.recent.panes import Kind, Line, Pane
from store.embedded.recent.question import Question, Wish
from store.embedded.recent.rows import Array, Mask, Values
from store.embedded.recent.series import Grouping
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


class Lined(Protocol):
    """Tells what the rows of each cell of an answer come to, however the cells lie."""

    def line(self, kind: Kind, column: Column, percent: float = 0.0) -> Array:
        """One number for each cell; any number where a cell has no value."""


class View:
    """The windows of a question: whole ones, of which lines are kept, and at most two that its bounds cut."""

    def __init__(self, session: Asking, question: Question, tail: Tail, grouping: Grouping) -> None:
        """`grouping` is that of the question's rows, as `group_rows` gives it."""
        self._session, self._question, self._tail = session, question, tail
        self._grouping = grouping
        self._panes = tail.panes(question.form.meant)
        end = (tail.newest_ns if question.upper is None else question.upper) + 1
        self._pane = question.form.pane or fitting(end - question.lower)
        self._whole = (0, 0)
        self._cut: Stretch | None = None
        self._before = 0
        """how many windows that are cut stand before the whole ones"""
        self._windows = self._take_apart(question.lower, end)
        self._read: dict[tuple[int, int], Stretch] = {}
        self._lines: dict[Line, Array] = {}

    def _take_apart(self, lower: int, end: int) -> int:
        """Find the windows that are whole, and those that are cut; how many there are."""
        width, shift = self._pane
        first, last = (lower - shift) // width, (max(lower, end - 1) - shift) // width
        begin = first + (first * width + shift < lower)
        behind = last + ((last + 1) * width + shift <= end)
        runs = []
        if begin < behind:
            self._whole, self._before = (begin, behind), begin - first
            starts = begin * width + shift, behind * width + shift
            if lower < starts[0]:
                runs.append([lower, starts[0]])
            if starts[1] < end:
                runs.append([starts[1], end])
        else:
            runs.append([max(lower, min(end, number * width + shift)) for number in range(first, last + 2)])
            self._before = last - first + 1
        if runs:
            self._cut = self._stretch(runs)
        return last - first + 1

    def column(self, wish: Wish) -> Values:
        """What the call says of each window and group, where it says anything."""
        if wish.column is None:
            shape = self._windows if self._question.form.pane else 1, self._grouping.size - 1
            return nothing(wish, shape)
        self._session.deadline.check()
        return CALLS[wish.name](self, wish, wish.column)

    def line(self, kind: Kind, column: Column, percent: float = 0.0) -> Array:
        """One number for each window and group, or, where nobody asks by windows, for all of them and each group."""
        line = Line(column.physical, kind, percent)
        found = self._lines.get(line)
        if found is None:
            if column.type is None:
                raise TypeError(f"{column.name} is a tag, of which nothing is counted")
            found = self._all_windows(line, column.type)
            if self._question.form.pane is None:
                found = _TOGETHER[kind](found, axis=0, keepdims=True)
            self._lines[line] = found
        return found

    def _all_windows(self, line: Line, type_: FieldType) -> Array:
        whole = self._whole_windows(line, type_)
        parts = [] if whole is None else [whole]
        if self._cut is not None:
            cut, before = self._cut.line(line, type_), self._before
            parts = [part for part in (cut[:before], *parts, cut[before:]) if len(part)]
        return (parts[0] if len(parts) == 1 else np.concatenate(parts))[:, 1:]

    def _whole_windows(self, line: Line, type_: FieldType) -> Array | None:
        first, end = self._whole
        if first >= end:
            return None
        lines, size = self._panes.of(self._pane, line), self._grouping.size
        found = lines.known(first, end, size)
        if found is not None:
            return found
        self._tail.has_grown = True

        def read(first: int, last: int) -> Array:
            stretch = self._read.get((first, last))
            if stretch is None:
                starts = np.arange(first, last + 1) * self._pane.width + self._pane.shift
                stretch = self._read[first, last] = self._stretch([starts])
            return stretch.line(line, type_)

        return lines.between(first, end, size, blank_of(line.kind, type_), read)

    def _stretch(self, runs: Sequence[Sequence[int] | Array]) -> Stretch:
        edges = [self._tail.edges(moments) for moments in runs]
        return Stretch(self._tail, self._question.form, self._grouping, edges)


def nothing(wish: Wish, shape: int | tuple[int, ...]) -> Values:
    """What a call says of a field that is not there; fill() makes numbers of its kind of that."""
    kind = np.int64 if wish.name.startswith("count") else np.float64
    return Values(np.zeros(shape, kind), np.zeros(shape, np.bool_))


def fitting(span_ns: int) -> Pane:
    """Windows for one who asks by none: some hundreds, as wide as long as about as much is asked."""
    return Pane(1 << max(span_ns // _WINDOWS, 1).bit_length(), 0)


def _shown(values: Array, present: Mask) -> Values:
    return Values(values, None if np.logical_and.reduce(present, axis=None) else present)


def _count(view: Lined, _: Wish, column: Column) -> Values:
    counts = view.line(Kind.COUNT, column)
    return _shown(counts, counts > 0)


def _distinct(view: Lined, _: Wish, column: Column) -> Values:
    counts = view.line(Kind.DISTINCT, column)
    return _shown(counts, counts > 0)


def _mean(view: Lined, _: Wish, column: Column) -> Values:
    counts = view.line(Kind.COUNT, column)
    return _shown(view.line(Kind.SUM, column) / np.maximum(counts, 1), counts > 0)


def _spread(view: Lined, _: Wish, column: Column) -> Values:
    high, low = view.line(Kind.MAX, column), view.line(Kind.MIN, column)
    present = view.line(Kind.COUNT, column) > 0
    return _shown(np.subtract(high, low, where=present, out=np.zeros_like(high)), present)


def _percentile(view: Lined, wish: Wish, column: Column) -> Values:
    counts = view.line(Kind.COUNT, column)
    ranks = ranks_of(counts, wish.percent)
    return _shown(view.line(Kind.PERCENTILE, column, wish.percent), (ranks > 0) & (ranks <= counts))


def _plain(kind: Kind) -> Callable[[Lined, Wish, Column], Values]:
    return lambda view, _, column: _shown(view.line(kind, column), view.line(Kind.COUNT, column) > 0)


CALLS: Final[Mapping[str, Callable[[Lined, Wish, Column], Values]]] = {
    "count": _count,
    "count distinct": _distinct,
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
"""What a call says of each cell, where it says anything."""
