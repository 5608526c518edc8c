"""A condition taken apart: what it says of tags holds for a whole series, what it says of fields for single rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from influxql.ast import Binary, Expr, IntegerLiteral, NumberLiteral, Paren, VarRef
from influxql.functions import NUMERIC
from influxql.names import named_in
from influxql.reduction import COMPARED
from store.embedded.recent.rows import Mask, Values
from store.embedded.schema import Column, Table

_FLIPPED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}

Test = Callable[[Callable[[str], Values]], Mask]
"""Tells by their fields which rows are meant; it is given what reads a field of them by its physical name."""

Fields = Mapping[str, Column]
"""Field key -> column."""


class NotComparable(Exception):
    """What it says of fields is more than how a number compares with a literal."""


def split_tags(condition: Expr | None, table: Table) -> tuple[Expr | None, Expr | None]:
    """What a condition says of tags, and what it says of numeric fields. Raises NotComparable."""
    match condition:
        case None:
            return None, None
        case Binary("AND", left, right):
            (tags, rest), (others, more) = split_tags(left, table), split_tags(right, table)
            return _both(tags, others), _both(rest, more)
        case _ if not any(_is_field(ref, table) for ref in named_in(condition)):
            return condition, None
        case Paren(inner):
            return split_tags(inner, table)
        case _:
            fields_of(condition, table.fields)
            return None, condition


def fields_of(rest: Expr, fields: Fields) -> frozenset[Column]:
    """Those that are compared, of the fields of a table. Raises NotComparable."""
    match rest:
        case Binary("AND" | "OR", left, right):
            return fields_of(left, fields) | fields_of(right, fields)
        case Paren(inner):
            return fields_of(inner, fields)
        case _:
            return frozenset((_comparison(rest, fields)[0],))


def test_of(rest: Expr, fields: Fields) -> Test:
    """Tells of rows whether it is true of them: a field that is not there satisfies nothing. Raises NotComparable."""
    match rest:
        case Binary("AND" | "OR" as op, left, right):
            one, other = test_of(left, fields), test_of(right, fields)
            return (lambda read: one(read) & other(read)) if op == "AND" else (lambda read: one(read) | other(read))
        case Paren(inner):
            return test_of(inner, fields)
        case _:
            return _test_of(*_comparison(rest, fields))


def _test_of(column: Column, compare: Callable[[Any, Any], Any], number: float) -> Test:
    def is_true(read: Callable[[str], Values]) -> Mask:
        values, present = read(column.physical)
        true: Mask = compare(values, number)
        return true if present is None else true & present

    return is_true


def _comparison(expr: Expr, fields: Fields) -> tuple[Column, Callable[[Any, Any], Any], float]:
    match expr:
        case Binary(op, VarRef() as ref, IntegerLiteral(number) | NumberLiteral(number)) if op in COMPARED:
            pass
        case Binary(op, IntegerLiteral(number) | NumberLiteral(number), VarRef() as ref) if op in _FLIPPED:
            op = _FLIPPED[op]
        case _:
            raise NotComparable
    column = fields.get(ref.name)
    if column is None or column.type not in NUMERIC or ref.cast not in (None, "field"):
        raise NotComparable
    return column, COMPARED[op], number


def _is_field(ref: VarRef, table: Table) -> bool:
    return ref.cast != "tag" and ref.name in table.fields


def _both(left: Expr | None, right: Expr | None) -> Expr | None:
    return Binary("AND", left, right) if left is not None and right is not None else left or right
