"""Expressions made no longer than what they mean: parentheses around what is no arithmetic go, literals are reckoned.

`check` reduces the SELECT list, `plan` what stands behind GROUP BY, `conditions` what WHERE compares; each hands in how
calls of literals are worked out there (`now()`, math functions, nothing). As in InfluxDB this comes before anything is
looked at, so `percentile((f), 90 + 5)` is `percentile(f, 95)`, to names of columns and to errors, too.

What stays as it is stays the very same object.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from datetime import UTC, tzinfo
from typing import Any, Final

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
    Wildcard,
)
from influxql.errors import QueryError
from influxql.moments import begins_as_moment, parse_moment

Fold = Callable[[Call], Expr | None]
"""What a call whose arguments are reduced comes to; None where it stays a call."""

_LEAVES: Final = frozenset((*LITERALS, RegexLiteral, TimeLiteral, VarRef, Wildcard))
_UINT64: Final = 2**64
_INT64: Final = 2**63
COMPARED: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
"""How two values compare, for each operator of InfluxQL that compares them; arrays of them, too."""
_MADE: Final[Mapping[str, Callable[[Any, Any], Any]]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_BITS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {"&": operator.and_, "|": operator.or_, "^": operator.xor}


def keep_calls(_: Call) -> None:
    """The fold that works out nothing."""


def reduce_expr(expr: Expr, fold: Fold = keep_calls, zone: tzinfo = UTC) -> Expr:
    """The expression without what it does not need, not even parentheses around all of it.

    `zone`: where texts without an offset are moments. Raises QueryError where a duration is divided by nothing.
    """
    reduced = reduce_part(expr, fold, zone)
    return reduced.expr if isinstance(reduced, Paren) else reduced


def reduce_part(expr: Expr, fold: Fold = keep_calls, zone: tzinfo = UTC) -> Expr:
    """The same for a part of an expression, where parentheses around operators stay."""
    if type(expr) in _LEAVES:
        return expr
    match expr:
        case Binary(op, left, right):
            one, other = reduce_part(left, fold, zone), reduce_part(right, fold, zone)
            found = combine(op, one, other, zone)
            if found is not None:
                return found
            return expr if one is left and other is right else Binary(op, one, other)
        case Call(name, args):
            if all(type(arg) in _LEAVES for arg in args):
                return fold(expr) or expr
            made = tuple(reduce_part(arg, fold, zone) for arg in args)
            call = expr if all(map(operator.is_, made, args)) else Call(name, made)
            return fold(call) or call
        case Paren(inner):
            reduced = reduce_part(inner, fold, zone)
            if not isinstance(reduced, Binary):
                return reduced
            return expr if reduced is inner else Paren(reduced)
        case _:
            return expr


def combine(op: str, left: Expr, right: Expr, zone: tzinfo = UTC) -> Expr | None:
    """What an operator makes of two expressions that are reduced; None where it stays."""
    if op in ("AND", "OR"):
        return _logic(left, right, neutral=op == "AND")
    match left, right:
        case (BooleanLiteral(a), BooleanLiteral(b)):
            return _truth(op, a, b)
        case (IntegerLiteral() | NumberLiteral(), IntegerLiteral() | NumberLiteral()):
            return _number(op, left, right)
        case (StringLiteral(a), StringLiteral(b)) if op == "+":
            return StringLiteral(a + b)
        case (StringLiteral(a), StringLiteral(b)) if op in ("=", "!="):
            moments = _moment(left, zone), _moment(right, zone)
            one, other = (a, b) if None in moments else moments
            return BooleanLiteral(COMPARED[op](one, other))
        case (DurationLiteral(), _) | (_, DurationLiteral() | StringLiteral() | TimeLiteral()):
            return _time(op, left, right, zone)
        case (StringLiteral() | TimeLiteral(), IntegerLiteral()):
            return _time(op, left, right, zone)
        case _:
            return None


def _logic(left: Expr, right: Expr, *, neutral: bool) -> Expr | None:
    """AND, to which truth is neutral, or OR, to which falsehood is."""
    sides = {side.value for side in (left, right) if isinstance(side, BooleanLiteral)}
    if not sides:
        return None
    if (not neutral) in sides:
        return BooleanLiteral(not neutral)
    return right if isinstance(left, BooleanLiteral) else left


def _truth(op: str, left: bool, right: bool) -> Expr | None:
    if op in ("=", "!="):
        return BooleanLiteral((left is right) is (op == "="))
    return BooleanLiteral(bool(_BITS[op](left, right))) if op in _BITS else None


def _number(op: str, left: IntegerLiteral | NumberLiteral, right: IntegerLiteral | NumberLiteral) -> Expr | None:
    if op in COMPARED:
        return BooleanLiteral(COMPARED[op](left.value, right.value))
    if isinstance(left, IntegerLiteral) and isinstance(right, IntegerLiteral):
        unsigned = left.value >= _INT64 or right.value >= _INT64
        return _unsigned(op, left.value, right.value) if unsigned else _integer(op, left.value, right.value)
    if op in _MADE:
        return NumberLiteral(_MADE[op](float(left.value), float(right.value)))
    if op == "/":
        return NumberLiteral(float(left.value) / float(right.value) if right.value else 0.0)
    if op == "%":
        is_number = right.value and math.isfinite(left.value)
        return NumberLiteral(math.fmod(left.value, right.value) if is_number else math.nan)
    return None


def _integer(op: str, left: int, right: int) -> Expr | None:
    if op == "/":
        return NumberLiteral(float(left) / float(right) if right else 0.0)
    if op == "%":
        rest = abs(left) % abs(right) if right else 0
        return IntegerLiteral(-rest if left < 0 else rest)
    make = _MADE.get(op) or _BITS.get(op)
    return None if make is None else IntegerLiteral(_wrapped(make(left, right)))


def _unsigned(op: str, left: int, right: int) -> Expr | None:
    left, right = left % _UINT64, right % _UINT64
    if op in ("/", "%"):
        return IntegerLiteral((left // right if op == "/" else left % right) if right else 0)
    return IntegerLiteral(_MADE[op](left, right) % _UINT64) if op in _MADE else None


def _time(op: str, left: Expr, right: Expr, zone: tzinfo) -> Expr | None:
    """Moments, also texts of them, and spans, which integers beside a moment are, too."""
    match left, right:
        case (DurationLiteral(a), DurationLiteral(b)):
            if op in COMPARED:
                return BooleanLiteral(COMPARED[op](a, b))
            return DurationLiteral(_wrapped(_MADE[op](a, b))) if op in ("+", "-") else None
        case (DurationLiteral(span), IntegerLiteral(factor) | NumberLiteral(factor)) if op in ("*", "/"):
            return _scaled(op, span, factor)
        case (IntegerLiteral(moment), DurationLiteral(span)) if op in ("+", "-") and moment < _INT64:
            return TimeLiteral(_MADE[op](moment, span))
    before, after = _moment(left, zone), _moment(right, zone)
    if before is None:
        step = _span(left)
        return None if step is None or after is None or op != "+" else TimeLiteral(after + step)
    if after is not None:
        return _between(op, before, after)
    step = _span(right)
    return TimeLiteral(_MADE[op](before, step)) if step is not None and op in ("+", "-") else None


def _scaled(op: str, span: int, factor: float) -> Expr | None:
    if isinstance(factor, int) and factor >= _INT64:
        return None
    whole = int(factor) if math.isfinite(factor) else 0
    if op == "*":
        return DurationLiteral(_wrapped(span * whole))
    if factor and not whole:
        raise QueryError("integer divide by zero")
    return DurationLiteral((abs(span) // abs(whole) * (1 if (span < 0) == (whole < 0) else -1)) if whole else 0)


def _between(op: str, before: int, after: int) -> Expr | None:
    if op == "-":
        return DurationLiteral(max(-_INT64, min(_INT64 - 1, before - after)))
    return BooleanLiteral(COMPARED[op](before, after)) if op in COMPARED else None


def _moment(expr: Expr, zone: tzinfo) -> int | None:
    if isinstance(expr, TimeLiteral):
        return expr.value
    if not isinstance(expr, StringLiteral) or not begins_as_moment(expr.value):
        return None
    try:
        return parse_moment(expr.value, zone)
    except QueryError:
        return None


def _span(expr: Expr) -> int | None:
    if isinstance(expr, DurationLiteral):
        return expr.value
    return expr.value if isinstance(expr, IntegerLiteral) and expr.value < _INT64 else None


def _wrapped(value: int) -> int:
    return (value + _INT64) % _UINT64 - _INT64
