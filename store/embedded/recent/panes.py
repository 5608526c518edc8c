"""What the rows of each window come to, group by group: worked out once, and good until rows are read again.

A board that refreshes asks for the windows of an hour every few seconds, and all but the newest are what they were.
Windows stand at places of their own (`Pane` numbers them from 1970), whatever the bounds of a question.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np

from store.embedded.recent.rows import Array

_MOST_LINES: Final = 64
"""Of one grouping; when there are more, all are worked out again."""


class Pane(NamedTuple):
    """The windows that begin at the multiples of `width` moved by `shift` < width, in nanoseconds.

    A tuple, as `Line` is: each question looks up what is kept by both, and a tuple's hash takes no call of Python.
    """

    width: int
    shift: int

    def number(self, moment_ns: int) -> int:
        """Which window holds a moment."""
        return (moment_ns - self.shift) // self.width

    def start(self, number: int) -> int:
        """When a window begins, and the one before it ends."""
        return number * self.width + self.shift


class Kind(StrEnum):
    """What of the values of a group in a window is kept."""

    COUNT = "count"
    SUM = "sum"
    MIN = "min"
    MAX = "max"
    FIRST = "first"
    LAST = "last"
    MEDIAN = "median"
    PERCENTILE = "percentile"
    DISTINCT = "distinct"


class Line(NamedTuple):
    """One number for each group of a window: of which field (physical name), at which percentage."""

    name: str
    kind: Kind
    percent: float = 0.0


class Lines:
    """The windows first <= number < first + len(lines): one row each, a column for each group."""

    def __init__(self, pane: Pane) -> None:
        self._pane = pane
        self._first = 0
        self._lines: Array | None = None

    @property
    def size_bytes(self) -> int:
        """What it takes."""
        return 0 if self._lines is None else self._lines.nbytes

    def known(self, first: int, last: int, size: int) -> Array | None:
        """The windows first <= number < last of `size` groups; None where not all of them are there."""
        kept, begin = self._lines, self._first
        if kept is None or first < begin or last > begin + len(kept) or size > kept.shape[1]:
            return None
        return kept[first - begin : last - begin]

    def between(self, first: int, last: int, size: int, blank: float, read: Callable[[int, int], Array]) -> Array:
        """The same; `read` works out those that are not there.

        `blank`: what stands for a group that has no row in a window.
        """
        kept = self._lines
        if kept is None or last < self._first or first > self._first + len(kept):
            self._first, self._lines = first, read(first, last)
            return self._lines
        end = self._first + len(kept)
        parts = [read(first, self._first)] if first < self._first else []
        behind = [read(end, last)] if last > end else []
        if parts or behind or size > kept.shape[1]:
            self._lines = kept = np.vstack([*parts, _widened(kept, size, blank), *behind])
            self._first = min(first, self._first)
        return kept[first - self._first : last - self._first]

    def forget_before(self, moment_ns: int) -> None:
        """Older rows are gone, so that nobody will say when one of them changes."""
        first = -(-(moment_ns - self._pane.shift) // self._pane.width)
        if self._lines is not None and first > self._first:
            self._lines = self._lines[first - self._first :].copy()
            self._first = first

    def forget_from(self, moment_ns: int) -> None:
        """Rows of this moment and later are to be read again."""
        if self._lines is not None:
            self._lines = self._lines[: max(self._pane.number(moment_ns) - self._first, 0)]


class Panes:
    """All lines of the groups of one question, of the rows that it means."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Pane, Line], Lines] = {}

    @property
    def size_bytes(self) -> int:
        """What all of them take."""
        return sum(lines.size_bytes for lines in self._kept.values())

    def of(self, pane: Pane, line: Line) -> Lines:
        """What a line says of the windows of a pane."""
        found = self._kept.get((pane, line))
        if found is None:
            if len(self._kept) >= _MOST_LINES:
                self._kept.clear()
            found = self._kept[pane, line] = Lines(pane)
        return found

    def forget_before(self, moment_ns: int) -> None:
        """Older rows are gone."""
        for lines in self._kept.values():
            lines.forget_before(moment_ns)

    def forget_from(self, moment_ns: int) -> None:
        """Rows of this moment and later are to be read again."""
        for lines in self._kept.values():
            lines.forget_from(moment_ns)


def _widened(lines: Array, size: int, blank: float) -> Array:
    """With a column for each group: those that came since have no row there."""
    missing = size - lines.shape[1]
    return np.pad(lines, ((0, 0), (0, missing)), constant_values=blank) if missing else lines
