"""A SELECT made ready to run over sources whose shape is known: wildcards expanded, types resolved, bounds fixed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from foundation.batch import FieldType
from influxql.ast import (
    LITERALS,
    Binary,
    Call,
    DurationLiteral,
    Expr,
    Field,
    Fill,
    FillKind,
    Paging,
    Paren,
    Select,
    StringLiteral,
    SubQuery,
    TimeLiteral,
    VarRef,
)
from influxql.check import check_fields, is_time
from influxql.conditions import TimeRange, split_condition
from influxql.errors import QueryError
from influxql.expand import expand_dimensions, expand_fields
from influxql.functions import MATH
from influxql.moments import begins_as_moment
from influxql.names import name_columns
from influxql.printer import print_expr
from influxql.reduction import reduce_expr
from influxql.typing import Shape, resolve, type_of
from influxql.window import Window
from influxql.zones import find_zone

_FIRST_DAY: Final = -62_135_596_800_000_000_000
"""0001-01-01, from which InfluxDB counts intervals when an offset is a moment."""


@dataclass(frozen=True, slots=True)
class Outer:
    """What a subquery takes over from the query around it."""

    bounds: TimeRange
    window: Window | None
    dimensions: tuple[Expr, ...]
    descending: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """What is known of a SELECT before its sources are looked at."""

    select: Select
    condition: Expr | None
    bounds: TimeRange
    window: Window | None
    inherited: bool

    def outer(self) -> Outer:
        """What its subqueries take over."""
        return Outer(self.bounds, self.window, self.select.dimensions, self.select.descending)


@dataclass(frozen=True, slots=True)
class Plan:
    """A SELECT ready to run. `columns[0]` names the time; `exprs` and `kinds` are the other columns, in order."""

    columns: tuple[str, ...]
    exprs: tuple[Expr, ...]
    kinds: tuple[FieldType | None, ...]
    calls: tuple[Call, ...]
    dimensions: tuple[str, ...]
    condition: Expr | None
    bounds: TimeRange
    window: Window | None
    fill: Fill
    descending: bool
    paging: Paging

    @property
    def references(self) -> tuple[VarRef, ...]:
        """The fields and tags selected as they are, each once."""
        found = dict.fromkeys(ref for expr in self.exprs for ref in _references(expr))
        return tuple(found)

    def between(self, bounds: TimeRange) -> Plan:
        """The same within other bounds of time. Written out: `replace` takes three times as long, for each question."""
        return Plan(
            self.columns,
            self.exprs,
            self.kinds,
            self.calls,
            self.dimensions,
            self.condition,
            bounds,
            self.window,
            self.fill,
            self.descending,
            self.paging,
        )


def frame_select(select: Select, now_ns: int, outer: Outer | None = None) -> Frame:
    """Check what can be checked without the sources, and fix the time range and the window."""
    zone = find_zone(select.zone)
    condition, bounds = split_condition(select.condition, now_ns, select.zone, inner=outer is not None)
    dimensions = tuple(map(reduce_expr, select.dimensions))
    if dimensions != select.dimensions:
        select = replace(select, dimensions=dimensions)
    window, inherited = _window(select, now_ns), False
    if outer is not None:
        if select.descending and not outer.descending:
            raise QueryError("subqueries must be ordered in the same direction as the query itself")
        select = replace(select, descending=outer.descending)
        if window is not None and select.fill.kind is FillKind.NULL:
            select = replace(select, fill=Fill(FillKind.NONE))
        select = replace(select, dimensions=(*select.dimensions, *_plain(outer.dimensions)))
    if window is not None and bounds.upper is None:
        bounds = TimeRange(bounds.lower, now_ns)
    if outer is not None:
        bounds = bounds.intersect(outer.bounds)
        if window is None and outer.window is not None:
            window, inherited = outer.window, True
            select = replace(select, fill=Fill(FillKind.NONE)) if select.fill.kind is FillKind.NULL else select
    if window is not None:
        window = replace(window, zone=zone if outer is None or outer.window is None else outer.window.zone)
    if any(isinstance(source, SubQuery) for source in select.sources):
        # Before a subquery is found at fault.
        check_fields(select, has_interval=window is not None, inherited=inherited)
    return Frame(select, condition, bounds, window, inherited)


def plan_select(frame: Frame, shape: Shape) -> Plan:
    """The plan over sources of this shape. Raises QueryError."""
    select = frame.select
    listed = check_fields(select, has_interval=frame.window is not None, inherited=frame.inherited)
    time, wanted = _without_time(listed)
    expanded = expand_fields(wanted, select.dimensions, shape)
    fields = tuple(ranked for item in expanded for ranked in _ranked_columns(item))
    exprs = tuple(resolve(item.expr, shape) for item in fields)
    calls = tuple(dict.fromkeys(call for expr in exprs for call in _calls(expr)))
    return Plan(
        columns=(time, *name_columns(fields)),
        exprs=exprs,
        kinds=tuple(type_of(expr) for expr in exprs),
        calls=calls,
        dimensions=expand_dimensions(select.dimensions, shape),
        condition=frame.condition,
        bounds=frame.bounds,
        window=frame.window if calls else None,
        fill=select.fill,
        descending=select.descending,
        paging=select.paging,
    )


def rebound(plan: Plan, frame: Frame) -> Plan:
    """What `plan_select` makes of a frame that differs from the plan's own in its condition, bounds and window alone.

    Both frames have a window, or neither has.
    """
    return replace(plan, condition=frame.condition, bounds=frame.bounds, window=frame.window if plan.calls else None)


def _without_time(listed: tuple[Field, ...]) -> tuple[str, list[Field]]:
    """What the column of the time is called, and the other fields; the one behind each `time` InfluxDB looks past."""
    name, kept, passed = "time", list[Field](), False
    for item in listed:
        if is_time(item) and not passed:
            name, passed = item.alias or "time", True
        else:
            kept.append(item)
            passed = False
    return name, kept


def _plain(dimensions: tuple[Expr, ...]) -> tuple[Expr, ...]:
    return tuple(dimension for dimension in dimensions if isinstance(dimension, VarRef))


def _window(select: Select, now_ns: int) -> Window | None:
    window: Window | None = None
    for dimension in select.dimensions:
        if isinstance(dimension, VarRef) and dimension.name.lower() == "time":
            raise QueryError("time() is a function and expects at least one argument")
        if isinstance(dimension, Call):
            interval = _interval(dimension)
            if window is not None:
                raise QueryError("multiple time dimensions not allowed")
            if interval > 0:
                window = Window(interval, _offset(dimension, interval, now_ns))
        elif isinstance(dimension, (Binary, Paren, *LITERALS)):
            raise QueryError("only time and tag dimensions allowed")
    return window


def _interval(call: Call) -> int:
    """Without one that is above 0 there are no windows."""
    if call.name != "time":
        raise QueryError("only time() calls allowed in dimensions")
    if len(call.args) not in (1, 2):
        raise QueryError("time dimension expected 1 or 2 arguments")
    if not isinstance(call.args[0], DurationLiteral):
        raise QueryError("time dimension must have duration argument")
    return call.args[0].value


def _offset(call: Call, interval: int, now_ns: int) -> int:
    match call.args[1:]:
        case ():
            return 0
        case (DurationLiteral(value),):
            # The remainder keeps the sign of the offset, as Go's does.
            rest = abs(value) % interval
            return -rest if value < 0 else rest
        case (TimeLiteral(moment),):
            return (moment - _FIRST_DAY) % interval
        case (Call("now", args),):
            if args:
                raise QueryError("time dimension offset now() function requires no arguments")
            return (now_ns - _FIRST_DAY) % interval
        case (Call(),):
            raise QueryError("time dimension offset function must be now()")
        case (StringLiteral(text) as literal,) if begins_as_moment(text):
            raise QueryError(f"invalid time dimension offset: {print_expr(literal)}")
        case _:
            raise QueryError("time dimension offset must be duration or now()")


def _ranked_columns(item: Field) -> Iterator[Field]:
    """The field itself; behind top() and bottom() also a column for each tag or field that they name."""
    yield item
    if isinstance(item.expr, Call) and item.expr.name in ("top", "bottom"):
        yield from (Field(arg) for arg in item.expr.args[1:-1])


def _calls(expr: Expr) -> Iterator[Call]:
    """Outermost calls that read points; math functions are looked through."""
    match expr:
        case Call(name, args) if name in MATH:
            for arg in args:
                yield from _calls(arg)
        case Call():
            yield expr
        case Binary(_, left, right):
            yield from _calls(left)
            yield from _calls(right)
        case Paren(inner):
            yield from _calls(inner)
        case _:
            pass  # literals and references call nothing


def _references(expr: Expr) -> Iterator[VarRef]:
    match expr:
        case VarRef():
            yield expr
        case Call(name, args) if name in MATH:
            for arg in args:
                yield from _references(arg)
        case Binary(_, left, right):
            yield from _references(left)
            yield from _references(right)
        case Paren(inner):
            yield from _references(inner)
        case _:
            pass  # literals, and calls that read their own fields
