"""An answer by windows of time out of a tail: for each call a number for each window and group.

`calls` asks for it where `question` says that memory can tell; windows that have no value are left to `fill`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from influxql.ast import Call
from store.embedded.choice import Group
from store.embedded.points import Points
from store.embedded.recent.contract import Asking
from store.embedded.recent.grouping import group_rows
from store.embedded.recent.question import Question
from store.embedded.recent.rows import Values
from store.embedded.recent.tail import Tail
from store.embedded.recent.view import View

_MOST_CELLS: Final = 1_000_000
"""Windows times groups; more is left to DuckDB, which makes nothing of those that are empty."""


@dataclass(frozen=True, slots=True)
class Grid:
    """`starts` of the windows in order of time, `groups`, and of each call its values[window, group]."""

    starts: range
    groups: tuple[Group, ...]
    columns: tuple[Values, ...]

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


def answer_windows(session: Asking, question: Question, tail: Tail) -> Grid | None:
    """What the question comes to by windows; None where there are too many of them."""
    pane = question.pane
    if pane is None or question.upper is None or question.upper < question.lower:
        return None
    grouping = group_rows(session, question, tail)
    first, last = pane.number(question.lower), pane.number(question.upper)
    if (last - first + 1) * grouping.size > _MOST_CELLS:
        return None
    view = View(session, question, tail)
    columns = tuple(view.column(wish) for wish in question.wishes)
    return Grid(range(pane.start(first), pane.start(last) + 1, pane.width), tuple(grouping.keys), columns)
