"""Rows of windows told whole windows or whole groups at a time, where nothing is left out: `around` asks this first.

What a board asks of all its devices is how many there were in each window, and what each said last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from store.embedded.choice import Group
from store.embedded.recent.blocks import Tally, kind_of
from store.embedded.recent.panes import Pane
from store.embedded.recent.question import Wish
from store.embedded.recent.rows import Array, Mask, Values
from store.embedded.told import Told, ToldWindows

Places = npt.NDArray[np.intp]
Asked = Sequence[tuple[Wish, int]]
"""Calls, each with the place of the column that it is of."""

_ENDS: Final[Mapping[str, bool]] = {"first": False, "last": True}
"""Whether it is the latest that is asked for."""


@dataclass(frozen=True, slots=True)
class Regrouped:
    """The groups of the query around, in order; which of them each of the `inner` ones is of, and which are meant.

    Those of one group follow each other in `by_group`; `edges` is where each begins there. `meant`: None means all.
    """

    inner: Sequence[Group]
    keys: tuple[Group, ...]
    of_inner: Places
    by_group: Places
    edges: Places
    meant: Mask | None


def count_windows(told: Told, asked: Asked, groups: Regrouped, pane: Pane, windows: range) -> list[Values] | None:
    """How many values each of these windows has for each group.

    None for other calls, for windows that are wider or less wide than those of the answer, or do not hold all of them,
    and where it has no groups.
    """
    if not isinstance(told, ToldWindows) or told.starts.step != pane.width or not groups.keys:
        return None
    first = pane.number(told.starts.start) - windows.start
    is_within = 0 <= first <= len(windows) - len(told.starts)
    if not is_within or any(wish.name != "count" for wish, _ in asked):
        return None
    found = []
    for _, place in asked:
        known = told.known(place)
        is_there = (
            np.ones((len(told.starts), len(groups.inner)), np.bool_) if known is None else known[:, groups.by_group]
        )
        counts = np.zeros((len(windows), len(groups.keys)), np.int32)
        np.add.reduceat(is_there, groups.edges, axis=1, dtype=np.int32, out=counts[first : first + len(told.starts)])
        found.append(Values(counts, counts > 0))
    return found


def end_groups(told: Told, asked: Asked, groups: Regrouped) -> tuple[list[Values], Array] | None:
    """The first or last value of each group, and when those of the first call stand.

    None for other calls, for rows that are no windows, and where groups of the answer come together.
    """
    if not isinstance(told, ToldWindows) or len(groups.keys) < len(groups.inner):
        return None
    if not all(wish.name in _ENDS for wish, _ in asked):
        return None
    columns, times = list[Values](), list[Array]()
    for wish, place in asked:
        values, known = told.cells[place].values, told.known(place)
        is_first = _ENDS[wish.name] is (told.starts.step < 0)
        windows = np.full(len(groups.inner), 0 if is_first else len(told.starts) - 1)
        if known is not None:
            windows = known.argmax(axis=0) if is_first else windows - known[::-1].argmax(axis=0)
        picked = values[windows[groups.by_group], groups.by_group]
        kind = kind_of(Tally.MAX, None if wish.column is None else wish.column.type)
        is_there = None if known is None else np.logical_or.reduce(known, axis=0)[groups.by_group]
        columns.append(Values(picked.astype(kind, copy=False), is_there))
        times.append(told.starts.start + told.starts.step * windows[groups.by_group])
    return columns, times[0]
