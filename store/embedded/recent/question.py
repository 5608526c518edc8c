"""What of a SELECT can be answered from memory, told by its plan. Pure.

That is: aggregates and selectors of numeric fields over one stretch of time, grouped by tags, under conditions on tags.
Everything else (windows of time, raw points, texts, conditions on fields, inner SELECTs) is DuckDB's.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

from influxql.ast import Call, Expr, IntegerLiteral, NumberLiteral, VarRef
from influxql.functions import NUMERIC
from influxql.names import named_in
from influxql.plan import Plan
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

    @property
    def fields(self) -> frozenset[str]:
        """Physical names of the fields that it reads."""
        return frozenset(wish.column.physical for wish in self.wishes if wish.column is not None)

    @property
    def form(self) -> Hashable:
        """The question without its bounds."""
        return self.wishes, self.dimensions, self.condition


def read_question(plan: Plan, source: Source) -> Question | None:
    """The question that a plan asks of a source; None where memory cannot answer it."""
    table = source.relation
    if not isinstance(table, Table) or not source.bounded or plan.window is not None or plan.references:
        return None
    if plan.bounds.lower is None or not _asks_tags(plan.condition, table):
        return None
    wishes = [wish for call in plan.calls if (wish := _wish(call, table)) is not None]
    if len(wishes) < len(plan.calls):
        return None
    return Question(table, tuple(wishes), plan.dimensions, plan.condition, plan.bounds.lower, plan.bounds.upper)


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
