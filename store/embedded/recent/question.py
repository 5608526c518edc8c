"""What of a SELECT can be answered from memory, told by its plan. Pure.

That is: aggregates and selectors of numeric fields over one stretch of time or by windows of it, grouped by tags, under
conditions on tags. Everything else (raw points, texts, conditions on fields, inner SELECTs) is DuckDB's.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Final

from influxql.ast import Call, Expr, IntegerLiteral, NumberLiteral, VarRef
from influxql.functions import NUMERIC
from influxql.names import named_in
from influxql.plan import Plan
from store.embedded.recent.panes import Pane
from store.embedded.scan import Source
from store.embedded.schema import Column, Table

_KNOWN: Final = frozenset({"count", "sum", "mean", "median", "spread", "min", "max", "first", "last", "percentile"})


@dataclass(frozen=True, slots=True)
class Wish:
    """A call: what to compute, of which column (None: the measurement has no such field), at which percentage."""

    name: str
    column: Column | None
    percent: float = 0.0


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the rows of `table` with lower <= time <= upper (None: to the last one), in nanoseconds."""

    table: Table
    wishes: tuple[Wish, ...]
    dimensions: tuple[str, ...]
    condition: Expr | None
    lower: int
    upper: int | None
    pane: Pane | None = None
    """the windows that it is asked by"""

    @property
    def fields(self) -> frozenset[str]:
        """Physical names of the fields that it reads."""
        return frozenset(wish.column.physical for wish in self.wishes if wish.column is not None)

    @property
    def form(self) -> Hashable:
        """The question without its bounds."""
        return self.wishes, self.dimensions, self.condition, self.pane


def read_question(plan: Plan, source: Source) -> Question | None:
    """The question that a plan asks of a source; None where memory cannot answer it."""
    return None if plan.window is not None else _read(plan, source, plan.calls, None)


def read_windows(plan: Plan, source: Source, calls: Sequence[Call]) -> Question | None:
    """What a plan asks of a source by windows of time: these calls, which stand in it. None as above."""
    window, lower = plan.window, plan.bounds.lower
    if window is None or lower is None or window.zone is not UTC or window.cut_off(lower) or plan.bounds.upper is None:
        return None
    return _read(plan, source, calls, Pane(window.interval, window.offset % window.interval))


def _read(plan: Plan, source: Source, calls: Sequence[Call], pane: Pane | None) -> Question | None:
    table, lower, upper = source.relation, plan.bounds.lower, plan.bounds.upper
    if not isinstance(table, Table) or not source.bounded or plan.references or lower is None:
        return None
    if not _asks_tags(plan.condition, table):
        return None
    wishes = [wish for call in calls if (wish := _wish(call, table)) is not None]
    if len(wishes) < len(calls):
        return None
    return Question(table, tuple(wishes), plan.dimensions, plan.condition, lower, upper, pane)


def _wish(call: Call, table: Table) -> Wish | None:
    match call:
        case Call("percentile", (VarRef() as ref, IntegerLiteral(value) | NumberLiteral(value))):
            percent = float(value)
        case Call(name, (VarRef() as ref,)) if name in _KNOWN:
            percent = 0.0
        case _:
            return None
    column = table.fields.get(ref.name)
    if ref.cast == "tag" or column is None:
        return Wish(call.name, None, percent) if ref.cast is None else None
    fits = column.type in NUMERIC and ref.cast == column.type
    return Wish(call.name, column, percent) if fits else None


def _asks_tags(condition: Expr | None, table: Table) -> bool:
    """Whether it looks at nothing but tags, so that it holds for all points of a series or for none."""
    return condition is None or not any(ref.cast != "tag" and ref.name in table.fields for ref in named_in(condition))
