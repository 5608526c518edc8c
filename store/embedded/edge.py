"""A few raw points without a look at all: those of LIMIT stand at one end of the time range.

How far to look is guessed from how densely the table's points lie. What a condition leaves of that may be too few; then
it is looked further, and at last at everything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from influxql.ast import Expr
from influxql.conditions import TimeRange
from influxql.names import named_in
from influxql.plan import Plan
from influxql.translate.parameters import Parameters
from influxql.translate.relation import Relation
from influxql.translate.statement import select_sql
from store.embedded.schema import Table
from store.embedded.session import Session
from store.embedded.spans import Span

_MOST: Final = 1_000
_AHEAD: Final = (32, 1_024)
"""Points that are looked at for each that is wanted: conditions and empty fields leave some out."""


def edges(session: Session, plan: Plan, relation: Relation, limit: int, apart: int = 1) -> Iterator[Plan]:
    """The plan over shorter ranges at the end at which its first `limit` points stand, longer ones next.

    One series in `apart` is meant. None where that is not worth it.
    """
    # A condition on a field mostly leaves few points, and to look near twice costs as much as to look far.
    wanted = _AHEAD[1:] if _asks_fields(plan.condition, relation) else _AHEAD
    worth_it = [ahead for ahead in wanted if ahead >= 2 * apart]
    if (
        not worth_it
        or not 0 < limit <= _MOST
        or not isinstance(relation, Table)
        or relation.number is None
        or not relation.tags
    ):
        return
    oldest, newest, count = session.spans.of(relation.relation, session.now_ns, lambda: _look(session, relation))
    lower, upper = plan.bounds.lower, plan.bounds.upper
    for ahead in worth_it:
        if count <= ahead * limit:
            return
        reach = (newest - oldest) * ahead * limit // count
        if plan.descending:
            start = (newest if upper is None else min(upper, newest)) - reach
            if lower is not None and start <= lower:
                return
            yield replace(plan, bounds=TimeRange(start, upper))
        else:
            end = (oldest if lower is None else max(lower, oldest)) + reach
            if upper is not None and end >= upper:
                return
            yield replace(plan, bounds=TimeRange(lower, end))


def _look(session: Session, table: Table) -> Span:
    ((oldest, newest, count),) = session.fetch(
        select_sql(["min(time)", "max(time)", "count(*)"], table.points), Parameters()
    )
    return oldest or 0, newest or 0, count


def _asks_fields(condition: Expr | None, relation: Relation) -> bool:
    return condition is not None and any(ref.name in relation.fields for ref in named_in(condition))
