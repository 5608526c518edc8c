"""WHERE, taken apart: the time range it names, and what is left for fields and tags.

As in InfluxDB, conditions on time always intersect, even under OR.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import tzinfo

from influxql.ast import (
    LITERALS,
    Binary,
    BooleanLiteral,
    Call,
    DurationLiteral,
    Expr,
    IntegerLiteral,
    NumberLiteral,
    Paren,
    RegexLiteral,
    StringLiteral,
    TimeLiteral,
    VarRef,
)
from influxql.errors import QueryError
from influxql.functions import MATH
from influxql.literals import MAX_TIME, MIN_TIME
from influxql.moments import begins_as_moment, format_moment, parse_moment
from influxql.printer import print_expr, type_name
from influxql.reduction import Fold, combine, reduce_expr, reduce_part
from influxql.zones import find_zone

_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
_INT64_END = 2**63
_LITERALS = (*LITERALS, RegexLiteral)
_NOW = Call("now")
_OF_TWO = frozenset(("atan2", "pow"))
"""Math functions that take two values in a condition: there log() is given none but its value."""


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Nanoseconds, both ends included; None where the query set no bound."""

    lower: int | None = None
    upper: int | None = None

    def intersect(self, other: TimeRange) -> TimeRange:
        """The moments that are in both."""
        lowers = [bound for bound in (self.lower, other.lower) if bound is not None]
        uppers = [bound for bound in (self.upper, other.upper) if bound is not None]
        return TimeRange(max(lowers, default=None), min(uppers, default=None))


def split_condition(
    condition: Expr | None, now_ns: int, zone: str | None = None, *, inner: bool = False
) -> tuple[Expr | None, TimeRange]:
    """The condition without its bounds on time (None if nothing is left), reduced, and those bounds.

    `zone` is where timestamps without an offset are meant; `inner`: the condition is a subquery's, where a bound of
    `(time)` counts. Raises QueryError with InfluxDB's words.
    """
    if condition is None:
        return None, TimeRange()
    rest, bounds = _Splitter(now_ns, find_zone(zone), inner=inner).split(condition)
    if isinstance(rest, Paren):
        rest = rest.expr
    _check_calls(rest)
    is_always = isinstance(rest, BooleanLiteral) and rest.value
    return (None if is_always else rest), bounds


class _Splitter:
    """Takes one condition apart."""

    def __init__(self, now_ns: int, zone: tzinfo, *, inner: bool) -> None:
        self._fold: Fold = lambda call: TimeLiteral(now_ns) if call == _NOW else None
        self._zone = zone
        self._inner = inner

    def split(self, expr: Expr) -> tuple[Expr | None, TimeRange]:
        match expr:
            case Binary("AND" | "OR" as op, left, right):
                (one, earlier), (other, later) = self.split(left), self.split(right)
                both = earlier.intersect(later)
                if one is None or other is None:
                    return one or other, both
                return combine(op, one, other) or Binary(op, one, other), both
            case Binary(op, VarRef(name), right) if name.lower() == "time":
                return None, self._bound(op, right)
            case Binary(op, left, VarRef(name)) if name.lower() == "time":
                return None, self._bound(_FLIPPED.get(op, op), left)
            case Binary():
                return self._reduced(expr)
            case Paren(inner):
                rest, bounds = self.split(inner)
                return (Paren(rest) if isinstance(rest, Binary) else rest), bounds
            case BooleanLiteral():
                return expr, TimeRange()
            case _:
                raise QueryError(f"invalid condition expression: {print_expr(expr)}")

    def _reduced(self, expr: Binary) -> tuple[Expr | None, TimeRange]:
        """A comparison; one of `(time)` is found out late by InfluxDB, which then only checks it outside a subquery."""
        if isinstance(expr.left, VarRef) and isinstance(expr.right, _LITERALS):
            return expr, TimeRange()
        reduced = reduce_part(expr, self._fold, self._zone)
        if reduced is not expr and isinstance(reduced, Binary) and _is_time(reduced.left, reduced.right):
            bounds = self.split(reduced)[1]
            return None, (bounds if self._inner else TimeRange())
        return reduced, TimeRange()

    def _bound(self, op: str, expr: Expr) -> TimeRange:
        value = self._moment(expr)
        match op:
            case ">":
                return TimeRange(lower=_clamped(value + 1))
            case ">=":
                return TimeRange(lower=_clamped(value))
            case "<":
                return TimeRange(upper=_clamped(value - 1))
            case "<=":
                return TimeRange(upper=_clamped(value))
            case "=":
                return TimeRange(_clamped(value), _clamped(value))
            case _:
                raise QueryError(f"invalid time comparison operator: {op}")

    def _moment(self, expr: Expr) -> int:
        if isinstance(expr, StringLiteral) and begins_as_moment(expr.value):
            expr = TimeLiteral(parse_moment(expr.value, self._zone))
        match reduce_expr(expr, self._fold, self._zone):
            case TimeLiteral(value):
                if value > MAX_TIME:
                    raise QueryError(f"time {format_moment(value)} overflows time literal")
                if value <= MIN_TIME:
                    raise QueryError(f"time {format_moment(value)} underflows time literal")
                return value
            case DurationLiteral(value):
                return value
            case IntegerLiteral(value) if value < _INT64_END:
                return value
            case NumberLiteral(number):
                return int(number) if math.isfinite(number) else -_INT64_END
            case other:
                raise QueryError(f"invalid operation: time and *influxql.{type_name(other)} are not compatible")


def _is_time(*sides: Expr) -> bool:
    return any(isinstance(side, VarRef) and side.name.lower() == "time" for side in sides)


def _check_calls(expr: Expr | None) -> None:
    """Raise QueryError for calls that no condition may hold; what is in parentheses InfluxDB does not look at."""
    match expr:
        case Binary(_, left, right):
            _check_calls(left)
            _check_calls(right)
        case Call(name, args):
            if name not in MATH:
                raise QueryError(f"invalid function call in condition: {print_expr(expr)}")
            wanted = 2 if name in _OF_TWO else 1
            if len(args) != wanted:
                raise QueryError(f"invalid number of arguments for {name}, expected {wanted}, got {len(args)}")
            for arg in args:
                _check_calls(arg)
        case _:
            pass  # names and literals


def _clamped(bound: int) -> int:
    """A bound that is a number of 64 bits; one that is beyond all moments stays beyond them."""
    return max(MIN_TIME - 1, min(MAX_TIME + 1, bound))
