"""An answer by windows of time: for each call a number for each window and group.

`calls` asks for it where `question` says that memory can tell; windows that have no value are left to `fill`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from foundation.batch import FieldType
from influxql.ast import Call
from influxql.typing import type_of
from store.embedded.choice import Group
from store.embedded.recent.contract import Asking
from store.embedded.recent.grouping import group_rows
from store.embedded.recent.panes import Pane
from store.embedded.recent.question import Question
from store.embedded.recent.rows import Values
from store.embedded.recent.tail import Tail
from store.embedded.recent.view import View
from store.embedded.source import Points

_GROUP_BYTES: Final = 200
"""What the texts of a group take, and its place in a table of them."""
_KINDS: Final[Mapping[FieldType | None, Any]] = {FieldType.INTEGER: np.int64, FieldType.UNSIGNED: np.uint64}
"""What values are kept as that are no floats."""
_MOST_CELLS: Final = 1_000_000
"""Windows times groups; more is left to DuckDB, which makes nothing of those that are empty."""


class TooManyCells(Exception):
    """More windows times groups than are worked out at once."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Windows that follow each other from number `first` on, `groups`, and of each call its values[window, group]."""

    pane: Pane
    first: int
    groups: tuple[Group, ...]
    columns: tuple[Values, ...]

    @property
    def end(self) -> int:
        """The number behind the last window."""
        return self.first + len(self.columns[0].values)

    @property
    def starts(self) -> range:
        """When each window begins, in order of time."""
        return range(self.pane.start(self.first), self.pane.start(self.end), self.pane.width)

    @property
    def size_bytes(self) -> int:
        """What the numbers take."""
        return sum(
            one.values.nbytes + (0 if one.present is None else one.present.nbytes) + _GROUP_BYTES * len(self.groups)
            for one in self.columns
        )

    def between(self, first: int, end: int) -> Grid:
        """The windows first <= number < end, copied where they are not all."""
        if (first, end) == (self.first, self.end):
            return self
        at = slice(first - self.first, end - self.first)
        cut = ((one.values[at].copy(), None if one.present is None else one.present[at].copy()) for one in self.columns)
        return Grid(self.pane, first, self.groups, tuple(Values(*one) for one in cut))

    def by_call(self, calls: Sequence[Call]) -> dict[Call, Points]:
        """The windows of each group in which a call has a value, in order of time: (start, value)."""
        return {call: self._points(place) for place, call in enumerate(calls)}

    def _points(self, place: int) -> Points:
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


def grid_of(calls: Sequence[Call], points: Mapping[Call, Points], pane: Pane, moments: range) -> Grid:
    """The windows that hold some of these moments, in nanoseconds, out of the points of calls of numbers.

    Raises TooManyCells.
    """
    first, end = pane.number(moments[0]), pane.number(moments[-1]) + 1
    groups = tuple(dict.fromkeys(group for call in calls for group in points[call]))
    if (end - first) * len(groups) > _MOST_CELLS:
        raise TooManyCells
    columns = []
    for call in calls:
        values = np.zeros((end - first, len(groups)), _KINDS.get(type_of(call), np.float64))
        present = np.zeros(values.shape, np.bool_)
        for place, group in enumerate(groups):
            listed = points[call].get(group)
            if listed:
                windows = [pane.number(point[0]) - first for point in listed]
                values[windows, place] = [point[1] for point in listed]
                present[windows, place] = True
        columns.append(Values(values, present))
    return Grid(pane, first, groups, tuple(columns))


def join_grids(parts: Sequence[Grid]) -> Grid:
    """Windows behind windows. Raises TooManyCells."""
    if len(parts) == 1:
        return parts[0]
    groups = tuple(dict.fromkeys(group for part in parts for group in part.groups))
    if sum(part.end - part.first for part in parts) * len(groups) > _MOST_CELLS:
        raise TooManyCells
    wide = [[_widened(column, part.groups, groups) for column in part.columns] for part in parts]
    columns = tuple(
        Values(np.vstack([one.values for one in pieces]), np.vstack([one.present for one in pieces]))
        for pieces in zip(*wide, strict=True)
    )
    return Grid(parts[0].pane, parts[0].first, groups, columns)


def _widened(column: Values, groups: tuple[Group, ...], wanted: tuple[Group, ...]) -> Values:
    """A column for each of the groups that are wanted, which are these among others."""
    shape = len(column.values), len(wanted)
    present = np.ones(column.values.shape, np.bool_) if column.present is None else column.present
    if groups == wanted:
        return Values(column.values, present)
    places = {group: place for place, group in enumerate(wanted)}
    at = [places[group] for group in groups]
    wide, is_there = np.zeros(shape, column.values.dtype), np.zeros(shape, np.bool_)
    wide[:, at], is_there[:, at] = column.values, present
    return Values(wide, is_there)


def answer_windows(session: Asking, question: Question, tail: Tail) -> Grid | None:
    """What the question comes to by windows; None where there are too many of them."""
    pane = question.form.pane
    if pane is None or question.upper is None or question.upper < question.lower:
        return None
    grouping = group_rows(session, question, tail)
    first, last = pane.number(question.lower), pane.number(question.upper)
    if (last - first + 1) * grouping.size > _MOST_CELLS:
        return None
    view = View(session, question, tail, grouping)
    columns = tuple(view.column(wish) for wish in question.form.wishes)
    return Grid(pane, first, tuple(grouping.keys), columns)
