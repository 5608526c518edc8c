"""Answers by windows of time as columns: empty windows filled and expressions calculated for all groups at once.

`select` asks this first for what memory knows (`recent.grid`). What is odd there (fill(linear), transformations, texts,
whole-number division, what is no number) is left to rows: `calls` and `influxql.arithmetic` say what is right.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from foundation.batch import FieldType
from influxql.ast import Binary, Call, Expr, Fill, FillKind, IntegerLiteral, NumberLiteral, Paren
from influxql.plan import Plan
from influxql.typing import type_of
from store.contract import Rows, Series, Value
from store.embedded.choice import Group
from store.embedded.fill import fill_value
from store.embedded.recent.grid import Grid
from store.embedded.session import guard_rows, guard_values
from store.embedded.source import Source

Array = npt.NDArray[Any]

_FILLS: Final = frozenset({FillKind.NULL, FillKind.NONE, FillKind.NUMBER, FillKind.PREVIOUS})
_MADE: Final[Mapping[str, Callable[[Any, Any], Any]]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}


@dataclass(frozen=True, slots=True)
class Cells:
    """`values[group, window]` in the order of the answer, and where they are `known`; the others are null."""

    values: Array
    known: Array


def is_calculable(plan: Plan) -> bool:
    """Whether arrays can answer: nothing but aggregates of numbers, and sums, products and quotients of them."""
    return plan.fill.kind in _FILLS and all(map(_is_calculable, plan.exprs))


def column_series(plan: Plan, source: Source, grid: Grid, kept: set[Group] | None) -> Sequence[Series] | None:
    """The series of the answer, of the `kept` groups (None: all); None where a value is no number."""
    step = -1 if plan.descending else 1
    starts = list(grid.starts)[::step]
    slots: dict[Expr, Cells] = {}
    is_there: Array = np.zeros((len(grid.groups), len(starts)), np.bool_)
    for call, column in zip(plan.calls, grid.columns, strict=True):
        values = column.values.T[:, ::step]
        known = np.ones(values.shape, np.bool_) if column.present is None else column.present.T[:, ::step]
        np.logical_or(is_there, known, out=is_there)
        slots[call] = _filled(Cells(values, known), call, plan.fill)
    with np.errstate(all="ignore"):
        columns = [_calculated(expr, slots) for expr in plan.exprs]
    if any(column.values.dtype.kind == "f" and not np.isfinite(column.values).all() for column in columns):
        return None
    has_rows = _any_window(is_there)
    if plan.fill.kind is not FillKind.NONE:
        is_there = np.broadcast_to(has_rows, is_there.shape)
    order = [place for place in np.flatnonzero(has_rows).tolist() if kept is None or grid.groups[place] in kept]
    order.sort(key=grid.groups.__getitem__, reverse=plan.descending)
    made = [_rows(plan, starts, is_there[place], [_at(column, place) for column in columns]) for place in order]
    guard_rows(sum(map(len, made)))
    guard_values(sum(map(len, made)) * len(plan.columns))
    return [
        Series(
            source.relation.measurement, plan.columns, rows, dict(zip(plan.dimensions, grid.groups[place], strict=True))
        )
        for place, rows in zip(order, made, strict=True)
        if rows
    ]


def _is_calculable(expr: Expr) -> bool:
    match expr:
        case Call(name):
            return name in _KNOWN and type_of(expr) is not None
        case IntegerLiteral() | NumberLiteral():
            return True
        case Paren(inner):
            return _is_calculable(inner)
        case Binary(op, left, right):
            kind = type_of(expr)
            is_known = op in _MADE or op == "/" if kind is FieldType.FLOAT else op in _MADE
            fits = kind in (FieldType.FLOAT, FieldType.INTEGER)
            return fits and is_known and _is_calculable(left) and _is_calculable(right)
        case _:
            return False


_KNOWN: Final = frozenset({"count", "sum", "mean", "median", "spread", "min", "max", "first", "last", "percentile"})


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


def _at(cells: Cells, place: int) -> tuple[Array, Array]:
    return cells.values[place], cells.known[place]


def _rows(plan: Plan, starts: Sequence[int], is_there: Array, columns: Sequence[tuple[Array, Array]]) -> Rows:
    """The rows of one group, cut to LIMIT and OFFSET."""
    first = plan.paging.offset
    cut = slice(first, first + plan.paging.limit if plan.paging.limit else None)
    if is_there.all():
        return Rows([starts[cut] if first or plan.paging.limit else starts, *(_listed(*one, cut) for one in columns)])
    places: Array = np.flatnonzero(is_there)[cut]
    return Rows([[starts[place] for place in places.tolist()], *(_listed(*one, places) for one in columns)])


def _listed(values: Array, known: Array, at: Any) -> list[Value]:
    found: list[Value] = values[at].tolist()
    there: Array = known[at]
    return found if there.all() else [one if kept else None for one, kept in zip(found, there.tolist(), strict=True)]
