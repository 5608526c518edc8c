"""SELECT and the clauses that it alone has."""

from __future__ import annotations

from influxql.ast import (
    Expr,
    Field,
    Fill,
    FillKind,
    IntegerLiteral,
    NumberLiteral,
    Select,
    Source,
    StringLiteral,
    SubQuery,
    VarRef,
)
from influxql.errors import ParseError
from influxql.parsing.clauses import parse_condition, parse_measurement, parse_order, parse_paging
from influxql.parsing.cursor import Cursor
from influxql.parsing.expressions import parse_call, parse_expr
from influxql.zones import zone_exists

_FILL_WORDS = {kind.value: Fill(kind) for kind in FillKind if kind is not FillKind.NUMBER}


def parse_select(cursor: Cursor) -> Select:
    """A SELECT; the cursor stands behind its first word."""
    return _behind_fields(cursor, _fields(cursor))


def parse_outer_select(cursor: Cursor) -> Select | None:
    """A SELECT that stands by itself; read to its end, but None, where it writes INTO a measurement."""
    fields = _fields(cursor)
    into = cursor.take_keyword("INTO")
    if into:
        parse_measurement(cursor)
    found = _behind_fields(cursor, fields)
    return None if into else found


def _behind_fields(cursor: Cursor, fields: tuple[Field, ...]) -> Select:
    cursor.expect_keyword("FROM")
    sources = parse_sources(cursor, subqueries=True)
    condition = parse_condition(cursor)
    dimensions = _dimensions(cursor)
    fill = _fill(cursor)
    descending = parse_order(cursor)
    paging = parse_paging(cursor)
    return Select(fields, sources, condition, dimensions, fill, descending, paging, _zone(cursor))


def parse_sources(cursor: Cursor, *, subqueries: bool) -> tuple[Source, ...]:
    """The list behind FROM."""
    sources: list[Source] = []
    while True:
        if subqueries and cursor.take_sign("("):
            cursor.expect_keyword("SELECT")
            sources.append(SubQuery(parse_select(cursor)))
            cursor.expect_sign(")")
        else:
            sources.append(parse_measurement(cursor))
        if not cursor.take_sign(","):
            return tuple(sources)


def _fields(cursor: Cursor) -> tuple[Field, ...]:
    fields: list[Field] = []
    while True:
        expr: Expr = cursor.regex() or parse_expr(cursor)
        alias = cursor.expect_ident() if cursor.take_keyword("AS") else None
        fields.append(Field(expr, alias))
        if not cursor.take_sign(","):
            return tuple(fields)


def _dimensions(cursor: Cursor) -> tuple[Expr, ...]:
    if not cursor.take_keyword("GROUP"):
        return ()
    cursor.expect_keyword("BY")
    found: list[Expr] = []
    while True:
        found.append(cursor.regex() or parse_expr(cursor))
        if not cursor.take_sign(","):
            return tuple(found)


def _fill(cursor: Cursor) -> Fill:
    if not cursor.take_word("fill"):
        return Fill()
    call = parse_call(cursor, "fill")
    if len(call.args) != 1:
        raise ParseError("fill requires an argument, e.g.: 0, null, none, previous, linear")
    match call.args[0]:
        case VarRef(name) if name in _FILL_WORDS:
            return _FILL_WORDS[name]
        case IntegerLiteral(number) | NumberLiteral(number):
            return Fill(FillKind.NUMBER, number)
        case _:
            raise ParseError("expected number argument in fill()")


def _zone(cursor: Cursor) -> str | None:
    if not cursor.take_word("tz"):
        return None
    call = parse_call(cursor, "tz")
    if len(call.args) != 1:
        raise ParseError("tz requires exactly one argument")
    match call.args[0]:
        case VarRef(name) | StringLiteral(name):
            if not zone_exists(name):
                raise ParseError(f"unable to find time zone {name}")
            return name
        case _:
            raise ParseError("expected string argument in tz()")
