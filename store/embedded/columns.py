"""Answers by windows of time as columns: empty windows filled and expressions calculated for all groups at once.

`select` asks this first for what memory knows (`recent.grid`). What is odd there (fill(linear), most transformations,
texts, whole-number division, what is no number) is left to rows: `calls` and `influxql.arithmetic` say what is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from influxql.ast import Fill, FillKind
from influxql.plan import Plan
from store.column import NumberColumn, number_column
from store.contract import Rows, Series, Value
from store.embedded.calculation import Calculation, Part, Read, part_of
from store.embedded.choice import Group
from store.embedded.recent.grid import Grid
from store.embedded.session import guard_rows, guard_values
from store.embedded.source import Source
from store.embedded.steps import Cells, transform_windows
from store.windowed import WindowedSeries

Array = npt.NDArray[Any]


def column_series(
    plan: Plan, calculation: Calculation, source: Source, grid: Grid, kept: set[Group] | None
) -> Sequence[Series] | None:
    """The series of the answer, of the `kept` groups (None: all); None where a value is no number.

    `grid` is what memory says of the plan's aggregates, and `calculation` what is to be done with it.
    """
    found = calculate(plan, calculation, grid)
    if found is None:
        return None
    name, groups = source.relation.measurement, grid.groups
    order = [place for place in found.has_rows if kept is None or groups[place] in kept]
    order.sort(key=groups.__getitem__, reverse=plan.descending)
    if not order:
        return ()
    if found.is_there is None:
        return _alike(plan, found, name, order, slice(None))
    at = _shared(found.is_there[order])
    return _apart(plan, found, found.is_there, name, order) if at is None else _alike(plan, found, name, order, at)


def column_totals(
    calculation: Calculation | None, given: Sequence[Sequence[Value]]
) -> Sequence[Sequence[Value]] | None:
    """The columns of the answer out of the time and the calls of many rows; None where rows are made one by one."""
    time, *calls = given
    numbers = [column for column in calls if isinstance(column, NumberColumn)]
    if calculation is None or len(numbers) < len(calls):
        return None
    made = calculation.columns([part_of(column) for column in numbers])
    if made is None:
        return None
    return [time, *(number_column(np.broadcast_to(values, len(time)), known) for values, known in made)]


@dataclass(frozen=True, slots=True)
class Calculated:
    """The columns of the answer, `starts` of all windows, and which groups have rows.

    `is_there`: which windows of which groups are rows; None where all windows are of each group that has any.
    """

    grid: Grid
    starts: range
    has_rows: list[int]
    is_there: Array | None
    columns: list[Part]


def calculate(plan: Plan, calculation: Calculation, grid: Grid) -> Calculated | None:
    """What is made of the aggregates of a plan that are in a grid; None where a value is no number."""
    step = -1 if plan.descending else 1
    starts = grid.starts[::step]
    given = [
        (column.values.T[:, ::step], None if column.present is None else column.present.T[:, ::step])
        for column in grid.columns
    ]
    has_any, is_there = _presence([known for _, known in given], plan.fill)
    parts = [_filled(part, read, plan.fill) for part, read in zip(given, calculation.reads, strict=True)]
    change = calculation.reads[0].change
    if change is not None:
        values, known = parts[0]
        with np.errstate(all="ignore"):
            changed = transform_windows(change, Cells(values, _all_of(known, values.shape)), plan)
        if changed is None:
            return None
        parts = [(changed.values, changed.known)]
        is_there = changed.known & _all_of(has_any if is_there is None else is_there, values.shape)
        has_any = np.logical_or.reduce(is_there, axis=1, keepdims=True)
    columns = calculation.columns(parts)
    if columns is None:
        return None
    shape = len(grid.groups), len(starts)
    columns = [part if part[0].shape == shape else (np.broadcast_to(part[0], shape), part[1]) for part in columns]
    has_rows = list(range(shape[0])) if has_any is None else has_any.nonzero()[0].tolist()
    return Calculated(grid, starts, has_rows, is_there, columns)


def _presence(given: Sequence[Array | None], fill: Fill) -> tuple[Array | None, Array | None]:
    """Which groups have rows, as a column (None: all), and which windows of them are rows (None: all)."""
    masks = [known for known in given if known is not None]
    if len(masks) < len(given):
        return None, None
    found = masks[0] if len(masks) == 1 else np.logical_or.reduce(masks)
    has_any = np.logical_or.reduce(found, axis=1, keepdims=True)
    return has_any, found if fill.kind is FillKind.NONE else None


def _all_of(known: Array | None, shape: tuple[int, ...]) -> Array:
    if known is None:
        return np.ones(shape, np.bool_)
    return known if known.shape == shape else np.broadcast_to(known, shape)


def _filled(part: Part, read: Read, fill: Fill) -> Part:
    """The same with what fill() puts into windows without a value, and into groups without any."""
    values, known = part
    if values.dtype.kind == "i":
        values = values.astype(np.int64, copy=False)
    if known is None:
        return values, None
    if fill.kind is FillKind.PREVIOUS:
        newest = np.maximum.accumulate(np.where(known, np.arange(known.shape[1]), -1), axis=1)
        return np.take_along_axis(values, np.maximum(newest, 0), axis=1), newest >= 0
    if fill.kind is FillKind.NUMBER:
        return np.where(known, values, read.blank), None
    if fill.kind is FillKind.NULL and read.is_count:
        has_any = np.logical_or.reduce(known, axis=1, keepdims=True)
        return np.where(known, values, 0), np.broadcast_to(has_any, known.shape)
    return np.where(known, values, 0), known


def _shared(is_there: Array) -> slice | Array | None:
    """The windows that each of these groups has, at least one; None where they have different ones."""
    if len(is_there) > 1 and not np.logical_and.reduce(is_there == is_there[0], axis=None):
        return None
    places = is_there[0].nonzero()[0]
    first, last = int(places[0]), int(places[-1])
    return slice(first, last + 1) if last - first < len(places) else places


def _alike(plan: Plan, found: Calculated, name: str, order: list[int], at: slice | Array) -> Sequence[Series]:
    """Groups that have the same windows, cut to LIMIT and OFFSET."""
    first, limit, groups, columns = plan.paging.offset, plan.paging.limit, found.grid.groups, found.columns
    cut = slice(first, first + limit if limit else None)
    times = found.starts[at][cut] if isinstance(at, slice) else [found.starts[place] for place in at[cut].tolist()]
    if not times:
        return ()
    guard_rows(len(order) * len(times))
    guard_values(len(order) * len(times) * len(plan.columns))
    if len(times) < len(found.starts):
        columns = [
            (values[:, at][:, cut], None if known is None else known[:, at][:, cut]) for values, known in columns
        ]
    if order != list(range(len(groups))):
        columns = [(values[order], None if known is None else known[order]) for values, known in columns]
    return WindowedSeries(name, plan.columns, plan.dimensions, [groups[place] for place in order], times, columns)


def _apart(plan: Plan, found: Calculated, is_there: Array, name: str, order: list[int]) -> Sequence[Series]:
    """Groups of which each has windows of its own, cut likewise."""
    made = [_rows(plan, found, is_there[place], place) for place in order]
    guard_rows(sum(map(len, made)))
    guard_values(sum(map(len, made)) * len(plan.columns))
    tags = (dict(zip(plan.dimensions, found.grid.groups[place], strict=True)) for place in order)
    return [Series(name, plan.columns, rows, own) for rows, own in zip(made, tags, strict=True) if rows]


def _rows(plan: Plan, found: Calculated, is_there: Array, place: int) -> Rows:
    """The rows of one group, cut to LIMIT and OFFSET."""
    first, limit, starts = plan.paging.offset, plan.paging.limit, found.starts
    cut = slice(first, first + limit if limit else None)
    if is_there.all():
        at: Any = cut
        times: Sequence[Value] = starts[cut] if first or limit else starts
    else:
        at = is_there.nonzero()[0][cut]
        times = number_column(starts.start + starts.step * at, None)
    columns = ((values[place][at], None if known is None else known[place][at]) for values, known in found.columns)
    return Rows([times, *(number_column(*column) for column in columns)])
