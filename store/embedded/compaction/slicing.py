"""How the rows of a move are put: slice of time behind slice of time, each as long as a row group. Values alone.

DuckDB begins a new row group with what a transaction adds to a table, where that is at least one: so each slice becomes
one, and spans as little time as it can. A statement sorts several, for what two statements write shares no block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from store.embedded.clustering import is_worth_it
from store.embedded.schema import SERIES, TIME

if TYPE_CHECKING:
    import numpy.typing as npt

    Numbers = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the rows: the condition that picks them, and their order, both in SQL."""

    within: str
    order: str


@dataclass(frozen=True, slots=True)
class _Slice:
    """Rows from one place on, in the order of time, and whether they stand series behind series."""

    first: int
    by_series: bool


@dataclass(frozen=True, slots=True)
class Rows:
    """What is to be moved, told by three columns of the same length."""

    times: Numbers
    series: Numbers
    rowids: Numbers

    def cut(self, slice_rows: int, most_rows: int) -> Iterator[Part]:
        """Parts one behind the other in time, of at most `most_rows`; all slices but the last have `slice_rows`."""
        by_time = np.lexsort((self.rowids, self.times))
        slices = [
            self._slice(first, by_time[first : first + slice_rows]) for first in range(0, len(by_time), slice_rows)
        ]
        together = max(1, most_rows // slice_rows)
        for place in range(0, len(slices), together):
            part = slices[place : place + together]
            conditions = [f"NOT ({self._before(by_time[part[0].first])})"] if place else []
            if place + together < len(slices):
                conditions.append(self._before(by_time[slices[place + together].first]))
            yield Part(" AND ".join(f"({one})" for one in conditions) or "TRUE", self._order(by_time, part))

    def _slice(self, first: int, rows: Numbers) -> _Slice:
        span_ns = int(self.times[rows[-1]]) - int(self.times[rows[0]])
        return _Slice(first, is_worth_it(self.series[rows], span_ns))

    def _order(self, by_time: Numbers, part: Sequence[_Slice]) -> str:
        plain = f"{TIME}, rowid"
        if not any(one.by_series for one in part):
            return plain
        if len(part) == 1:
            return f"{SERIES}, {plain}"
        edges = [f"WHEN {self._before(by_time[later.first])} THEN {place}" for place, later in enumerate(part[1:])]
        number = f"CASE {' '.join(edges)} ELSE {len(edges)} END"
        chosen = ", ".join(str(place) for place, one in enumerate(part) if one.by_series)
        return f"{number}, CASE WHEN {number} IN ({chosen}) THEN {SERIES} END, {plain}"

    def _before(self, place: int) -> str:
        """The condition that holds for the rows in front of this one, in order of time."""
        time, rowid = self.times[place], self.rowids[place]
        # The first half alone lets DuckDB skip row groups.
        return f"{TIME} <= {time} AND ({TIME} < {time} OR rowid < {rowid})"
