"""Is this SELECT allowed? The rules, their order and their words are InfluxDB's."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from influxql.arithmetic import fold_math
from influxql.ast import (
    LITERALS,
    Binary,
    Call,
    DurationLiteral,
    Expr,
    Field,
    FillKind,
    IntegerLiteral,
    NumberLiteral,
    Paren,
    RegexLiteral,
    Select,
    TimeLiteral,
    VarRef,
    Wildcard,
)
from influxql.errors import QueryError
from influxql.functions import AGGREGATES, MATH, REFUSED, TRANSFORMATIONS
from influxql.literals import format_duration
from influxql.printer import print_expr, type_name
from influxql.reduction import reduce_expr

_VALUES: Final = (*LITERALS, RegexLiteral, TimeLiteral)
_NO_VARIABLE: Final = "field must contain at least one variable"
_UNSIGNED: Final = 2**63


@dataclass(slots=True)
class Found:
    """What the SELECT list holds: collected while it is walked."""

    calls: list[Call] = field(default_factory=list)
    only_selectors: bool = True
    references: bool = False
    distinct: bool = False
    ranked: str = ""


def check_fields(select: Select, *, has_interval: bool, inherited: bool = False) -> tuple[Field, ...]:
    """The SELECT list reduced, and checked, before wildcards are expanded. Raises QueryError.

    `inherited`: the interval is the outer query's.
    """
    checker = _Checker(select, has_interval=has_interval, inherited=inherited)
    listed: list[Field] = []
    for item in select.fields:
        if is_time(item):
            listed.append(item)
            continue
        listed.append(replace(item, expr=reduce_expr(item.expr, fold_math)))
        checker.expr(listed[-1].expr, wildcards=True)
    fields = [item for item in select.fields if not is_time(item)]
    _check_mix(checker.found, select, fields, own_interval=has_interval and not inherited, inherited=inherited)
    return tuple(listed)


def is_time(item: Field) -> bool:
    """Whether the field is `time`, which is always selected."""
    return isinstance(item.expr, VarRef) and item.expr.name == "time"


def _check_mix(found: Found, select: Select, fields: list[Field], *, own_interval: bool, inherited: bool) -> None:
    if not fields:
        raise QueryError("at least 1 non-time field must be queried")
    if len(found.calls) > 1 and found.ranked:
        raise QueryError(f"selector function {found.ranked}() cannot be combined with other functions")
    if not found.calls:
        if select.fill.kind in (FillKind.NONE, FillKind.LINEAR) and not inherited:
            raise QueryError(f"fill({select.fill.kind.value}) must be used with a function")
        if own_interval:
            raise QueryError("GROUP BY requires at least one aggregate function")
    if found.distinct and (len(found.calls) != 1 or found.references):
        raise QueryError("aggregate function distinct() cannot be combined with other functions or fields")
    if found.references and not found.only_selectors:
        raise QueryError("mixing aggregate and non-aggregate queries is not supported")
    if found.references and len(found.calls) > 1:
        raise QueryError("mixing multiple selector functions with tags or fields is not supported")


class _Checker:
    """Walks the fields of one SELECT."""

    def __init__(self, select: Select, *, has_interval: bool, inherited: bool) -> None:
        self.found = Found()
        self._limit = select.paging.limit
        self._has_interval = has_interval
        self._inherited = inherited

    def expr(self, expr: Expr, *, wildcards: bool) -> None:
        match expr:
            case VarRef():
                self.found.references = True
            case Wildcard() | RegexLiteral():
                if not wildcards:
                    kind = "wildcard" if isinstance(expr, Wildcard) else "regex"
                    raise QueryError(f"unable to use {kind} in a binary expression")
                self.found.references = True
            case Call():
                self._call(expr, wildcards=wildcards)
            case Binary(_, left, right):
                self._binary(left, right)
            case Paren(inner):
                self.expr(inner, wildcards=wildcards)
            case _:
                raise QueryError(_NO_VARIABLE)

    def _binary(self, left: Expr, right: Expr) -> None:
        sides = [side for side in (left, right) if not isinstance(side, _VALUES)]
        if not sides:
            raise QueryError("cannot perform a binary expression on two literals")
        for side in sides:
            self.expr(side, wildcards=False)

    def _call(self, call: Call, *, wildcards: bool) -> None:
        if call.name in MATH:
            _check_count(call, MATH[call.name])
            if all(isinstance(arg, _VALUES) for arg in call.args):
                raise QueryError(_NO_VARIABLE)  # or it would have been worked out
            for arg in call.args:
                if not isinstance(arg, _VALUES):
                    self.expr(arg, wildcards=wildcards)
            return
        self.found.calls.append(call)
        self._point_call(call, wildcards=wildcards)

    def _point_call(self, call: Call, *, wildcards: bool) -> None:
        if call.name in REFUSED:
            raise QueryError(f"function {call.name}() {REFUSED[call.name]}")
        if call.name in TRANSFORMATIONS:
            self._transformation(call, wildcards=wildcards)
        elif call.name == "distinct":
            self._distinct(call)
            self.found.distinct = True
        elif call.name in ("top", "bottom"):
            self._ranked(call)
        elif call.name == "percentile":
            _check_count(call, 2)
            if not isinstance(call.args[1], NumberLiteral) and not _is_integer(call.args[1]):
                raise QueryError("expected float argument in percentile()")
            self._symbol(call, wildcards=wildcards)
        elif call.name == "sample":
            _check_sample(call)
            self._symbol(call, wildcards=wildcards)
        elif call.name == "integral":
            _check_integral(call)
            self.found.only_selectors = False
            self._symbol(call, wildcards=wildcards)
        elif call.name in AGGREGATES:
            self._aggregate(call, wildcards=wildcards)
        else:
            raise QueryError(f"undefined function {call.name}()")

    def _aggregate(self, call: Call, *, wildcards: bool) -> None:
        if not AGGREGATES[call.name].selector:
            self.found.only_selectors = False
        _check_count(call, 1)
        if call.name == "count" and isinstance(call.args[0], Call) and call.args[0].name == "distinct":
            self._distinct(call.args[0])
        else:
            self._symbol(call, wildcards=wildcards)

    def _distinct(self, call: Call) -> None:
        if not call.args:
            raise QueryError("distinct function requires at least one argument")
        if len(call.args) != 1:
            raise QueryError("distinct function can only have one argument")
        if not isinstance(call.args[0], VarRef):
            raise QueryError("expected field argument in distinct()")
        self.found.only_selectors = False

    def _symbol(self, call: Call, *, wildcards: bool) -> None:
        target = call.args[0]
        if isinstance(target, VarRef):
            return
        if not isinstance(target, Wildcard | RegexLiteral):
            raise QueryError(f"expected field argument in {call.name}()")
        if not wildcards:
            kind = "wildcard" if isinstance(target, Wildcard) else "regex field"
            raise QueryError(f"unsupported expression with {kind}: {call.name}()")
        self.found.only_selectors = False

    def _ranked(self, call: Call) -> None:
        if self.found.ranked:
            raise QueryError(f"selector function {self.found.ranked}() cannot be combined with other functions")
        if len(call.args) < 2:  # noqa: PLR2004 - a field and a count
            raise QueryError(f"invalid number of arguments for {call.name}, expected at least 2, got {len(call.args)}")
        limit = call.args[-1]
        if not isinstance(limit, IntegerLiteral) or not _is_integer(limit):
            raise QueryError(f"expected integer as last argument in {call.name}(), found {print_expr(limit)}")
        if limit.value <= 0:
            raise QueryError(f"limit ({limit.value}) in {call.name} function must be at least 1")
        if 0 < self._limit < limit.value:
            raise QueryError(
                f"limit ({limit.value}) in {call.name} function can not be larger than the LIMIT ({self._limit})"
                " in the select statement",
            )
        if not isinstance(call.args[0], VarRef):
            raise QueryError(
                f"expected first argument to be a field in {call.name}(), found {print_expr(call.args[0])}"
            )
        for arg in call.args[1:-1]:
            if not isinstance(arg, VarRef):
                raise QueryError(f"only fields or tags are allowed in {call.name}(), found {print_expr(arg)}")
            self.found.references = True
        self.found.ranked = call.name

    def _transformation(self, call: Call, *, wildcards: bool) -> None:
        _check_transformation(call)
        self.found.only_selectors = False
        target = call.args[0]
        if isinstance(target, Call):
            if not self._has_interval:
                raise QueryError(f"{call.name} aggregate requires a GROUP BY interval")
            if target.name == "distinct":
                self._distinct(target)
            else:
                self.expr(target, wildcards=wildcards)
            return
        if self._has_interval and not self._inherited:
            raise QueryError(f"aggregate function required inside the call to {call.name}")
        self._symbol(call, wildcards=wildcards)


def _is_integer(expr: Expr) -> bool:
    """Not one that is unsigned because of its size."""
    return isinstance(expr, IntegerLiteral) and expr.value < _UNSIGNED


def _check_sample(call: Call) -> None:
    _check_count(call, 2)
    size = call.args[1]
    if not isinstance(size, IntegerLiteral) or not _is_integer(size):
        raise QueryError("expected integer argument in sample()")
    if size.value <= 0:
        raise QueryError(f"sample window must be greater than 1, got {size.value}")


def _check_integral(call: Call) -> None:
    _check_between(call, 1, 2)
    if len(call.args) == 1:
        return
    unit = call.args[1]
    if not isinstance(unit, DurationLiteral):
        raise QueryError("second argument must be a duration")
    if unit.value <= 0:
        raise QueryError(f"duration argument must be positive, got {format_duration(unit.value)}")


def _check_transformation(call: Call) -> None:
    _check_between(call, *TRANSFORMATIONS[call.name].arguments)
    if len(call.args) == 1:
        return
    second = call.args[1]
    if call.name == "moving_average":
        if not isinstance(second, IntegerLiteral) or not _is_integer(second):
            raise QueryError(
                f"second argument for moving_average must be an integer, got *influxql.{type_name(second)}"
            )
        if second.value <= 1:
            raise QueryError(f"moving_average window must be greater than 1, got {second.value}")
        return
    if not isinstance(second, DurationLiteral):
        raise QueryError(f"second argument to {call.name} must be a duration, got *influxql.{type_name(second)}")
    if second.value <= 0:
        raise QueryError(f"duration argument must be positive, got {format_duration(second.value)}")


def _check_between(call: Call, least: int, most: int) -> None:
    count = len(call.args)
    if not least <= count <= most:
        wish = f"at least {least} but no more than {most}" if least != most else str(most)
        raise QueryError(f"invalid number of arguments for {call.name}, expected {wish}, got {count}")


def _check_count(call: Call, expected: int) -> None:
    if len(call.args) != expected:
        raise QueryError(f"invalid number of arguments for {call.name}, expected {expected}, got {len(call.args)}")
