"""Text to statements. Raises ParseError for the whole text: where one statement is wrong, none runs."""

from __future__ import annotations

from influxql.ast import CreateDatabase, Select, Statement
from influxql.binding import NOTHING_BOUND, Bindings
from influxql.errors import ParseError
from influxql.parsing.change import parse_delete, parse_drop
from influxql.parsing.cursor import Cursor
from influxql.parsing.select import parse_select
from influxql.parsing.show import parse_show
from influxql.tokens import Kind

_STATEMENTS = ("SELECT", "DELETE", "SHOW", "CREATE", "DROP", "EXPLAIN", "GRANT", "REVOKE", "ALTER", "SET", "KILL")


def parse(text: str, bindings: Bindings = NOTHING_BOUND) -> tuple[Statement, ...]:
    """All statements of `text`, which are separated by semicolons; none for an empty text.

    `bindings`: what `$name` stands for; see influxql.binding.
    """
    try:
        return _statements(Cursor(text, bindings))
    except RecursionError:
        raise ParseError("the query is nested too deep") from None


def _statements(cursor: Cursor) -> tuple[Statement, ...]:
    statements: list[Statement] = []
    separated = True
    while cursor.peek().kind is not Kind.EOF:
        if cursor.take_sign(";"):
            separated = True
            continue
        if not separated:
            raise cursor.expected(";")
        statements.append(_statement(cursor))
        separated = False
    return tuple(statements)


def parse_one(text: str) -> Select:
    """The single SELECT that `text` must be: what an alert rule or a panel holds."""
    statements = parse(text)
    if len(statements) != 1 or not isinstance(statements[0], Select):
        raise ParseError("expected exactly one SELECT statement")
    return statements[0]


def _statement(cursor: Cursor) -> Statement:
    word = cursor.take_keyword(*_STATEMENTS)
    if word == "SELECT":
        return parse_select(cursor)
    if word == "SHOW":
        return parse_show(cursor)
    if word == "CREATE" and cursor.take_keyword("DATABASE"):
        return CreateDatabase(cursor.expect_ident())
    if word == "DELETE":
        return parse_delete(cursor)
    if word == "DROP":
        return parse_drop(cursor)
    if word is None:
        raise cursor.expected(*_STATEMENTS)
    raise cursor.fault(f"{word} {cursor.peek()} is not supported by this store")
