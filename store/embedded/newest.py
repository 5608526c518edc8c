"""The last value of each of many series, as columns: no row becomes an object before somebody looks at it.

For a lone last() by tags that keep all series apart; everything else is asked as ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from influxql.ast import VarRef
from influxql.plan import Plan
from influxql.translate.scalar import field_sql, is_field
from influxql.translate.statement import grouped_sql
from store.embedded.calls import is_lone_selector
from store.embedded.latest import narrow_to_latest
from store.embedded.recent.answer import Recalled
from store.embedded.scan import open_scan
from store.embedded.schema import Table
from store.embedded.session import Session
from store.embedded.source import Source


def read_newest(session: Session, plan: Plan, source: Source) -> Recalled | None:
    """The answer; None where the question is another, or where a series' newest point lacks the field."""
    table = source.relation
    if not (is_lone_selector(plan) and plan.calls[0].name == "last" and plan.dimensions) or plan.references:
        return None
    target = plan.calls[0].args[0]
    if not (source.bounded and isinstance(table, Table) and isinstance(target, VarRef) and is_field(target, table)):
        return None
    argument = field_sql(target, table)
    if argument is None:
        return None
    return session.steady(table.relation, lambda: _read(session, plan, source, table, argument))


def _read(session: Session, plan: Plan, source: Source, table: Table, argument: str) -> Recalled | None:
    latest = narrow_to_latest(session, plan, table, ["last"])
    if latest is None or latest.groups < latest.series:
        return None
    scan = open_scan(session, latest.plan, source, [argument], numbered=True)
    present = f"FILTER (WHERE {argument} IS NOT NULL)"
    wishes = [f"max(time) {present}", f"arg_max({argument}, time) {present}"]
    width = len(scan.dimensions)
    rows = session.fetch(grouped_sql([*scan.dimensions, *wishes], width, scan.sql), scan.parameters)
    if len(rows) < latest.groups:
        return None
    columns: Sequence[Sequence[Any]] = list(zip(*rows, strict=True))
    times, values = columns[width:]
    if None in times:
        return None
    found = [scan.group(key) for key in zip(*columns[:width], strict=True)] if width else [scan.group(())]
    keys = [key for key in found if key is not None]
    if len(keys) < len(rows):
        return None
    order = sorted(range(len(keys)), key=keys.__getitem__, reverse=plan.descending)
    shown = ([column[place] for place in order] for column in (times, values))
    return Recalled(tuple([keys[place] for place in order]), tuple(shown))
