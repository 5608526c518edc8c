"""An answer by windows of time out of a tail: for each call a number for each window and group.

`calls` asks for it where `question` says that memory can tell; windows that have no value are left to `fill`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from store.embedded.choice import Group
from store.embedded.points import Points
from store.embedded.recent.answer import group_rows
from store.embedded.recent.panes import Kind, Line, Pane
from store.embedded.recent.question import Question, Wish
from store.embedded.recent.rows import Array, Mask, Values
from store.embedded.recent.stretch import Stretch, ranks_of
from store.embedded.recent.tail import GroupBy, Tail
from store.embedded.schema import Column
from store.embedded.session import Session

_MOST_CELLS: Final = 1_000_000
"""Windows times groups; more is left to DuckDB, which makes nothing of those that are empty."""


@dataclass(frozen=True, slots=True)
class Grid:
    """`starts` of the windows in order of time, `groups`, and of each call its values[window, group]."""

    starts: range
    groups: tuple[Group, ...]
    columns: tuple[Values, ...]

    def points(self, place: int) -> Points:
        """The windows of each group in which a call has a value, in order of time: (start, value)."""
        column = self.columns[place]
        rows = np.ascontiguousarray(column.values.T).tolist()
        found = {group: list(zip(self.starts, row, strict=True)) for group, row in zip(self.groups, rows, strict=True)}
        if column.present is None:
            return found
        is_there = {group: mask for group, mask in zip(self.groups, column.present.T, strict=True) if mask.any()}
        return {
            group: found[group] if mask.all() else [found[group][place] for place in np.flatnonzero(mask).tolist()]
            for group, mask in is_there.items()
        }


def answer_windows(session: Session, question: Question, tail: Tail) -> Grid | None:
    """What the question comes to by windows; None where there are too many of them."""
    pane = question.pane
    if pane is None or question.upper is None or question.upper < question.lower:
        return None
    grouping = group_rows(session, question, tail)
    first, last = pane.number(question.lower), pane.number(question.upper)
    if (last - first + 1) * grouping.size > _MOST_CELLS:
        return None
    view = _View(session, question, tail, pane)
    columns = tuple(view.column(wish) for wish in question.wishes)
    return Grid(range(pane.start(first), pane.start(last) + 1, pane.width), tuple(grouping.keys), columns)


class _View:
    """The windows of a question: whole ones, of which lines are kept, and at most two that its bounds cut."""

    def __init__(self, session: Session, question: Question, tail: Tail, pane: Pane) -> None:
        lower, end = question.lower, (question.upper or 0) + 1
        self._session, self._tail, self._pane = session, tail, pane
        self._by = GroupBy(question.dimensions, question.condition)
        self._grouping = tail.grouping(self._by)
        first, last = pane.number(lower), pane.number(end - 1)
        self._shape = last - first + 1, self._grouping.size - 1
        self._whole = first + (pane.start(first) < lower), last + (pane.start(last + 1) <= end)
        self._cuts: tuple[list[Stretch], list[Stretch]] = ([], [])
        if self._whole[0] >= self._whole[1]:
            edges = [max(lower, min(end, pane.start(number))) for number in range(first, last + 2)]
            self._cuts[0].append(self._stretch(np.array(edges)))
        else:
            before, behind = pane.start(self._whole[0]), pane.start(self._whole[1])
            if lower < before:
                self._cuts[0].append(self._stretch(np.array([lower, before])))
            if behind < end:
                self._cuts[1].append(self._stretch(np.array([behind, end])))
        self._read: dict[tuple[int, int], Stretch] = {}

    def column(self, wish: Wish) -> Values:
        """What the call says of each window and group, where it says anything."""
        if wish.column is None:
            return Values(np.zeros(self._shape), np.zeros(self._shape, np.bool_))
        return _COLUMNS[wish.name](self, wish, wish.column)

    def line(self, kind: Kind, column: Column, percent: float = 0.0) -> Array:
        """One number for each window and group."""
        line = Line(self._pane, column.physical, kind, percent)
        cut = [[self._told(stretch, line, column) for stretch in stretches] for stretches in self._cuts]
        whole = []
        if self._whole[0] < self._whole[1]:
            read = partial(self._whole_windows, line, column)
            whole.append(self._tail.panes(self._by).of(line).between(*self._whole, self._grouping.size, read))
        parts = [*cut[0], *whole, *cut[1]]
        return (parts[0] if len(parts) == 1 else np.vstack(parts))[:, 1:]

    def _whole_windows(self, line: Line, column: Column, first: int, last: int) -> Array:
        stretch = self._read.get((first, last))
        if stretch is None:
            starts = np.arange(first, last + 1) * self._pane.width + self._pane.shift
            stretch = self._read[first, last] = self._stretch(starts)
        return self._told(stretch, line, column)

    def _stretch(self, moments: Array) -> Stretch:
        return Stretch(self._tail, self._grouping, self._tail.edges(moments))

    def _told(self, stretch: Stretch, line: Line, column: Column) -> Array:
        self._session.deadline.check()
        if column.type is None:
            raise TypeError(f"{column.name} is a tag, of which nothing is counted")
        return stretch.line(line, column.type)


def _shown(values: Array, present: Mask) -> Values:
    return Values(values, None if present.all() else present)


def _count(view: _View, _: Wish, column: Column) -> Values:
    counts = view.line(Kind.COUNT, column)
    return _shown(counts, counts > 0)


def _mean(view: _View, _: Wish, column: Column) -> Values:
    counts = view.line(Kind.COUNT, column)
    return _shown(view.line(Kind.SUM, column) / np.maximum(counts, 1), counts > 0)


def _spread(view: _View, _: Wish, column: Column) -> Values:
    high, low = view.line(Kind.MAX, column), view.line(Kind.MIN, column)
    present = view.line(Kind.COUNT, column) > 0
    return _shown(np.subtract(high, low, where=present, out=np.zeros_like(high)), present)


def _percentile(view: _View, wish: Wish, column: Column) -> Values:
    counts = view.line(Kind.COUNT, column)
    ranks = ranks_of(counts, wish.percent)
    return _shown(view.line(Kind.PERCENTILE, column, wish.percent), (ranks > 0) & (ranks <= counts))


def _plain(kind: Kind) -> Callable[[_View, Wish, Column], Values]:
    return lambda view, _, column: _shown(view.line(kind, column), view.line(Kind.COUNT, column) > 0)


_COLUMNS: Final[Mapping[str, Callable[[_View, Wish, Column], Values]]] = {
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
