"""Expressions: operands, operators by precedence, calls, literals."""

from __future__ import annotations

import math

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
    VarRef,
    Wildcard,
)
from influxql.binding import parameter_fault
from influxql.errors import ParseError
from influxql.literals import parse_duration, quote_name
from influxql.parsing.cursor import Cursor
from influxql.tokens import PRECEDENCE, Kind, Token

_CASTS = ("float", "integer", "unsigned", "string", "boolean", "field", "tag")
_UINT64_END = 2**64
_INT64_END = 2**63
_LONGEST_INTEGER = 20
_MOST_SEGMENTS = 3


def parse_expr(cursor: Cursor, weakest: int = 1) -> Expr:
    """An expression whose operators bind at least as close as `weakest` (see tokens.PRECEDENCE)."""
    left = _operand(cursor)
    while True:
        token = cursor.peek()
        strength = PRECEDENCE.get(token.text, 0) if token.kind in (Kind.SIGN, Kind.KEYWORD) else 0
        if strength < weakest:
            return left
        cursor.take()
        op = token.text
        if op in ("=~", "!~"):
            right: Expr | None = cursor.regex()
            if right is None:
                raise cursor.expected("regex")
        else:
            right = parse_expr(cursor, strength + 1)
        left = Binary(op, left, right)


def parse_call(cursor: Cursor, name: str) -> Call:
    """The arguments of a call; the cursor stands on its opening parenthesis."""
    cursor.expect_sign("(")
    args: list[Expr] = []
    if cursor.take_sign(")"):
        return Call(name.lower())
    while True:
        args.append(cursor.regex() or parse_expr(cursor))
        if not cursor.take_sign(","):
            break
    cursor.expect_sign(")")
    return Call(name.lower(), tuple(args))


def parse_segments(cursor: Cursor) -> list[str]:
    """`a`, `a.b`, `a..b`: names with dots between them. The last dot is taken, too, before a regex or a colon."""
    segments = [cursor.expect_ident()]
    while cursor.touches("."):
        cursor.take()
        cursor.look_ahead()
        if cursor.touching().is_sign("/", ":", "::"):
            break
        segments.append("" if cursor.touches(".") else cursor.expect_ident())
    if len(segments) > _MOST_SEGMENTS:
        *before, last = segments
        said = ".".join([*(quote_name(part, always=True) if part else "" for part in before), quote_name(last)])
        raise ParseError(f"too many segments in {said}", line=1, char=1)
    return segments


def parse_var_ref(cursor: Cursor) -> VarRef:
    """A name, its segments joined with dots, and its cast if it has one."""
    name = ".".join(parse_segments(cursor))
    if not cursor.touches("::"):
        return VarRef(name)
    cursor.take()
    token = cursor.touching()
    cast = token.text.lower()
    if cast not in _CASTS or token.kind not in (Kind.IDENT, Kind.KEYWORD):
        wishes = _CASTS if token.kind is Kind.IDENT else tuple(one for one in _CASTS if one != "unsigned")
        raise cursor.expected(*wishes, found=token)
    cursor.take()
    return VarRef(name, cast)


def _operand(cursor: Cursor) -> Expr:
    token = cursor.peek()
    if token.is_sign("("):
        cursor.take()
        inner = parse_expr(cursor)
        cursor.expect_sign(")")
        return Paren(inner)
    if token.is_sign("+", "-"):
        return _signed(cursor)
    if token.is_sign("*"):
        return _wildcard(cursor)
    if token.kind is Kind.IDENT:
        return _call_or_name(cursor)
    if token.is_keyword("DISTINCT"):
        return _distinct(cursor)
    literal = _literal(cursor, token)
    if literal is None:
        raise cursor.expected("identifier", "string", "number", "bool")
    return literal


def _literal(cursor: Cursor, token: Token) -> Expr | None:
    literal: Expr
    if token.kind is Kind.STRING:
        literal = StringLiteral(token.text)
    elif token.kind is Kind.NUMBER:
        literal = NumberLiteral(_number(cursor, token))
    elif token.kind is Kind.INTEGER:
        literal = IntegerLiteral(_integer(cursor, token))
    elif token.kind is Kind.DURATION:
        literal = DurationLiteral(parse_duration(token.text))
    elif token.is_keyword("TRUE", "FALSE"):
        literal = BooleanLiteral(token.text == "TRUE")
    elif token.kind is Kind.PARAMETER:
        raise parameter_fault(token.text)
    else:
        return None
    cursor.take()
    return literal


def _number(cursor: Cursor, token: Token) -> float:
    number = float(token.text)
    if math.isinf(number):
        raise cursor.fault("unable to parse number")
    return number


def _integer(cursor: Cursor, token: Token) -> int:
    # Python reads no number of more than some thousand digits.
    if len(token.text.lstrip("0")) > _LONGEST_INTEGER or int(token.text) >= _UINT64_END:
        raise cursor.fault("unable to parse integer")
    return int(token.text)


def _signed(cursor: Cursor) -> Expr:
    factor = -1 if cursor.take().text == "-" else 1
    token = cursor.peek()
    if token.kind not in (Kind.NUMBER, Kind.INTEGER, Kind.DURATION, Kind.IDENT) and not token.is_sign("("):
        raise cursor.expected("identifier", "number", "duration", "(")
    operand = _operand(cursor)
    match operand:
        case IntegerLiteral(value) if factor < 0 and value > _INT64_END:
            raise ParseError(f"constant -{value} underflows int64")
        case IntegerLiteral(value):
            return IntegerLiteral(factor * value)
        case NumberLiteral(number):
            return NumberLiteral(factor * number)
        case DurationLiteral(value):
            return DurationLiteral(factor * value)
        case _:
            return Binary("*", IntegerLiteral(factor), operand)


def _wildcard(cursor: Cursor) -> Wildcard:
    cursor.take()
    if not cursor.touches("::"):
        return Wildcard()
    cursor.take()
    token = cursor.touching()
    if not token.is_keyword("FIELD", "TAG"):
        raise cursor.expected("field", "tag", found=token)
    return Wildcard("field" if cursor.take().text == "FIELD" else "tag")


def _call_or_name(cursor: Cursor) -> Expr:
    name = cursor.peek()
    ahead = cursor.after()
    if ahead.is_sign("(") and ahead.start == name.end:
        cursor.take()
        return parse_call(cursor, name.text)
    return parse_var_ref(cursor)


def _distinct(cursor: Cursor) -> Call:
    cursor.take()
    if cursor.touches("("):
        return parse_call(cursor, "distinct")
    token = cursor.touching()
    if token.kind is not Kind.BLANK or not token.text:
        raise cursor.expected("(", "identifier", found=token)
    return Call("distinct", (VarRef(cursor.expect_ident()),))
