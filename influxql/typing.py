"""The type of an expression over fields, and InfluxDB's errors where types do not go together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from foundation.batch import FieldType
from influxql.ast import (
    Binary,
    BooleanLiteral,
    Call,
    Expr,
    IntegerLiteral,
    NumberLiteral,
    Paren,
    StringLiteral,
    VarRef,
)
from influxql.errors import QueryError
from influxql.functions import AGGREGATES, KEEPS_TYPE, MATH, NUMERIC, TRANSFORMATIONS
from influxql.printer import print_expr

_WHOLE: Final = frozenset((FieldType.INTEGER, FieldType.UNSIGNED))
_UINT63: Final = 2**63
_BY_NAME: Final = {kind.value: kind for kind in FieldType}
_LITERALS: Final[Mapping[type, FieldType]] = {
    NumberLiteral: FieldType.FLOAT,
    StringLiteral: FieldType.STRING,
    BooleanLiteral: FieldType.BOOLEAN,
}
_PRECEDENCE: Final = (FieldType.FLOAT, FieldType.INTEGER, FieldType.UNSIGNED, FieldType.STRING, FieldType.BOOLEAN)


@dataclass(frozen=True, slots=True)
class Shape:
    """What the sources of a SELECT hold together: field -> type, and tag keys."""

    fields: Mapping[str, FieldType]
    tags: frozenset[str]


def merge_types(left: FieldType | None, right: FieldType) -> FieldType:
    """The type of a field that two sources hold with different types."""
    if left is None:
        return right
    return min(left, right, key=_PRECEDENCE.index)


def resolve(expr: Expr, shape: Shape) -> Expr:
    """The expression with every reference cast to what it is: a field's type, `tag`, or nothing where it is unknown."""
    match expr:
        case VarRef(name, None | "field" as cast):
            kind = shape.fields.get(name)
            if kind is not None:
                return VarRef(name, kind.value)
            return VarRef(name, "tag" if cast is None and name in shape.tags else None)
        case Binary(op, left, right):
            return Binary(op, resolve(left, shape), resolve(right, shape))
        case Call(name, args):
            return Call(name, tuple(resolve(arg, shape) for arg in args))
        case Paren(inner):
            return Paren(resolve(inner, shape))
        case _:
            return expr


def type_of(expr: Expr) -> FieldType | None:
    """The type of a resolved expression (a tag is a string); None where it is unknown, so always null.

    Raises QueryError where InfluxDB finds a type error.
    """
    match expr:
        case VarRef(_, cast):
            return FieldType.STRING if cast == "tag" else _BY_NAME.get(cast or "")
        case IntegerLiteral(value):
            return FieldType.INTEGER if value < _UINT63 else FieldType.UNSIGNED
        case Paren(inner):
            return type_of(inner)
        case Call():
            return _type_of_call(expr)
        case Binary():
            return _type_of_binary(expr)
        case _:
            return _LITERALS.get(type(expr))


def _type_of_call(call: Call) -> FieldType | None:
    kind = type_of(call.args[0]) if call.args else None
    if call.name in MATH:
        return kind if call.name in KEEPS_TYPE else FieldType.FLOAT
    function = AGGREGATES.get(call.name) or TRANSFORMATIONS.get(call.name)
    if function is None:
        return None
    if kind is not None and kind not in function.takes and not _is_tag(call.args[0]):
        plain = call.name.removeprefix("non_negative_").replace("_", " ")
        raise QueryError(f"unsupported {plain} iterator type: *query.{kind.value}InterruptIterator")
    return function.answer or kind


def _type_of_binary(expr: Binary) -> FieldType | None:
    left, right = type_of(expr.left), type_of(expr.right)
    if {left, right} == _WHOLE:
        _check_mixed(expr, *((expr.left, expr.right) if left is FieldType.UNSIGNED else (expr.right, expr.left)))
    if left is None or right is None:
        return left or right
    kinds = {left, right}
    if expr.op in "&|^" and (kinds <= _WHOLE or left is FieldType.BOOLEAN):
        # Of a truth and what is none there is falsehood.
        return FieldType.UNSIGNED if kinds == _WHOLE else left
    if expr.op not in "+-*/%" or not kinds <= NUMERIC:
        raise _clash(expr, f"incompatible types: {_said(expr.left, left)} and {_said(expr.right, right)}")
    if FieldType.FLOAT in kinds:
        return FieldType.FLOAT
    kind = FieldType.UNSIGNED if kinds == _WHOLE else left
    return FieldType.FLOAT if expr.op == "/" and kind is FieldType.INTEGER else kind


def _check_mixed(expr: Binary, unsigned: Expr, integer: Expr) -> None:
    """Raise QueryError for an integer and an unsigned number that do not go together: a literal integer does."""
    if isinstance(unsigned, IntegerLiteral):
        raise _clash(expr, f"cannot use {expr.op} with an integer and unsigned literal")
    if not isinstance(integer, IntegerLiteral):
        raise _clash(expr, f"cannot use {expr.op} between an integer and unsigned, an explicit cast is required")


def _is_tag(expr: Expr) -> bool:
    return isinstance(expr, VarRef) and expr.cast == "tag"


def _said(expr: Expr, kind: FieldType) -> str:
    return "tag" if _is_tag(expr) else kind.value


def _clash(expr: Binary, why: str) -> QueryError:
    return QueryError(f"type error: {print_expr(expr)}: {why}")
