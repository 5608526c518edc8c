"""The rows of an answer out of a tail: one for each group in which any call has a value, in the answer's order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from store.column import number_column
from store.embedded.choice import Group
from store.embedded.recent.carried import carry, is_certain
from store.embedded.recent.contract import Asking
from store.embedded.recent.grouping import group_rows
from store.embedded.recent.question import Question
from store.embedded.recent.rows import Values
from store.embedded.recent.tail import Tail
from store.embedded.recent.view import View
from store.embedded.recent.window import Groups, Window
from store.embedded.source import Points

_MOST_GROUPS: Final = 4_000
"""A condition on fields is told window by window, of each group; more are left to DuckDB."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """Groups in the order of the answer, and of each its time and the value of each call, as columns."""

    groups: tuple[Group, ...]
    columns: tuple[Sequence[Any], ...]

    def rows(self) -> Points:
        """The same as `calls.call_rows` has it."""
        return {group: [row] for group, row in zip(self.groups, zip(*self.columns, strict=True), strict=True)}


def answer(session: Asking, question: Question, tail: Tail, *, lone: bool, descending: bool) -> Recalled | None:
    """What the question comes to, at its lower bound.

    `lone`: the only call is a selector, whose row has the time of its point, and what else of it is shown. None for
    too many groups, and where it is not certain which point that is.
    """
    form = question.form
    grouping = group_rows(session, question, tail)
    if (form.holds is not None and grouping.size > _MOST_GROUPS) or (form.shown and not is_certain(grouping)):
        return None
    window: Window | None = None
    if form.holds is None:
        window = Window(tail, form.by, grouping, question.lower, question.upper)
        columns = [window.column(wish) for wish in form.wishes]
    else:
        view = View(session, question, tail, grouping)
        columns = [_only_window(view.column(wish)) for wish in form.wishes]
    groups, places = grouping.in_order(descending=descending)
    masks = [column.present for column in columns if column.present is not None]
    if len(masks) == len(columns):
        is_there = np.logical_or.reduce(masks)[places]
        places = places[is_there]
        groups = groups if is_there.all() else tuple(grouping.keys[place] for place in places.tolist())
    shown = [_shown(column, places) for column in columns]
    if not lone or window is None:
        return Recalled(groups, (number_column(np.full(len(places), question.lower), None), *shown))
    at = window.picked(form.wishes[0])[places]
    return Recalled(groups, (number_column(tail.times(at), None), *shown, *carry(tail, form.shown, at)))


def _only_window(column: Values) -> Values:
    """The groups of the one window that there is."""
    return Values(column.values[0], None if column.present is None else column.present[0])


def _shown(column: Values, places: Groups) -> Sequence[Any]:
    """The values at some places."""
    present = column.present
    return number_column(column.values[places], None if present is None else present[places])
