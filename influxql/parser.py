"""Text to statements. Raises ParseError for the whole text: where one statement is wrong, none runs."""

from __future__ import annotations

from influxql.ast import CreateDatabase, Select, Statement, Unimplemented
from influxql.binding import NOTHING_BOUND, Bindings
from influxql.errors import ParseError
from influxql.parsing.change import parse_delete, parse_drop
from influxql.parsing.cursor import Cursor
from influxql.parsing.select import parse_outer_select
from influxql.parsing.show import SHOWN, parse_show
from influxql.parsing.unimplemented import parse_database_options, parse_unimplemented, second_words
from influxql.tokens import Kind, Token

_STATEMENTS = ("SELECT", "DELETE", "SHOW", "CREATE", "DROP", "EXPLAIN", "GRANT", "REVOKE", "ALTER", "SET", "KILL")

_CREATED = ("CONTINUOUS", "DATABASE", "USER", "RETENTION", "SUBSCRIPTION")
"""In the order in which InfluxDB names them."""


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
    first = cursor.peek()
    match cursor.expect_keyword(*_STATEMENTS):
        case "SELECT":
            return _select(cursor, first)
        case "DELETE":
            return parse_delete(cursor)
        case "SHOW":
            return parse_show(cursor) or _other(cursor, first, SHOWN)
        case "DROP":
            return parse_drop(cursor) or _other(cursor, first, ("MEASUREMENT", "SERIES"))
        case "CREATE":
            return _create(cursor) or _other(cursor, first, ("DATABASE",))
        case _:
            return parse_unimplemented(cursor, first)


def _select(cursor: Cursor, first: Token) -> Select | Unimplemented:
    return parse_outer_select(cursor) or Unimplemented("SELECT INTO", cursor.text_from(first))


def _create(cursor: Cursor) -> CreateDatabase | None:
    if not cursor.take_keyword("DATABASE"):
        return None
    name = cursor.expect_ident()
    parse_database_options(cursor)
    return CreateDatabase(name)


def _other(cursor: Cursor, first: Token, known: tuple[str, ...]) -> Unimplemented:
    """A statement that is read and not run, or the error that names all that could stand here."""
    seconds = second_words(first.text)
    if not cursor.peek().is_keyword(*seconds):
        raise cursor.expected(*(_CREATED if first.text == "CREATE" else sorted((*known, *seconds))))
    return parse_unimplemented(cursor, first)
