"""SELECT and the clauses that it alone has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from influxql.ast import (
    Binary,
    Call,
    Expr,
    Field,
    Fill,
    FillKind,
    IntegerLiteral,
    NumberLiteral,
    Paren,
    Select,
    Source,
    StringLiteral,
    SubQuery,
    VarRef,
)
from influxql.errors import ParseError
from influxql.parsing.clauses import (
    NAMED_WHOLE,
    parse_condition,
    parse_dimensions,
    parse_measurement,
    parse_order,
    parse_paging,
)
from influxql.parsing.cursor import MOST, Cursor
from influxql.parsing.expressions import parse_expr, parse_segments
from influxql.zones import zone_exists

_COMPARING: Final = frozenset(("=", "!=", "=~", "!~", "<", "<=", ">", ">=", "AND", "OR"))
_FILL_WORDS: Final = {kind.value: Fill(kind) for kind in FillKind if kind is not FillKind.NUMBER}


def parse_select(cursor: Cursor) -> Select:
    """A SELECT within another or to be explained; the cursor stands behind its first word. INTO is read and ignored."""
    fields = _fields(cursor)
    if cursor.peek().is_keyword("INTO"):
        _target(cursor)
    return _behind_fields(cursor, fields)


def parse_outer_select(cursor: Cursor) -> Select | None:
    """A SELECT that stands by itself; read to its end, but None, where it writes INTO a measurement."""
    fields = _fields(cursor)
    into = cursor.peek().is_keyword("INTO")
    if into:
        _target(cursor)
    found = _behind_fields(cursor, fields)
    return None if into else found


def parse_into(cursor: Cursor) -> Select:
    """A SELECT that has to write INTO a measurement."""
    fields = _fields(cursor)
    _target(cursor)
    return _behind_fields(cursor, fields)


def _target(cursor: Cursor) -> None:
    cursor.expect_keyword("INTO")
    segments = parse_segments(cursor)
    ahead = cursor.touching().text if cursor.last().is_sign(".") else cursor.character_behind()
    if len(segments) < NAMED_WHOLE and ahead[:1] == ":":
        cursor.expect_sign(":")
        cursor.expect_keyword("MEASUREMENT")


def _behind_fields(cursor: Cursor, fields: tuple[Field, ...]) -> Select:
    cursor.expect_keyword("FROM")
    sources = _sources(cursor)
    condition = parse_condition(cursor)
    dimensions = parse_dimensions(cursor)
    fill = _fill(cursor)
    descending = parse_order(cursor)
    paging = parse_paging(cursor)
    return Select(fields, sources, condition, dimensions, fill, descending, paging, _zone(cursor))


def _sources(cursor: Cursor) -> tuple[Source, ...]:
    sources: list[Source] = []
    while True:
        if cursor.take_sign("("):
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
        expr: Expr = cursor.regex() or _field(cursor)
        alias = cursor.expect_ident() if cursor.take_keyword("AS") else None
        fields.append(Field(expr, alias or None))
        if not cursor.take_sign(","):
            return tuple(fields)


def _field(cursor: Cursor) -> Expr:
    first = cursor.peek()
    expr = parse_expr(cursor)
    wrong = [op for op in _operators(expr) if op in _COMPARING]
    if wrong:
        place = cursor.fault("", first)
        raise ParseError(
            f"invalid operator {wrong[-1]} in SELECT clause at line {place.line}, char {place.char}; "
            "operator is intended for WHERE clause"
        )
    return expr


def _operators(expr: Expr) -> Iterator[str]:
    """The operators of an expression, but of a comparison only its own."""
    match expr:
        case Binary(op) if op in _COMPARING:
            yield op
        case Binary(op, left, right):
            yield op
            yield from _operators(left)
            yield from _operators(right)
        case Paren(inner):
            yield from _operators(inner)
        case Call(_, args):
            for arg in args:
                yield from _operators(arg)
        case _:
            pass  # names and literals have none


def _fill(cursor: Cursor) -> Fill:
    args = _settings(cursor, "fill")
    if args is None:
        return Fill()
    if len(args) != 1:
        raise ParseError("fill requires an argument, e.g.: 0, null, none, previous, linear")
    match args[0]:
        case VarRef(name, None) if name in _FILL_WORDS:
            return _FILL_WORDS[name]
        case IntegerLiteral(number) | NumberLiteral(number) if not (isinstance(number, int) and number > MOST):
            return Fill(FillKind.NUMBER, number)
        case _:
            raise ParseError("expected number argument in fill()")


def _zone(cursor: Cursor) -> str | None:
    args = _settings(cursor, "tz")
    if args is None:
        return None
    if len(args) != 1:
        raise ParseError("tz requires exactly one argument")
    match args[0]:
        case StringLiteral(name):
            if not zone_exists(name):
                raise ParseError(f"unable to find time zone {name}")
            return name
        case _:
            raise ParseError("expected string argument in tz()")


def _settings(cursor: Cursor, word: str) -> tuple[Expr, ...] | None:
    """The arguments of the call that begins with `word`, in any case; None where that word is not next."""
    if not cursor.sees_word(word):
        return None
    expr = parse_expr(cursor)
    if not isinstance(expr, Call):
        raise ParseError(f"{word} must be a function call")
    return expr.args
