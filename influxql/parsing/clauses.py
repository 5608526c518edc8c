"""Clauses that SELECT and SHOW share: sources, WHERE, ORDER BY, LIMIT and its kin."""

from __future__ import annotations

from influxql.ast import Expr, Measurement, Paging
from influxql.errors import ParseError
from influxql.parsing.cursor import Cursor
from influxql.parsing.expressions import parse_expr
from influxql.tokens import Kind


def parse_measurement(cursor: Cursor) -> Measurement:
    """`m`, `"rp"."m"`, `"db"."rp"."m"`, `"db".."m"`; the last part may be a regex."""
    regex = cursor.regex()
    if regex is not None:
        return Measurement(regex=regex.pattern)
    if cursor.peek().kind is not Kind.IDENT:
        raise cursor.expected("identifier")
    parts: list[str] = [cursor.take().text]
    while cursor.touches("."):
        cursor.take()
        regex = cursor.regex()
        if regex is not None:
            return _qualified(parts, None, regex.pattern)
        parts.append("" if cursor.touches(".") else cursor.expect_ident())
    return _qualified(parts[:-1], parts[-1], None)


def _qualified(before: list[str], name: str | None, regex: str | None) -> Measurement:
    if len(before) > 2:  # noqa: PLR2004 - a database and a policy
        raise ParseError(f"too many segments in {'.'.join([*before, name or ''])}", line=1, char=1)
    policy = before[-1] if before else None
    database = before[0] if len(before) > 1 else None
    return Measurement(name, regex, database or None, policy or None)


def parse_condition(cursor: Cursor) -> Expr | None:
    """`WHERE expr`, or nothing."""
    return parse_expr(cursor) if cursor.take_keyword("WHERE") else None


def parse_order(cursor: Cursor) -> bool:
    """`ORDER BY [time] [ASC|DESC]`: whether it is descending."""
    if not cursor.take_keyword("ORDER"):
        return False
    cursor.expect_keyword("BY")
    descending = False
    token = cursor.peek()
    if token.kind is Kind.IDENT:
        if token.text != "time":
            raise ParseError("only ORDER BY time supported at this time")
        cursor.take()
        descending = cursor.take_keyword("ASC", "DESC") == "DESC"
    elif token.is_keyword("ASC", "DESC"):
        descending = cursor.take().text == "DESC"
    else:
        raise cursor.expected("identifier", "ASC", "DESC")
    if cursor.peek().is_sign(","):
        raise ParseError("only ORDER BY time supported at this time")
    return descending


def parse_paging(cursor: Cursor) -> Paging:
    """`LIMIT n OFFSET n SLIMIT n SOFFSET n`, each optional, in this order."""
    found = {"LIMIT": 0, "OFFSET": 0, "SLIMIT": 0, "SOFFSET": 0}
    for word in found:
        if cursor.take_keyword(word):
            found[word] = cursor.expect_integer()
    return Paging(found["LIMIT"], found["OFFSET"], found["SLIMIT"], found["SOFFSET"])
