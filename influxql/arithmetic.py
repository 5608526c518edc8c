"""Arithmetic and math functions over values, as InfluxDB works: integers wrap, x/0 is 0, null stays null.

An expression is compiled once, for one SELECT, into a function of a row of slots.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from foundation.batch import FieldType
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
from influxql.functions import KEEPS_TYPE, MATH
from influxql.infinities import infinite
from influxql.printer import print_expr
from influxql.typing import type_of

Value = float | int | str | bool | None
Row = Sequence[Any]
Evaluate = Callable[[Row], Any]

_WORD: Final = 2**64
_HALF: Final = 2**63


def wrap(value: float, kind: FieldType | None) -> float:
    """`value` as a 64-bit word of its kind; a float as it is."""
    if kind is FieldType.INTEGER:
        return (int(value) + _HALF) % _WORD - _HALF
    return int(value) % _WORD if kind is FieldType.UNSIGNED else value


def compile_column(expr: Expr, slots: Mapping[Expr, int]) -> Evaluate:
    """A function from a row to the value of a column. `slots`: which calls and references stand where in the row.

    What is no number on the way stays NaN (so that NaN / 0 is 0, as InfluxDB has it); in the answer it is null, and an
    infinity raises QueryError.
    """
    evaluate = _compile(expr, slots)
    if expr in slots and not may_be_nan(expr):
        return evaluate

    def show(row: Row) -> Any:
        value = evaluate(row)
        return _finite(value) if isinstance(value, float) else value

    return show


def _compile(expr: Expr, slots: Mapping[Expr, int]) -> Evaluate:
    slot = slots.get(expr)
    if slot is not None:
        return lambda row: row[slot]
    match expr:
        case IntegerLiteral() | NumberLiteral() | StringLiteral() | BooleanLiteral():
            literal = expr.value
            return lambda _: literal
        case Paren(inner):
            return _compile(inner, slots)
        case VarRef() | DurationLiteral() | TimeLiteral():
            return lambda _: None
        case Call(name, args) if name in MATH:
            return _math(expr, [_compile(arg, slots) for arg in args])
        case Binary():
            return _binary(expr, slots)
        case _:
            raise QueryError(f"cannot evaluate {print_expr(expr)}")


def fold_math(call: Call) -> Expr | None:
    """A math function of numbers worked out; None where it is no such call, or takes other arguments."""
    values = [arg.value for arg in call.args if isinstance(arg, IntegerLiteral | NumberLiteral)]
    if MATH.get(call.name) != len(call.args) or len(values) != len(call.args):
        return None
    if isinstance(values[0], int) and call.name in KEEPS_TYPE:
        # Of an unsigned number InfluxDB makes nothing here.
        return None if values[0] >= _HALF else IntegerLiteral(int(wrap(_kept(call.name, values[0]), FieldType.INTEGER)))
    return NumberLiteral(_calculated(call.name, values))


def may_be_nan(expr: Expr) -> bool:
    """Whether a stddev is in it: the one aggregate that knows points without a number."""
    return isinstance(expr, Call) and (expr.name == "stddev" or any(map(may_be_nan, expr.args)))


def _binary(expr: Binary, slots: Mapping[Expr, int]) -> Evaluate:
    left, right, kind = _compile(expr.left, slots), _compile(expr.right, slots), type_of(expr)
    operate = _operator(expr, kind)
    if kind is FieldType.BOOLEAN:
        return lambda row: _truth(left(row), right(row), operate)

    def evaluate(row: Row) -> Any:
        a, b = left(row), right(row)
        return None if a is None or b is None else operate(a, b)

    return evaluate


def _truth(left: Any, right: Any, operate: Callable[[Any, Any], Any]) -> bool | None:
    """Beside a truth null is falsehood, and with what is no truth there is none."""
    if not isinstance(left, bool) and (left is not None or not isinstance(right, bool)):
        return None
    return isinstance(right, bool | None) and bool(operate(bool(left), bool(right)))


def _operator(expr: Binary, kind: FieldType | None) -> Callable[[Any, Any], Any]:
    if kind is FieldType.UNSIGNED:
        return _over_words(_WHOLE[expr.op])
    whole = kind is FieldType.INTEGER
    if expr.op == "/":
        return _divide
    if expr.op == "%":
        return _remainder if whole else _float_remainder
    if not whole:
        return _FLOAT.get(expr.op) or _WHOLE[expr.op]
    plain = _WHOLE[expr.op]
    return lambda a, b: wrap(plain(a, b), kind)


def _over_words(operate: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Beside an unsigned number an integer is the word that its bits are."""
    return lambda a, b: operate(a % _WORD, b % _WORD) % _WORD


def _finite(value: float) -> float | None:
    """NaN is null; an infinity has no place in an answer and ends the statement."""
    if math.isinf(value):
        raise infinite(value)
    return None if math.isnan(value) else value


_FLOAT: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": lambda a, b: float(a) + float(b),
    "-": lambda a, b: float(a) - float(b),
    "*": lambda a, b: float(a) * float(b),
}


def _divide(a: float, b: float) -> float:
    return float(a) / float(b) if b else 0.0


def _divide_whole(a: int, b: int) -> int:
    """Unsigned numbers divide whole; integers never do."""
    return a // b if b else 0


def _remainder(a: int, b: int) -> int:
    """The remainder with the sign of the dividend; 0 for a divisor of 0."""
    if not b:
        return 0
    rest = abs(a) % abs(b)
    return -rest if a < 0 else rest


_WHOLE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _divide_whole,
    "%": _remainder,
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
}


def _float_remainder(a: float, b: float) -> float:
    return math.fmod(a, b) if b and math.isfinite(a) else math.nan


def _math(call: Call, args: list[Evaluate]) -> Evaluate:
    kind = type_of(call)
    whole = kind in (FieldType.INTEGER, FieldType.UNSIGNED)

    def evaluate(row: Row) -> Any:
        values = [arg(row) for arg in args]
        if any(isinstance(value, str | bool) or value is None for value in values):
            return None
        if whole:
            return wrap(_kept(call.name, values[0]), kind)
        return _calculated(call.name, values)

    return evaluate


def _kept(name: str, value: int) -> int:
    """What a function that keeps whole numbers makes of one."""
    return abs(value) if name == "abs" else value


def _calculated(name: str, values: Sequence[float]) -> float:
    try:
        return float(_FUNCTIONS[name](*map(float, values)))
    except ValueError:
        return math.nan
    except OverflowError:
        return math.inf


def _round(value: float) -> float:
    """Half away from zero."""
    return math.copysign(math.floor(abs(value) + 0.5), value)


def _logarithm(function: Callable[[float], float]) -> Callable[[float], float]:
    """Of 0 it is an infinity, which Python refuses to say."""
    return lambda value: function(value) if value else -math.inf


_ln: Final = _logarithm(math.log)


def _log(value: float, base: float) -> float:
    above, below = _ln(value), _ln(base)
    if not below:
        return math.copysign(math.inf, above) * math.copysign(1, below) if above else math.nan
    return above / below


def _power(base: float, exponent: float) -> float:
    if base or exponent >= 0:
        return math.pow(base, exponent)
    return math.copysign(math.inf, base) if exponent % 2 == 1 else math.inf


_FUNCTIONS: Final[dict[str, Callable[..., float]]] = {
    "abs": abs,
    "floor": math.floor,
    "ceil": math.ceil,
    "round": _round,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "atan2": math.atan2,
    "exp": math.exp,
    "ln": _ln,
    "log": _log,
    "log2": _logarithm(math.log2),
    "log10": _logarithm(math.log10),
    "pow": _power,
    "sqrt": math.sqrt,
}
