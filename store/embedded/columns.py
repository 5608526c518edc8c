"""Answers by windows of time as columns: empty windows filled and expressions calculated for all groups at once.

`select` asks this first for what memory knows (`recent.grid`). What is odd there (fill(linear), most transformations,
texts, whole-number division, what is no number) is left to rows: `calls` and `influxql.arithmetic` say what is right.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.batch import FieldType
from influxql.ast import Binary, Call, Expr, Fill, FillKind, IntegerLiteral, NumberLiteral, Paren
from influxql.plan import Plan
from influxql.typing import type_of
from store.column import number_column
from store.contract import Rows, Series
from store.embedded.choice import Group
from store.embedded.fill import fill_value
from store.embedded.recent.grid import Grid
from store.embedded.session import guard_rows, guard_values
from store.embedded.source import Source
from store.embedded.steps import TRANSFORMED, Cells, transform_windows

Array = npt.NDArray[Any]

_FILLS: Final = frozenset({FillKind.NULL, FillKind.NONE, FillKind.NUMBER, FillKind.PREVIOUS})
_MADE: Final[Mapping[str, Callable[[Any, Any], Any]]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}


def is_calculable(plan: Plan) -> bool:
    """Whether arrays can answer: nothing but aggregates of numbers, or one transformation of one, and arithmetic."""
    changed = [call for call in plan.calls if call.name in TRANSFORMED]
    return plan.fill.kind in _FILLS and all(map(_is_calculable, plan.exprs)) and (len(plan.calls) == 1 or not changed)


def column_series(plan: Plan, source: Source, grid: Grid, kept: set[Group] | None) -> Sequence[Series] | None:
    """The series of the answer, of the `kept` groups (None: all); None where a value is no number.

    `grid` is what memory says of the plan's aggregates.
    """
    found = _calculate(plan, grid)
    if found is None:
        return None
    groups = found.grid.groups
    has_rows: list[int] = np.flatnonzero(_any_window(found.is_there)).tolist()
    order = [place for place in has_rows if kept is None or groups[place] in kept]
    order.sort(key=groups.__getitem__, reverse=plan.descending)
    made = [_rows(plan, found, place) for place in order]
    guard_rows(sum(map(len, made)))
    guard_values(sum(map(len, made)) * len(plan.columns))
    tags = (dict(zip(plan.dimensions, groups[place], strict=True)) for place in order)
    name = source.relation.measurement
    return [Series(name, plan.columns, rows, own) for rows, own in zip(made, tags, strict=True) if rows]


def column_arrays(plan: Plan, grid: Grid) -> list[pa.Array] | None:
    """The rows of all groups under each other: the time, the tags grouped by, and the columns of the answer.

    None as above. The plan cuts no rows off.
    """
    found = _calculate(plan, grid)
    if found is None:
        return None
    groups, windows = np.nonzero(found.is_there)
    guard_rows(len(groups))
    texts = [pa.array(values, pa.string()) for values in zip(*grid.groups, strict=True)] if plan.dimensions else []
    columns = ((cells.values[groups, windows], cells.known[groups, windows]) for cells in found.columns)
    return [
        pa.array(found.starts.start + found.starts.step * windows),
        *(values.take(pa.array(groups)) for values in texts),
        *(pa.array(values, mask=~known) for values, known in columns),
    ]


@dataclass(frozen=True, slots=True)
class _Calculated:
    """The columns of the answer, and which windows of which groups are rows of it; `starts` of all windows."""

    grid: Grid
    starts: range
    is_there: Array
    columns: list[Cells]


def _calculate(plan: Plan, grid: Grid) -> _Calculated | None:
    step = -1 if plan.descending else 1
    slots: dict[Expr, Cells] = {}
    is_there: Array = np.zeros((len(grid.groups), len(grid.starts)), np.bool_)
    for call, column in zip(plan.calls, grid.columns, strict=True):
        values = column.values.T[:, ::step]
        known = np.ones(values.shape, np.bool_) if column.present is None else column.present.T[:, ::step]
        np.logical_or(is_there, known, out=is_there)
        read = call if call.name not in TRANSFORMED or not isinstance(call.args[0], Call) else call.args[0]
        cells = _filled(Cells(values, known), read, plan.fill)
        if plan.fill.kind is not FillKind.NONE:
            is_there = np.broadcast_to(_any_window(is_there), is_there.shape).copy()
        if read is not call:
            with np.errstate(all="ignore"):
                changed = transform_windows(call, cells, plan)
            if changed is None:
                return None
            cells, is_there = changed, changed.known & is_there
        slots[call] = cells
    with np.errstate(all="ignore"):
        columns = [_calculated(expr, slots) for expr in plan.exprs]
    shape = is_there.shape
    columns = [Cells(np.broadcast_to(one.values, shape), np.broadcast_to(one.known, shape)) for one in columns]
    if any(column.values.dtype.kind == "f" and not np.isfinite(column.values).all() for column in columns):
        return None
    return _Calculated(grid, grid.starts[::step], is_there, columns)


def _is_calculable(expr: Expr) -> bool:
    match expr:
        case Call(name, (Call(inner), *_)) if name in TRANSFORMED:
            return inner in _KNOWN and type_of(expr) is not None and type_of(expr.args[0]) in _SIGNED
        case Call(name):
            return name in _KNOWN and type_of(expr) is not None
        case IntegerLiteral() | NumberLiteral():
            return True
        case Paren(inner):
            return _is_calculable(inner)
        case Binary(op, left, right):
            kind = type_of(expr)
            is_known = op in _MADE or (op == "/" and kind is FieldType.FLOAT)
            return kind in _SIGNED and is_known and _is_calculable(left) and _is_calculable(right)
        case _:
            return False


_KNOWN: Final = frozenset({"count", "sum", "mean", "median", "spread", "min", "max", "first", "last", "percentile"})
_SIGNED: Final = frozenset({FieldType.FLOAT, FieldType.INTEGER})


def _filled(cells: Cells, call: Call, fill: Fill) -> Cells:
    """The same with what fill() puts into windows without a value, and into groups without any."""
    values, known = cells.values, cells.known
    values = values.astype(np.int64) if values.dtype.kind == "i" else values
    if fill.kind is FillKind.PREVIOUS:
        newest = np.maximum.accumulate(np.where(known, np.arange(known.shape[1]), -1), axis=1)
        return Cells(np.take_along_axis(values, np.maximum(newest, 0), axis=1), newest >= 0)
    if fill.kind is FillKind.NUMBER:
        return Cells(np.where(known, values, fill_value(fill, type_of(call)) or 0), np.ones_like(known))
    if fill.kind is FillKind.NULL and call.name == "count":
        return Cells(np.where(known, values, 0), np.broadcast_to(_any_window(known), known.shape))
    return Cells(np.where(known, values, 0), known)


def _any_window(known: Array) -> Array:
    """Of each group whether it has a value at all, as a column."""
    found: Array = np.logical_or.reduce(known, axis=1, keepdims=True)
    return found


def _calculated(expr: Expr, slots: Mapping[Expr, Cells]) -> Cells:
    found = slots.get(expr)
    if found is not None:
        return found
    match expr:
        case Paren(inner):
            return _calculated(inner, slots)
        case IntegerLiteral(number) | NumberLiteral(number):
            return Cells(np.array(number), np.array(True))
        case Binary(op, left, right):
            a, b = _calculated(left, slots), _calculated(right, slots)
            return Cells(_operated(op, a.values, b.values, type_of(expr)), a.known & b.known)
        case _:
            raise TypeError(f"{expr} is not calculable")


def _operated(op: str, a: Array, b: Array, kind: FieldType | None) -> Array:
    if kind is FieldType.INTEGER:
        whole: Array = _MADE[op](a.astype(np.int64), b.astype(np.int64))
        return whole
    a, b = a.astype(np.float64), b.astype(np.float64)
    if op == "/":
        return np.divide(a, b, where=b != 0, out=np.zeros(np.broadcast_shapes(a.shape, b.shape)))
    made: Array = _MADE[op](a, b)
    return made


def _rows(plan: Plan, found: _Calculated, place: int) -> Rows:
    """The rows of one group, cut to LIMIT and OFFSET."""
    first, limit, starts = plan.paging.offset, plan.paging.limit, found.starts
    cut = slice(first, first + limit if limit else None)
    is_there = found.is_there[place]
    if is_there.all():
        at: Any = cut
        times: Sequence[int] = starts[cut] if first or limit else starts
    else:
        at = np.flatnonzero(is_there)[cut]
        times = [starts[window] for window in at.tolist()]
    return Rows([times, *(number_column(one.values[place][at], one.known[place][at]) for one in found.columns)])
