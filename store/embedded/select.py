"""A SELECT answered: points of each source, filled, transformed, merged by time, calculated, cut to its limits.

A subquery is answered first; its rows then stand as a table that the query around it reads like a measurement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Any

import pyarrow as pa

from foundation.batch import FieldType
from influxql.arithmetic import compile_column, may_be_nan
from influxql.ast import Expr, Paging, Select, SubQuery
from influxql.plan import Frame, Outer, Plan, frame_select, plan_select
from store.contract import OneRowSeries, Series
from store.embedded.calls import call_rows, is_lone_selector
from store.embedded.choice import Group
from store.embedded.newest import read_newest
from store.embedded.points import Points, read_rows
from store.embedded.recent.answer import Recalled
from store.embedded.recent.question import read_question
from store.embedded.scan import Source
from store.embedded.schema import Column, Table
from store.embedded.series import keep_groups
from store.embedded.session import Session
from store.embedded.sources import find_tables, shape_of

_ARROW = {
    FieldType.FLOAT: pa.float64(),
    FieldType.INTEGER: pa.int64(),
    FieldType.UNSIGNED: pa.uint64(),
    FieldType.STRING: pa.string(),
    FieldType.BOOLEAN: pa.bool_(),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """Series of one SELECT in the order of the answer, and the plan that made them."""

    plan: Plan
    series: Sequence[Series]


def answer_select(session: Session, select: Select, outer: Outer | None = None) -> Answer:
    """Answer `select`. Raises QueryError for what InfluxDB refuses too."""
    frame = frame_select(select, session.now_ns, outer)
    sources = _sources(session, frame)
    plan = plan_select(frame, shape_of(source.relation for source in sources))
    parts = [_series(session, plan, source) for source in _ordered(sources, plan)]
    return Answer(plan, parts[0] if len(parts) == 1 else tuple(chain.from_iterable(parts)))


def _ordered(sources: list[Source], plan: Plan) -> list[Source]:
    return sorted(sources, key=lambda source: source.relation.measurement, reverse=plan.descending)


def _sources(session: Session, frame: Frame) -> list[Source]:
    found: dict[str, Source] = {}
    inner: list[Answer] = []
    for source in frame.select.sources:
        if isinstance(source, SubQuery):
            inner.append(answer_select(session, source.select, frame.outer()))
        else:
            found |= {table.relation: Source(table) for table in find_tables(session, source)}
    return [*found.values(), *_inner_sources(session, inner)]


def _inner_sources(session: Session, answers: list[Answer]) -> Iterator[Source]:
    """One table for each measurement that the inner answers name."""
    listed = [(series, answer.plan) for answer in answers for series in answer.series]
    listed.sort(key=lambda item: item[0].name)
    for name, members in groupby(listed, key=lambda item: item[0].name):
        yield Source(_inner_table(session, name, list(members)), bounded=False)


def _inner_table(session: Session, name: str, members: list[tuple[Series, Plan]]) -> Table:
    tags = sorted({key for series, _ in members for key in series.tags})
    kinds: dict[str, FieldType] = {}
    for series, plan in members:
        for name_of, kind in zip(series.columns[1:], plan.kinds, strict=True):
            if kind is not None:
                kinds.setdefault(name_of, kind)
    columns = [Column(key, "tag", None, f"t{index}") for index, key in enumerate(tags)]
    columns += [Column(key, "field", kind, f"f{index}") for index, (key, kind) in enumerate(kinds.items())]
    data: dict[str, pa.Array] = {
        "time": pa.array([row[0] for series, _ in members for row in series.values], pa.int64())
    }
    for column in columns:
        kind = pa.string() if column.type is None else _ARROW[column.type]
        data[column.physical] = pa.array(_values(column, members), kind)
    return Table(name, session.register(data), tuple(columns))


def _values(column: Column, members: list[tuple[Series, Plan]]) -> Iterator[Any]:
    for series, _ in members:
        if column.kind == "tag":
            # Grouped by and absent is "" in the answer of the query around, not null.
            value = series.tags.get(column.name)
            yield from (value for _ in series.values)
        elif column.name in series.columns[1:]:
            index = series.columns.index(column.name, 1)
            yield from (row[index] for row in series.values)
        else:
            yield from (None for _ in series.values)


def _series(session: Session, plan: Plan, source: Source) -> Sequence[Series]:
    """The series of one measurement, from memory where that knows them, and as columns where they are many."""
    slotted: tuple[Expr, ...] = (*plan.calls, *plan.references)
    slots = {expr: index for index, expr in enumerate(slotted, start=1)}
    recalled = _recall(session, plan, source) or read_newest(session, plan, source)
    if recalled is None:
        rows = call_rows(session, plan, source) if plan.calls else read_rows(session, plan, source)
        return tuple(_shown(session, plan, source, rows, slots))
    if _is_straight(plan, slots) and plan.paging == Paging():
        return OneRowSeries(
            source.relation.measurement, plan.columns, plan.dimensions, recalled.groups, recalled.columns
        )
    return tuple(_shown(session, plan, source, recalled.rows(), slots))


def _recall(session: Session, plan: Plan, source: Source) -> Recalled | None:
    if session.recent is None or not plan.calls:
        return None
    question = read_question(plan, source)
    return session.recent.recall(session, question, lone=is_lone_selector(plan), descending=plan.descending)


def _shown(session: Session, plan: Plan, source: Source, rows: Points, slots: dict[Expr, int]) -> Iterator[Series]:
    """The groups in order, their rows calculated and cut to LIMIT and OFFSET."""
    evaluate = [compile_column(expr, slots) for expr in plan.exprs]
    straight = _is_straight(plan, slots)
    first = plan.paging.offset
    # OFFSET without LIMIT leaves one row of raw points, as InfluxDB has it.
    limit = plan.paging.limit or (1 if first and not plan.calls else 0)
    last = first + limit if limit else None
    kept = keep_groups(session, plan, source)
    for group in sorted(rows if kept is None else rows.keys() & kept, reverse=plan.descending):
        cut = rows[group][first:last]
        values = list(map(list, cut)) if straight else [[row[0], *(value(row) for value in evaluate)] for row in cut]
        if values:
            yield Series(source.relation.measurement, plan.columns, values, _tags(plan, group))


def _is_straight(plan: Plan, slots: dict[Expr, int]) -> bool:
    """Whether rows already are what is asked for: every column a slot, in order, none that may be no number."""
    in_order = [slots.get(expr) for expr in plan.exprs] == list(range(1, len(slots) + 1))
    return in_order and not any(may_be_nan(call) for call in plan.calls)


def _tags(plan: Plan, group: Group) -> dict[str, str]:
    return dict(zip(plan.dimensions, group, strict=True))
