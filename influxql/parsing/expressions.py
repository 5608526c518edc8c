"""Expressions: operands, operators by precedence, calls, literals."""

from __future__ import annotations

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
from influxql.literals import parse_duration
from influxql.parsing.cursor import Cursor
from influxql.tokens import PRECEDENCE, Kind, Token

_CASTS = ("float", "integer", "unsigned", "string", "boolean", "field", "tag")
_UINT64_END = 2**64


def parse_expr(cursor: Cursor, weakest: int = 1) -> Expr:
    """An expression whose operators bind at least as close as `weakest` (see tokens.PRECEDENCE)."""
    left = _operand(cursor)
    while True:
        token = cursor.peek()
        strength = PRECEDENCE.get(token.text, 0) if token.kind in (Kind.SIGN, Kind.KEYWORD) else 0
        if strength < weakest:
            return left
        cursor.take()
        op = "!=" if token.text == "<>" else token.text
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


def parse_var_ref(cursor: Cursor) -> VarRef:
    """A name, its segments joined with dots, and its cast if it has one."""
    segments = [cursor.expect_ident()]
    while cursor.touches("."):
        cursor.take()
        segments.append(cursor.expect_ident())
    name = ".".join(segments)
    if not cursor.touches("::"):
        return VarRef(name)
    cursor.take()
    cast = cursor.peek().text.lower()
    if cast not in _CASTS:
        raise cursor.expected("float", "integer", "unsigned", "string", "boolean", "field", "tag")
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
        literal = NumberLiteral(float(token.text))
    elif token.kind is Kind.INTEGER:
        if int(token.text) >= _UINT64_END:
            raise cursor.fault("unable to parse integer")
        literal = IntegerLiteral(int(token.text))
    elif token.kind is Kind.DURATION:
        literal = DurationLiteral(parse_duration(token.text))
    elif token.is_keyword("TRUE", "FALSE"):
        literal = BooleanLiteral(token.text == "TRUE")
    else:
        return None
    cursor.take()
    return literal


def _signed(cursor: Cursor) -> Expr:
    factor = -1 if cursor.take().text == "-" else 1
    token = cursor.peek()
    if token.kind not in (Kind.NUMBER, Kind.INTEGER, Kind.DURATION, Kind.IDENT) and not token.is_sign("("):
        raise cursor.expected("identifier", "number", "duration", "(")
    operand = _operand(cursor)
    match operand:
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
    kind = cursor.peek().text.lower()
    if kind == "field":
        cursor.take()
        return Wildcard("field")
    if kind == "tag":
        cursor.take()
        return Wildcard("tag")
    raise cursor.expected("field", "tag")


def _call_or_name(cursor: Cursor) -> Expr:
    name = cursor.peek().text
    ahead = cursor.after()
    if ahead.is_sign("(") and ahead.start == cursor.peek().end:
        cursor.take()
        return parse_call(cursor, name)
    return parse_var_ref(cursor)


def _distinct(cursor: Cursor) -> Call:
    cursor.take()
    if cursor.touches("("):
        return parse_call(cursor, "distinct")
    return Call("distinct", (VarRef(cursor.expect_ident()),))
