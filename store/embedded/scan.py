"""One pass over a source: FROM and WHERE, and what its rows are grouped by.

Rows are read from the table of points alone wherever its series are told by their numbers (`choice`) or do not matter;
else from the view that joins them with their tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from influxql.plan import Plan
from influxql.translate.parameters import Parameters
from influxql.translate.predicate import ALWAYS, TagValues, condition_sql, unknown_values
from influxql.translate.relation import Relation
from influxql.translate.statement import select_sql
from influxql.translate.timegroup import window_sql
from influxql.window import clamp
from store.embedded.choice import Choice, Group, choose
from store.embedded.schema import SERIES, Table
from store.embedded.session import Session
from store.embedded.source import Source

_TAG = re.compile(r'"t\d+"')
"""A tag's column, as it stands in SQL."""


@dataclass(frozen=True, slots=True)
class Scan:
    """FROM and WHERE, with what they bind, and the expressions to group by.

    `dimensions` are columns of tags; with a `choice`, the number of the series, or nothing where all are one group.
    """

    sql: str
    parameters: Parameters
    dimensions: tuple[str, ...]
    window: str | None
    choice: Choice | None = None

    @property
    def groups(self) -> list[str]:
        """All expressions to group by: first the window, if there is one."""
        return [*([self.window] if self.window else []), *self.dimensions]

    @property
    def typed_groups(self) -> list[tuple[str, bool]]:
        """The same, each with whether it is a number (or text)."""
        return [(sql, sql is self.window or self.choice is not None) for sql in self.groups]

    def group(self, values: Sequence[Any]) -> Group | None:
        """The group that the values of the dimensions mean.

        None for a series that came while it was read: what is read then is not used (`Session.steady`).
        """
        if self.choice is None:
            return tuple(value or "" for value in values)
        return self.choice.group if self.choice.groups is None else self.choice.groups.get(values[0])


def open_scan(
    session: Session, plan: Plan, source: Source, columns: Iterable[str | None] = (), *, numbered: bool = False
) -> Scan:
    """The pass over a source for a plan; `columns` are what else is read of it. `numbered`: whether a choice may be."""
    relation, read = source.relation, list(columns)
    dimensions: tuple[str, ...]
    choice = _choose(session, plan, source, read) if numbered else None
    parameters = Parameters()
    wishes = ["TRUE", *_time_wishes(plan, source, parameters)]
    if choice is not None:
        wishes.append(choice.sql(parameters))
        condition = choice.rest
        dimensions = () if choice.groups is None else (SERIES,)
    else:
        condition = plan.condition
        dimensions = tuple(
            f'"{relation.tags[key].physical}"' if key in relation.tags else "NULL" for key in plan.dimensions
        )
    if condition is not None:
        wishes.append(
            condition_sql(condition, relation, parameters, _values_of(session, source), stored=source.bounded)
        )
    place = relation.relation
    if isinstance(relation, Table) and not _names_tag((*wishes, *dimensions, *read)):
        place = relation.points
    elif choice is not None:
        return open_scan(session, plan, source, read)
    kept = [wish for wish in wishes[1:] if wish != ALWAYS] or wishes[:1]
    return Scan(f"{place} WHERE {' AND '.join(kept)}", parameters, dimensions, _window(session, plan, source), choice)


def _choose(session: Session, plan: Plan, source: Source, columns: Sequence[str | None]) -> Choice | None:
    table = source.relation
    if not source.bounded or not isinstance(table, Table) or table.number is None or not table.tags:
        return None
    if _names_tag(columns):
        return None
    if plan.condition is None and not plan.dimensions:
        return None
    known = session.known(table)
    return None if known is None else choose(plan.condition, plan.dimensions, table, known)


def _names_tag(sqls: Iterable[str | None]) -> bool:
    return any(_TAG.search(sql or "") for sql in sqls)


def _time_wishes(plan: Plan, source: Source, parameters: Parameters) -> list[str]:
    lower, upper = plan.bounds.lower, plan.bounds.upper
    wishes = []
    if source.bounded and lower is not None:
        wishes.append(f"time >= {parameters.bind(lower)}")
    if source.bounded and upper is not None:
        wishes.append(f"time <= {parameters.bind(upper)}")
    if source.known is not None:
        first, last = source.known
        wishes.append(f"(time < {parameters.bind(first)} OR time > {parameters.bind(last)})")
    return wishes


def _window(session: Session, plan: Plan, source: Source) -> str | None:
    if plan.window is None:
        return None
    first, last = (plan.bounds.lower, plan.bounds.upper) if source.bounded else (None, None)
    if plan.window.zone_steps(0, 0)[0][1] or first is None or last is None:
        first, last = _span(session, source.relation, first, last)
    return window_sql(plan.window, *clamp(first, last))


def _values_of(session: Session, source: Source) -> TagValues:
    """Tags' values are known of tables of the file."""
    if source.bounded and isinstance(source.relation, Table):
        return session.tag_values(source.relation)
    return unknown_values


def _span(session: Session, relation: Relation, lower: int | None, upper: int | None) -> tuple[int | None, int | None]:
    """Bounds narrowed to what the table really holds, so that few changes of a zone's offset matter."""
    place = relation.points if isinstance(relation, Table) else relation.relation
    first, last = session.fetch(select_sql(["min(time)", "max(time)"], place), Parameters())[0]
    lowers = [bound for bound in (lower, first) if bound is not None]
    uppers = [bound for bound in (upper, last) if bound is not None]
    return max(lowers, default=0), min(uppers, default=0)
