"""What of a SELECT can be answered from memory, told by its plan. Pure.

That is: aggregates and selectors of numeric fields, and counts of any, over one stretch of time or by windows of it,
grouped by tags, under conditions on tags and on how numeric fields compare; and a few raw points. Everything else
(texts that are picked or compared, inner SELECTs) is DuckDB's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import lru_cache
from typing import Final

from influxql.ast import Call, Expr, IntegerLiteral, NumberLiteral, VarRef
from influxql.functions import AGGREGATES, NUMERIC
from influxql.plan import Plan
from store.embedded.recent.condition import NotComparable, Test, fields_of, split_tags, test_of
from store.embedded.recent.panes import Pane
from store.embedded.schema import Column, Table
from store.embedded.source import Source

_MOST_KNOWN: Final = 2_000
"""Of each kind; of one that is made again, what was kept is worked out again."""
_KNOWN: Final = frozenset({"count", "sum", "mean", "median", "spread", "min", "max", "first", "last", "percentile"})
_DISTINCT: Final = "count distinct"
_OF_ANY: Final = frozenset({"count", _DISTINCT})
"""What is told of texts and truths as well."""

_MOST_RAW: Final = 1_000
_ADDITIVE: Final = frozenset({"count", "sum", "mean", "spread", "min", "max"})


@dataclass(frozen=True, slots=True)
class Wish:
    """A call: what to compute, of which column (None: the measurement has no such field), at which percentage."""

    name: str
    column: Column | None
    percent: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Some:
    """The series whose tags fulfil a condition.

    This, `GroupBy`, `Meant` and `Form` are made by `series_with`, `grouped_by`, `rows_meant` and `form_of`, each the
    very same of the same, so that what is kept by them is found by their identity: questions look up half a dozen
    things.
    """

    condition: Expr


@dataclass(frozen=True, slots=True, eq=False)
class GroupBy:
    """What is grouped: the tags grouped by, of which series (None: of all)."""

    dimensions: tuple[str, ...]
    series: Some | None

    @property
    def condition(self) -> Expr | None:
        """What has to hold for tags."""
        return None if self.series is None else self.series.condition


@dataclass(frozen=True, slots=True, eq=False)
class Meant:
    """Which rows are meant, and how they are grouped: what has to hold for their fields, if anything."""

    by: GroupBy
    rest: Expr | None


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """What is asked of a table, whenever it is."""

    wishes: tuple[Wish, ...]
    meant: Meant
    pane: Pane | None = None
    """the windows that it is asked by"""
    shown: tuple[Column, ...] = ()
    """the fields and tags that are shown of raw points, or that the point of a selector carries along"""
    fields: frozenset[str] = frozenset()
    """physical names of those that it reads"""
    holds: Test | None = None
    """which rows are meant; None: all of those groups"""

    @property
    def by(self) -> GroupBy:
        """How rows are grouped."""
        return self.meant.by


@lru_cache(_MOST_KNOWN)
def series_with(condition: Expr) -> Some:
    """The series whose tags fulfil it."""
    return Some(condition)


@lru_cache(_MOST_KNOWN)
def grouped_by(dimensions: tuple[str, ...], condition: Expr | None) -> GroupBy:
    """How rows are grouped, under a condition on tags."""
    return GroupBy(dimensions, None if condition is None else series_with(condition))


@lru_cache(_MOST_KNOWN)
def rows_meant(by: GroupBy, rest: Expr | None) -> Meant:
    """The rows that are grouped so, and of which what stands in `rest` holds."""
    return Meant(by, rest)


def form_of(
    table: Table, wishes: tuple[Wish, ...], meant: Meant, pane: Pane | None, shown: tuple[Column, ...] = ()
) -> Form:
    """What is asked of a table. Raises NotComparable."""
    compared = frozenset[Column]() if meant.rest is None else fields_of(meant.rest, table.fields)
    return _form_of(wishes, meant, pane, shown, compared)


@lru_cache(_MOST_KNOWN)
def _form_of(
    wishes: tuple[Wish, ...], meant: Meant, pane: Pane | None, shown: tuple[Column, ...], compared: frozenset[Column]
) -> Form:
    fields = (column for column in shown if column.kind == "field")
    asked = (*compared, *fields, *(wish.column for wish in wishes if wish.column is not None))
    holds = None if meant.rest is None else test_of(meant.rest, {column.name: column for column in compared})
    return Form(wishes, meant, pane, shown, frozenset(column.physical for column in asked), holds)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the rows of `table` with lower <= time <= upper (None: to the last one), in nanoseconds."""

    table: Table
    form: Form
    lower: int
    upper: int | None

    def again(self, plan: Plan) -> Question | None:
        """The question of the same plan with other bounds; None where memory cannot answer that."""
        lower, upper = plan.bounds.lower, plan.bounds.upper
        if lower is None or (self.form.pane is not None and pane_of(plan) is None):
            return None
        return Question(self.table, self.form, lower, upper)


def read_question(plan: Plan, source: Source) -> Question | None:
    """The question that a plan asks of a source; None where memory cannot answer it."""
    return None if plan.window is not None else _read(plan, source, plan.calls, None)


def read_windows(plan: Plan, source: Source, calls: Sequence[Call]) -> Question | None:
    """What a plan asks of a source by windows of time: these calls, which stand in it. None as above."""
    pane = pane_of(plan)
    return None if pane is None else _read(plan, source, calls, pane)


def pane_of(plan: Plan) -> Pane | None:
    """The windows of a plan; None without any, and where they do not all have the same width."""
    window, lower = plan.window, plan.bounds.lower
    if window is None or lower is None or window.zone is not UTC or window.cut_off(lower) or plan.bounds.upper is None:
        return None
    return Pane(window.interval, window.offset % window.interval)


def _read(plan: Plan, source: Source, calls: Sequence[Call], pane: Pane | None) -> Question | None:
    table, lower, upper = source.relation, plan.bounds.lower, plan.bounds.upper
    if not isinstance(table, Table) or not source.bounded or lower is None:
        return None
    carried = _carried(plan, table)
    if carried is None or (carried and pane is not None):
        return None
    try:
        condition, rest = split_tags(plan.condition, table)
    except NotComparable:
        return None
    wishes = [wish for call in calls if (wish := wish_of(call, table)) is not None]
    if len(wishes) < len(calls) or not (rest is None or pane is not None or _adds_up(wishes)):
        return None
    meant = rows_meant(grouped_by(plan.dimensions, condition), rest)
    return Question(table, form_of(table, tuple(wishes), meant, pane, carried), lower, upper)


def _carried(plan: Plan, table: Table) -> tuple[Column, ...] | None:
    """What the only call carries along; None where that call may be no selector, and as below."""
    columns = _columns_of(plan, table)
    picks = len(plan.calls) == 1 and plan.calls[0].name in AGGREGATES and AGGREGATES[plan.calls[0].name].selector
    return columns if picks or not columns else None


def _columns_of(plan: Plan, table: Table) -> tuple[Column, ...] | None:
    """The fields and tags that are shown as they are; None where the table has one not, or not as such."""
    found = [_column_of(ref, table) for ref in plan.references]
    columns = tuple(column for column in found if column is not None)
    return columns if len(columns) == len(found) else None


def _column_of(ref: VarRef, table: Table) -> Column | None:
    column = table.tags.get(ref.name) if ref.cast == "tag" else table.fields.get(ref.name)
    return column if column is not None and ref.cast in ("tag", column.type) else None


def read_raw(plan: Plan, source: Source) -> Question | None:
    """The question for raw points, not grouped, of which LIMIT leaves a few."""
    table, limit = source.relation, plan.paging.limit + plan.paging.offset
    lower, upper = plan.bounds.lower, plan.bounds.upper
    if not isinstance(table, Table) or not source.bounded or plan.calls or plan.dimensions or lower is None:
        return None
    shown = _columns_of(plan, table)
    if shown is None or all(column.kind == "tag" for column in shown):
        return None
    if not plan.paging.limit or limit > _MOST_RAW:
        return None
    try:
        condition, rest = split_tags(plan.condition, table)
    except NotComparable:
        return None
    return Question(table, form_of(table, (), rows_meant(grouped_by((), condition), rest), None, shown), lower, upper)


def _adds_up(wishes: Sequence[Wish]) -> bool:
    """Whether what rows come to is made of what parts of them come to, and no row is picked."""
    picks = len(wishes) == 1 and wishes[0].name in AGGREGATES and AGGREGATES[wishes[0].name].selector
    return not picks and all(wish.name in _ADDITIVE for wish in wishes)


def wish_of(call: Call, table: Table) -> Wish | None:
    """What a call wishes of a table; None where memory cannot compute it."""
    name = call.name
    match call:
        case Call("count", (Call("distinct", (VarRef() as ref,)),)):
            name, percent = _DISTINCT, 0.0
        case Call("percentile", (VarRef() as ref, IntegerLiteral(value) | NumberLiteral(value))):
            percent = float(value)
        case Call(_, (VarRef() as ref,)) if name in _KNOWN:
            percent = 0.0
        case _:
            return None
    column = table.fields.get(ref.name)
    if ref.cast == "tag" or column is None:
        return Wish(name, None, percent) if ref.cast is None else None
    fits = (column.type in NUMERIC or name in _OF_ANY) and ref.cast == column.type
    return Wish(name, column, percent) if fits else None
