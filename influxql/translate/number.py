"""What a condition compares as a number, in SQL: fields, literals, arithmetic and math functions.

As in InfluxDB: whole numbers divide whole and wrap at 64 bits, x / 0 is 0, and what is no number (the root of -1, the
remainder of a division by 0) is equal to nothing and neither above nor below anything.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from foundation.batch import FieldType
from influxql.ast import Binary, Call, Expr, IntegerLiteral, NumberLiteral, Paren, VarRef
from influxql.functions import KEEPS_TYPE, MATH, NUMERIC
from influxql.translate.parameters import Parameters
from influxql.translate.relation import Relation
from influxql.translate.scalar import field_sql, is_field

_INT64: Final = 2**63
_WORD: Final = f"{2**64}::HUGEINT"
_UNSIGNED_WORD: Final = f"{2**64}::UHUGEINT"
_HALF: Final = f"{2**63}::HUGEINT"
_NAN: Final = "'nan'::DOUBLE"
_FUNCTIONS: Final = frozenset(MATH) - {"log"}
"""All but `log`, of which InfluxDB knows no value in a condition."""
_LOGARITHMS: Final = ("ln", "log2", "log10")
_DEFINED: Final[Mapping[str, str]] = {
    **dict.fromkeys(("sin", "cos", "tan"), "isfinite({0})"),
    **dict.fromkeys(("asin", "acos"), "abs({0}) <= 1"),
    **dict.fromkeys(_LOGARITHMS, "{0} > 0"),
    "sqrt": "{0} >= 0",
}
"""Where a function has a value; DuckDB ends a query that asks for another one."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number in SQL, float, integer or unsigned; whether it may be what is no number."""

    sql: str
    kind: FieldType
    may_be_nan: bool = False


def number_sql(expr: Expr, relation: Relation, parameters: Parameters) -> Number | None:
    """The expression over `relation`; None where it can be no number."""
    match expr:
        case IntegerLiteral(value):
            return Number(parameters.bind(value), FieldType.INTEGER if value < _INT64 else FieldType.UNSIGNED)
        case NumberLiteral(number):
            return Number(parameters.bind(number), FieldType.FLOAT, may_be_nan=math.isnan(number))
        case Paren(inner):
            return number_sql(inner, relation, parameters)
        case VarRef():
            return _field(expr, relation)
        case Call(name, args):
            values = [number_sql(arg, relation, parameters) for arg in args]
            return _function(name, [value for value in values if value is not None], len(args))
        case Binary(op, left, right):
            one, other = number_sql(left, relation, parameters), number_sql(right, relation, parameters)
            return None if one is None or other is None else _operation(op, one, other)
        case _:
            return None


def compare_sql(op: str, left: Number, right: Number) -> str:
    """A comparison of two numbers; `op` as InfluxQL writes it."""
    found = f"{left.sql} {'<>' if op == '!=' else op} {right.sql}"
    nans = [f"isnan({side.sql})" for side in (left, right) if side.may_be_nan]
    if not nans:
        return found
    return f"({found} OR {' OR '.join(nans)})" if op == "!=" else f"({found} AND NOT ({' OR '.join(nans)}))"


def _field(ref: VarRef, relation: Relation) -> Number | None:
    column = relation.fields.get(ref.name)
    sql = field_sql(ref, relation)
    if column is None or column.type is None or sql is None or not is_field(ref, relation):
        return None
    kind = column.type if ref.cast in (None, "field") else FieldType(ref.cast)
    return Number(sql, kind) if kind in NUMERIC else None


def _function(name: str, values: list[Number], wanted: int) -> Number | None:
    if len(values) != wanted or name not in _FUNCTIONS:
        return None
    first = values[0]
    if name in KEEPS_TYPE and first.kind is not FieldType.FLOAT:
        return Number(f"abs(({first.sql})::HUGEINT)" if name == "abs" else first.sql, first.kind)
    floats = [f"({value.sql})::DOUBLE" for value in values]
    called = f"{name}({', '.join(floats)})"
    if name in _DEFINED:
        at_zero = f" WHEN {floats[0]} = 0 THEN '-inf'::DOUBLE" if name in _LOGARITHMS else ""
        defined = _DEFINED[name].format(floats[0])
        called = f"(CASE WHEN {defined} THEN {called}{at_zero} WHEN {floats[0]} IS NOT NULL THEN {_NAN} END)"
    may_be_nan = name in _DEFINED or name in ("pow", "atan2") or any(value.may_be_nan for value in values)
    return Number(called, FieldType.FLOAT, may_be_nan)


def _operation(op: str, left: Number, right: Number) -> Number | None:
    kinds, may_be_nan = {left.kind, right.kind}, left.may_be_nan or right.may_be_nan
    if FieldType.FLOAT in kinds:
        found = _over_floats(op, *(f"({side.sql})::DOUBLE" for side in (left, right)))
        return None if found is None else Number(found, FieldType.FLOAT, may_be_nan or op == "%")
    kind = FieldType.UNSIGNED if FieldType.UNSIGNED in kinds else FieldType.INTEGER
    a, b = (f"({side.sql})::HUGEINT" for side in (left, right))
    if kind is FieldType.UNSIGNED:
        a, b = (f"(({side} + {_WORD}) % {_WORD})::UHUGEINT" for side in (a, b))
        if op == "-":
            a = f"({a} + {_UNSIGNED_WORD})"
    found = _over_words(op, a, b)
    return None if found is None else Number(f"({_wrapped(found, kind) if op in '+-*' else found})::HUGEINT", kind)


def _over_floats(op: str, a: str, b: str) -> str | None:
    if op in "+-*":
        return f"({a} {op} {b})"
    if op == "/":
        return f"(CASE WHEN {b} = 0 THEN {a} * 0 ELSE {a} / {b} END)"
    return f"(CASE WHEN {b} = 0 THEN {a} * {_NAN} ELSE {a} % {b} END)" if op == "%" else None


def _over_words(op: str, a: str, b: str) -> str | None:
    match op:
        case "+" | "-" | "*" | "&" | "|":
            return f"({a} {op} {b})"
        case "^":
            return f"xor({a}, {b})"
        case "/" | "%":
            return f"(CASE WHEN {b} = 0 THEN {a} * 0 ELSE {a} {'//' if op == '/' else op} {b} END)"
        case _:
            return None


def _wrapped(sql: str, kind: FieldType) -> str:
    """Cut to 64 bits; of a negative number SQL's remainder is negative."""
    if kind is FieldType.UNSIGNED:
        return f"({sql} % {_UNSIGNED_WORD})"
    return f"((({sql} + {_HALF}) % {_WORD} + {_WORD}) % {_WORD} - {_HALF})"
