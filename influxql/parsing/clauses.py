"""Clauses that SELECT and SHOW share: sources, WHERE, GROUP BY, ORDER BY, LIMIT and its kin."""

from __future__ import annotations

from typing import Final

from influxql.ast import Expr, Measurement, Paging
from influxql.errors import ParseError
from influxql.parsing.cursor import Cursor
from influxql.parsing.expressions import parse_expr, parse_segments
from influxql.tokens import Kind

NAMED_WHOLE: Final = 3
"""The parts of a name with its database and its policy."""


def parse_measurement(cursor: Cursor) -> Measurement:
    """`m`, `"rp"."m"`, `"db"."rp"."m"`, `"db".."m"`; the last part may be a regex."""
    regex = cursor.regex()
    if regex is not None:
        return Measurement(regex=regex.pattern)
    parts = parse_segments(cursor)
    if len(parts) == NAMED_WHOLE:
        return _qualified(parts[:-1], parts[-1], None)
    if cursor.last().is_sign("."):
        regex = cursor.regex()
        return _qualified(parts, None, regex.pattern) if regex else _qualified(parts[:-1], parts[-1], None)
    if cursor.character_behind() == "/":
        raise cursor.expected("regex", found=cursor.touching())
    cursor.look_behind()
    return _qualified(parts[:-1], parts[-1], None)


def _qualified(before: list[str], name: str | None, regex: str | None) -> Measurement:
    policy = before[-1] if before else None
    database = before[0] if len(before) > 1 else None
    return Measurement(name, regex, database or None, policy or None)


def parse_condition(cursor: Cursor) -> Expr | None:
    """`WHERE expr`, or nothing."""
    return parse_expr(cursor) if cursor.take_keyword("WHERE") else None


def parse_dimensions(cursor: Cursor) -> tuple[Expr, ...]:
    """`GROUP BY ...`, or nothing."""
    if not cursor.take_keyword("GROUP"):
        return ()
    cursor.expect_keyword("BY")
    found: list[Expr] = []
    while True:
        found.append(cursor.regex() or parse_expr(cursor))
        if not cursor.take_sign(","):
            return tuple(found)


def parse_order(cursor: Cursor) -> bool:
    """`ORDER BY [time] [ASC|DESC]`: whether it is descending."""
    if not cursor.take_keyword("ORDER"):
        return False
    cursor.expect_keyword("BY")
    descending = False
    token = cursor.peek()
    if token.kind is Kind.IDENT:
        cursor.take()
        descending = cursor.take_keyword("ASC", "DESC") == "DESC"
        if token.text != "time":
            raise ParseError("only ORDER BY time supported at this time")
    elif token.is_keyword("ASC", "DESC"):
        descending = cursor.take().text == "DESC"
    else:
        raise cursor.expected("identifier", "ASC", "DESC")
    if cursor.peek().is_sign(","):
        while cursor.take_sign(","):
            cursor.expect_ident()
            cursor.take_keyword("ASC", "DESC")
        raise ParseError("only ORDER BY time supported at this time")
    return descending


def parse_paging(cursor: Cursor, *, series: bool = True) -> Paging:
    """`LIMIT n OFFSET n SLIMIT n SOFFSET n`, each optional, in this order; the last two where `series` are counted."""
    found = {"LIMIT": 0, "OFFSET": 0, "SLIMIT": 0, "SOFFSET": 0}
    for word in ("LIMIT", "OFFSET", *(("SLIMIT", "SOFFSET") if series else ())):
        if cursor.take_keyword(word):
            found[word] = cursor.expect_integer()
    return Paging(found["LIMIT"], found["OFFSET"], found["SLIMIT"], found["SOFFSET"])
