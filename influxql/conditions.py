"""WHERE, taken apart: the time range it names, and what is left for fields and tags.

As in InfluxDB, conditions on time always intersect, even under OR.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from influxql.ast import (
    Binary,
    BooleanLiteral,
    Call,
    DurationLiteral,
    Expr,
    IntegerLiteral,
    NumberLiteral,
    Paren,
    StringLiteral,
    TimeLiteral,
    VarRef,
)
from influxql.errors import QueryError
from influxql.literals import MAX_TIME, MIN_TIME
from influxql.printer import print_expr
from influxql.zones import find_zone

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})?)?")
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
_INT64_END = 2**63
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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


def split_condition(condition: Expr | None, now_ns: int, zone: str | None = None) -> tuple[Expr | None, TimeRange]:
    """The condition without its bounds on time (None if nothing is left), and those bounds.

    `zone` is where timestamps without an offset are meant. Raises QueryError with InfluxDB's words.
    """
    if condition is None:
        return None, TimeRange()
    return _split(condition, now_ns, find_zone(zone))


def _split(expr: Expr, now_ns: int, zone: tzinfo) -> tuple[Expr | None, TimeRange]:
    match expr:
        case Binary("AND" | "OR" as op, left, right):
            left_rest, left_range = _split(left, now_ns, zone)
            right_rest, right_range = _split(right, now_ns, zone)
            both = left_range.intersect(right_range)
            if left_rest is None or right_rest is None:
                return left_rest or right_rest, both
            return Binary(op, left_rest, right_rest), both
        case Binary(op, VarRef(name), right) if name.lower() == "time":
            return None, _bound(op, right, now_ns, zone)
        case Binary(op, left, VarRef(name)) if name.lower() == "time":
            return None, _bound(_FLIPPED.get(op, op), left, now_ns, zone)
        case Binary():
            return expr, TimeRange()
        case Paren(inner):
            rest, bounds = _split(inner, now_ns, zone)
            return (None if rest is None else Paren(rest)), bounds
        case BooleanLiteral():
            return expr, TimeRange()
        case _:
            raise QueryError(f"invalid condition expression: {print_expr(expr)}")


def _bound(op: str, expr: Expr, now_ns: int, zone: tzinfo) -> TimeRange:
    value = _moment(expr, now_ns, zone)
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


def _moment(expr: Expr, now_ns: int, zone: tzinfo) -> int:
    match reduce_time(expr, now_ns, zone):
        case TimeLiteral(value):
            if value > MAX_TIME:
                raise QueryError(f"time {_shown(value)} overflows time literal")
            if value < MIN_TIME:
                raise QueryError(f"time {_shown(value)} underflows time literal")
            return value
        case IntegerLiteral(value) if value >= _INT64_END:
            raise QueryError("invalid operation: time and *influxql.UnsignedLiteral are not compatible")
        case DurationLiteral(value) | IntegerLiteral(value):
            return value
        case NumberLiteral(number):
            return int(number)
        case other:
            kind = "BinaryExpr" if isinstance(other, Binary) else type(other).__name__
            raise QueryError(f"invalid operation: time and *influxql.{kind} are not compatible")


def _clamped(bound: int) -> int:
    """A bound that is a number of 64 bits; one that is beyond all moments stays beyond them."""
    return max(MIN_TIME - 1, min(MAX_TIME + 1, bound))


def _shown(moment_ns: int) -> str:
    return f"{(_EPOCH + timedelta(seconds=moment_ns // 1_000_000_000)).replace(tzinfo=None).isoformat()}Z"


def reduce_time(expr: Expr, now_ns: int, zone: tzinfo) -> Expr:
    """Time arithmetic worked out: moments, durations and integers added and subtracted, now() filled in."""
    match expr:
        case Call("now", ()):
            return TimeLiteral(now_ns)
        case StringLiteral(text) if _DATE.match(text):
            return TimeLiteral(parse_moment(text, zone))
        case Paren(inner):
            return reduce_time(inner, now_ns, zone)
        case Binary(op, left, right):
            return _combine(op, reduce_time(left, now_ns, zone), reduce_time(right, now_ns, zone))
        case _:
            return expr


def _combine(op: str, left: Expr, right: Expr) -> Expr:
    whole = (DurationLiteral, IntegerLiteral)
    match left, right:
        case (TimeLiteral(moment), DurationLiteral(step) | IntegerLiteral(step)) if op in "+-":
            return TimeLiteral(moment + step if op == "+" else moment - step)
        case (DurationLiteral(step) | IntegerLiteral(step), TimeLiteral(moment)) if op == "+":
            return TimeLiteral(moment + step)
        case (TimeLiteral(later), TimeLiteral(earlier)) if op == "-":
            return DurationLiteral(later - earlier)
        case (DurationLiteral(a), IntegerLiteral(b)) | (IntegerLiteral(a), DurationLiteral(b)) if op == "*":
            return DurationLiteral(a * b)
        case (DurationLiteral(a), IntegerLiteral(b)) if op == "/":
            return DurationLiteral(int(a / b) if b else 0)
    if isinstance(left, whole) and isinstance(right, whole) and op in "+-":
        kind = (
            IntegerLiteral
            if isinstance(left, IntegerLiteral) and isinstance(right, IntegerLiteral)
            else DurationLiteral
        )
        return kind(left.value + right.value if op == "+" else left.value - right.value)
    return Binary(op, left, right)


def parse_moment(text: str, zone: tzinfo) -> int:
    """`2026-01-31`, `2026-01-31 08:00:00.5` (in `zone`) or RFC 3339, in nanoseconds."""
    match = _MOMENT.fullmatch(text)
    if match is None or ("T" in text) != (match[4] is not None):
        raise QueryError("invalid timestamp string")
    day, clock, digits, offset = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock or '00:00:00'}{offset or ''}")
    except ValueError:
        raise QueryError("invalid timestamp string") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return (moment - _EPOCH) // timedelta(seconds=1) * 1_000_000_000 + int((digits or "").ljust(9, "0"))
