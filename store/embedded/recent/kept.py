"""What memory holds of one table: its tail, who asks for it, and how far back there is no room for it.

Of a table that is too large it may hold the rows of some series alone: those that a question's condition means. A board
about one host or one endpoint asks for nothing else.

`memory` makes one for each table that is asked for. Its own `lock` is for the tail; all that the writer's marks and
the questions of others touch is under the lock of all tables.
"""

from __future__ import annotations

import threading
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Final

from influxql.ast import Expr
from store.embedded.recent.demand import Demand, Wanted
from store.embedded.recent.question import Some
from store.embedded.recent.tail import Tail
from store.embedded.schema import Table

_SECOND: Final = 1_000_000_000
_REFUSED_NS: Final = 60 * _SECOND
_LATE_NS: Final = 10 * _SECOND
_SLACK: Final = 16
"""A sixteenth more than the longest reach is kept, and ten seconds: questions come late."""
_LEFT_OUT_NS: Final = 600 * _SECOND


@dataclass(frozen=True, slots=True)
class _Refusal:
    """There was no room for so long a reach."""

    reach_ns: int
    at_ns: int


@dataclass(slots=True, eq=False)
class Kept:
    """One table: its tail, under `lock`; the rest under the lock of all."""

    series: Some | None = None
    """of which rows are kept; None: of all"""
    lock: threading.Lock = field(default_factory=threading.Lock)
    tail: Tail | None = None
    reach_ns: int = 0
    """for which the tail was begun"""
    is_being_read: bool = False
    """ahead of questions, which had better not wait for it"""
    demand: Demand = field(default_factory=Demand)
    asked_ns: int = 0
    size_bytes: int = 0
    first_ns: int | None = None
    """what is older is not kept, so it needs no mark; None: nothing is"""
    marked_ns: int | None = None
    """the file may differ from the tail from here on"""
    _refusal: _Refusal | None = None
    _left_out: frozenset[str] = frozenset()
    _left_out_ns: int = 0

    @property
    def condition(self) -> Expr | None:
        """On tags, for which rows are kept."""
        return None if self.series is None else self.series.condition

    def wanted(self, now_ns: int) -> Wanted | None:
        """What is asked for, but for what there was no room for just now, be it rows or texts."""
        refusal = self._refusal
        if refusal is not None and not 0 <= now_ns - refusal.at_ns < _REFUSED_NS:
            refusal = self._refusal = None
        if self._left_out and not 0 <= now_ns - self._left_out_ns < _LEFT_OUT_NS:
            self._left_out = frozenset()
        wanted = self.demand.wanted(None if refusal is None else refusal.reach_ns)
        return None if wanted is None else replace(wanted, fields=wanted.fields - self._left_out)

    def refuse(self, reach_ns: int, now_ns: int) -> None:
        """There is no room for rows of this age; it is tried again in a minute."""
        self._refusal = _Refusal(reach_ns, now_ns)

    def leave_out(self, fields: AbstractSet[str], now_ns: int) -> None:
        """There is no room for the texts of these fields (physical names); it is tried again in ten minutes."""
        if fields:
            self._left_out, self._left_out_ns = self._left_out | fields, now_ns

    def has(self, wanted: Wanted, table: Table, now_ns: int) -> bool:
        """Whether the tail is good for what is wanted of the table."""
        return self.tail is not None and self.tail.covers(table, now_ns - wanted.reach_ns, wanted.fields)


Key = tuple[str, Some | None]
"""What is kept of a relation: some of its series or all."""


def first_of(wanted: Wanted, now_ns: int) -> int:
    """From when on rows are kept for what is wanted."""
    return now_ns - wanted.reach_ns - wanted.reach_ns // _SLACK - _LATE_NS
