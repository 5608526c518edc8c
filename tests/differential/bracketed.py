"""Queries that mean the same with parentheses that nobody needs, and with numbers that are reckoned first."""

from __future__ import annotations

from dataclasses import replace

from influxql.ast import (
    Binary,
    Call,
    DurationLiteral,
    Expr,
    Field,
    IntegerLiteral,
    NumberLiteral,
    Paren,
    RegexLiteral,
    Select,
    Source,
    SubQuery,
    VarRef,
)
from influxql.errors import ParseError
from influxql.parser import parse
from influxql.printer import print_statements
from tests.differential.words import Words

_SHARE = 0.3
"""Of the places where parentheses may stand."""


def bracketed(w: Words, text: str) -> str:
    """The SELECT `text` with more parentheses; anything else as it is."""
    try:
        statements = parse(text)
    except ParseError:
        return text
    (statement,) = statements
    if not isinstance(statement, Select):
        return text
    select = _select(w, statement)
    if w.chance(0.1):
        place = w.random.randint(0, len(select.fields))
        time = Field(w.random.choice((VarRef("time"), Paren(VarRef("time")))), w.random.choice((None, "moment")))
        select = replace(select, fields=(*select.fields[:place], time, *select.fields[place:]))
    return print_statements((select,))


def _select(w: Words, select: Select) -> Select:
    return replace(
        select,
        fields=tuple(replace(item, expr=_expr(w, item.expr)) for item in select.fields),
        sources=tuple(_source(w, source) for source in select.sources),
        condition=None if select.condition is None else _condition(w, select.condition),
        dimensions=tuple(_expr(w, dimension) for dimension in select.dimensions),
    )


def _source(w: Words, source: Source) -> Source:
    return SubQuery(_select(w, source.select)) if isinstance(source, SubQuery) else source


def _condition(w: Words, expr: Expr) -> Expr:
    match expr:
        case Binary("AND" | "OR" as op, left, right):
            found: Expr = Binary(op, _condition(w, left), _condition(w, right))
            return found
        case Binary(op, VarRef("time") as time, right):
            return _around(w, Binary(op, time, _expr(w, right)))
        case Binary(op, left, VarRef("time") as time):
            return _around(w, Binary(op, _expr(w, left), time))
        case Paren(inner):
            return Paren(_condition(w, inner))
        case _:
            return _expr(w, expr)


def _expr(w: Words, expr: Expr) -> Expr:
    """The same expression; numbers and spans of time now and then as what comes to them."""
    match expr:
        case RegexLiteral():
            return expr
        case Binary(op, left, right):
            return _around(w, Binary(op, _expr(w, left), _expr(w, right)))
        case Call(name, args):
            return _around(w, Call(name, tuple(_expr(w, arg) for arg in args)))
        case Paren(inner):
            return Paren(_expr(w, inner))
        case IntegerLiteral(value) if w.chance(_SHARE):
            return Paren(Binary("-", IntegerLiteral(value + 1), Paren(IntegerLiteral(1))))
        case NumberLiteral(value) if w.chance(_SHARE):
            return Paren(Binary("/", NumberLiteral(value * 2), IntegerLiteral(2)))
        case DurationLiteral(value) if w.chance(_SHARE):
            return Paren(Binary("*", DurationLiteral(value), IntegerLiteral(1)))
        case _:
            return _around(w, expr)


def _around(w: Words, expr: Expr) -> Expr:
    while w.chance(_SHARE):
        expr = Paren(expr)
    return expr
