"""Inner answers as tables that the query around them reads like measurements: columns from the file to that query.

`select` asks this for each subquery. What memory answers as columns stays in memory until SQL has to read it. What SQL
alone answers (aggregates and selectors without windows to fill, without limits and arithmetic) never becomes a row of
Python; other answers are turned into columns here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, repeat
from typing import Any

import numpy as np
import pyarrow as pa

from foundation.batch import FieldType
from influxql.ast import Expr, FillKind, Paging
from influxql.plan import Plan
from influxql.translate.aggregate import selector_sql, value_sql
from influxql.translate.scalar import field_sql
from influxql.translate.statement import grouped_sql, select_sql
from store.column import NumberColumn
from store.contract import Series
from store.embedded.calculation import Calculation
from store.embedded.calls import is_lone_selector
from store.embedded.columns import calculate
from store.embedded.latest import narrow_to_latest
from store.embedded.points import find_argument, is_one_series
from store.embedded.recent.grid import Grid
from store.embedded.recent.rows import Values
from store.embedded.scan import Scan, open_scan
from store.embedded.schema import TIME, Column, Table
from store.embedded.session import Session, guard_rows
from store.embedded.source import Source
from store.embedded.told import Told, ToldWindows, columns_of, is_distinct, told_table

Argument = tuple[str, FieldType]

_ARROW = {
    FieldType.FLOAT: pa.float64(),
    FieldType.INTEGER: pa.int64(),
    FieldType.UNSIGNED: pa.uint64(),
    FieldType.STRING: pa.string(),
    FieldType.BOOLEAN: pa.bool_(),
}
_PICKED = frozenset({"first", "last", "min", "max"})
"""Lone selectors whose point is one column of SQL."""


@dataclass(frozen=True, slots=True)
class _Question:
    """A grouped SELECT whose rows are those of the answer: the time, the groups' dimensions, then its columns."""

    plan: Plan
    source: Source
    arguments: Sequence[Argument]

    @property
    def carried(self) -> list[str]:
        """Columns that a lone selector carries along."""
        return [field_sql(ref, self.source.relation) or "NULL" for ref in self.plan.references]

    def values(self, *, one_series: bool) -> list[str] | None:
        """The calls as SQL, each null where a group has no point; None where SQL alone cannot say one of them."""
        found = [
            value_sql(call, *argument, one_series=one_series)
            for call, argument in zip(self.plan.calls, self.arguments, strict=True)
        ]
        return None if None in found else [sql for sql in found if sql]

    def sql(self, scan: Scan) -> str:
        plan, one_series = self.plan, is_one_series(self.plan, self.source, scan)
        groups = [f"{sql} AS g{index}" for index, sql in enumerate(scan.groups)]
        if is_lone_selector(plan):
            picked = selector_sql(plan.calls[0], self.arguments[0][0], self.carried, one_series=one_series)
            made = [f"{picked} AS p"]
            shown = ["p.v", *(f"p.c{index}" for index in range(len(self.carried)))]
            moment, is_there = "p.t", "p.v IS NOT NULL"
        else:
            made = [f"{sql} AS v{index}" for index, sql in enumerate(self.values(one_series=one_series) or ())]
            shown = [f"v{index}" for index in range(len(made))]
            moment, is_there = str(plan.bounds.lower or 0), " OR ".join(f"{one} IS NOT NULL" for one in shown)
        dimensions = [f"g{index}" for index in range(bool(scan.window), len(groups))]
        rows = grouped_sql([*groups, *made], len(groups), scan.sql)
        return select_sql(["g0" if scan.window else moment, *dimensions, *shown], f"({rows}) WHERE {is_there}")


def read_source(session: Session, plan: Plan, source: Source, slots: Iterable[Expr]) -> list[Source] | None:
    """The answer to a subquery over one measurement, straight from SQL; None where rows have to be made of it.

    `slots`: the plan's calls and references, in order.
    """
    if plan.exprs != tuple(slots) or not _is_plain(plan):
        return None
    arguments = [argument for call in plan.calls if (argument := find_argument(call, source.relation))]
    if len(arguments) < len(plan.calls):
        return None
    question = _Question(plan, source, arguments)
    if not is_lone_selector(plan) and question.values(one_series=False) is None:
        return None
    found = session.steady(source.relation.relation, lambda: _read_latest(session, question))
    # Not before: a snapshot takes along what is registered within it.
    return _sources_of(session, plan, source.relation.measurement, found)


def tell_windows(plan: Plan, calculation: Calculation, grid: Grid) -> ToldWindows | None:
    """The rows of an answer by windows of time; None where a value is no number."""
    found = calculate(plan, calculation, grid)
    if found is None:
        return None
    groups, is_there = len(grid.groups), None if found.is_there is None else found.is_there.T
    if is_there is None and len(found.has_rows) < groups:
        is_there = np.zeros((len(found.starts), groups), np.bool_)
        is_there[:, found.has_rows] = True
    cells = [
        Values(values.T, None if known is None else is_there if known is found.is_there else known.T)
        for values, known in found.columns
    ]
    told = ToldWindows(grid.groups, found.starts, is_there, cells)
    guard_rows(len(told.windows))
    return told


def told_source(plan: Plan, name: str, told: Told) -> Source:
    """What the query around reads of a measurement's answer, which SQL has not been shown. The plan `is_distinct`."""
    return Source(told_table(plan, name), bounded=False, told=told)


def shown_to_sql(session: Session, source: Source) -> Source:
    """The same source, which SQL can read."""
    table, told = source.relation, source.told
    if told is None or not isinstance(table, Table):
        return source
    tags = [pa.array(values, pa.string()) for values in zip(*told.groups, strict=True)]
    times, *fields = told.columns()
    if told.of_row is not None:
        tags = [values.take(pa.array(told.of_row)) for values in tags]
    # Without groups there are no rows, and no values of tags.
    tags = tags or [pa.array([], pa.string())] * len(table.tags)
    data = {TIME: _array(times, pa.int64())}
    for column, values in zip(table.columns, [*tags, *fields], strict=True):
        data[column.physical] = _array(values, _arrow(column))
    return Source(replace(table, relation=session.register(data)), bounded=False)


def empty_source(session: Session, plan: Plan, name: str) -> Source:
    """The table of an answer without rows: its columns have types, with which the query around it may be refused."""
    kinds: dict[str, FieldType] = {}
    for column, kind in zip(plan.columns[1:], plan.kinds, strict=True):
        if kind is not None:
            kinds.setdefault(column, kind)
    columns = columns_of([tag for tag in plan.dimensions if tag not in kinds], kinds)
    data = {"time": pa.array([], pa.int64()), **{one.physical: pa.array([], _arrow(one)) for one in columns}}
    return Source(Table(name, session.register(data), columns), bounded=False)


def series_sources(session: Session, members: Iterable[tuple[Series, Plan]]) -> Iterator[Source]:
    """One table for each measurement that series are of, each with the plan that made it."""
    listed = sorted(members, key=lambda member: member[0].name)
    for name, alike in groupby(listed, key=lambda member: member[0].name):
        yield Source(_table_of_rows(session, name, list(alike)), bounded=False)


def _is_plain(plan: Plan) -> bool:
    """Whether each row of a grouped SELECT may be a row of the answer."""
    if not plan.calls or plan.paging != Paging() or not is_distinct(plan):
        return False
    if plan.window is not None and plan.fill.kind is not FillKind.NONE:
        return False
    return plan.calls[0].name in _PICKED if is_lone_selector(plan) else not plan.references


def _read_latest(session: Session, question: _Question) -> list[pa.ChunkedArray]:
    plan, table = question.plan, question.source.relation
    if question.source.bounded and isinstance(table, Table) and is_lone_selector(plan):
        latest = narrow_to_latest(session, plan, table, [plan.calls[0].name])
        if latest is not None:
            found = _read(session, replace(question, plan=latest.plan))
            if len(found[0]) == latest.groups:
                return found
    return _read(session, question)


def _read(session: Session, question: _Question) -> list[pa.ChunkedArray]:
    """The time, each dimension of the plan, and the columns of the answer."""
    plan = question.plan
    arguments = [sql for sql, _ in question.arguments]
    scan = open_scan(session, plan, question.source, [*arguments, *question.carried], numbered=True)
    found = session.fetch_columns(question.sql(scan), scan.parameters)
    width = len(scan.dimensions)
    times, dimensions, values = found.column(0), found.columns[1 : 1 + width], found.columns[1 + width :]
    if scan.choice is None:
        tags = [tag.cast(pa.string()).fill_null("") for tag in dimensions]
    else:
        tags = _tags_of(scan, len(plan.dimensions), len(found), dimensions)
    return [times, *tags, *values]


def _tags_of(scan: Scan, width: int, rows: int, numbers: Sequence[pa.ChunkedArray]) -> list[pa.Array]:
    """The tags of each row, by the number of its series; of one that came meanwhile nothing, as it is read again."""
    if not numbers:
        return [pa.array([value] * rows, pa.string()) for value in scan.group(()) or ()]
    known, places = np.unique(numbers[0].to_numpy(), return_inverse=True)
    nothing = ("",) * width
    groups = [scan.group((number,)) or nothing for number in known.tolist()]
    taken = pa.array(places)
    return [pa.array([group[index] for group in groups], pa.string()).take(taken) for index in range(width)]


def _sources_of(session: Session, plan: Plan, measurement: str, columns: Sequence[Any]) -> list[Source]:
    """The table of an answer's columns: the time, the tags of each of the plan's dimensions, and its fields."""
    if not len(columns[0]):
        return [empty_source(session, plan, measurement)]
    kinds = {name: kind for name, kind in zip(plan.columns[1:], plan.kinds, strict=True) if kind is not None}
    known = columns_of(plan.dimensions, kinds)
    data = {"time": _array(columns[0], pa.int64())}
    for column, values in zip(known, columns[1:], strict=True):
        data[column.physical] = _array(values, _arrow(column))
    return [Source(Table(measurement, session.register(data), known), bounded=False)]


def _array(values: Any, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    if isinstance(values, NumberColumn):
        return pa.array(values.values, kind, mask=None if values.known is None else ~values.known)
    return values.cast(kind) if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values, kind)


def _arrow(column: Column) -> pa.DataType:
    return pa.string() if column.type is None else _ARROW[column.type]


def _table_of_rows(session: Session, name: str, members: Sequence[tuple[Series, Plan]]) -> Table:
    tags = sorted({key for series, _ in members for key in series.tags})
    kinds: dict[str, FieldType] = {}
    for series, plan in members:
        for name_of, kind in zip(series.columns[1:], plan.kinds, strict=True):
            if kind is not None:
                kinds.setdefault(name_of, kind)
    columns = columns_of(tags, kinds)
    data = {"time": pa.array([row[0] for series, _ in members for row in series.values], pa.int64())}
    for column in columns:
        data[column.physical] = pa.array(_values(column, members), _arrow(column))
    return Table(name, session.register(data), columns)


def _values(column: Column, members: Sequence[tuple[Series, Plan]]) -> Iterator[Any]:
    for series, _ in members:
        if column.kind == "tag":
            # Grouped by and absent is "" in the answer of the query around, not null.
            yield from repeat(series.tags.get(column.name), len(series.values))
        elif column.name in series.columns[1:]:
            index = series.columns.index(column.name, 1)
            yield from (row[index] for row in series.values)
        else:
            yield from repeat(None, len(series.values))
