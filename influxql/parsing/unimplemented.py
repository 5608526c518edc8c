"""Statements that InfluxDB 2 reads and does not run: each is known by its first words, the rest of it is passed over.

So a client that sends one among others gets an answer for it, as there, and not an error of the whole request.
"""

from __future__ import annotations

from typing import Final

from influxql.ast import Unimplemented
from influxql.parsing.cursor import Cursor
from influxql.parsing.select import parse_select
from influxql.tokens import Kind, Token

_SECOND: Final = {
    "SHOW": {
        "CONTINUOUS": "QUERIES",
        "DIAGNOSTICS": "",
        "GRANTS": "FOR",
        "QUERIES": "",
        "SHARD": "GROUPS",
        "SHARDS": "",
        "STATS": "",
        "SUBSCRIPTIONS": "",
        "USERS": "",
    },
    "CREATE": {"CONTINUOUS": "QUERY", "RETENTION": "POLICY", "SUBSCRIPTION": "", "USER": ""},
    "DROP": {"CONTINUOUS": "QUERY", "DATABASE": "", "RETENTION": "POLICY", "SHARD": "", "SUBSCRIPTION": "", "USER": ""},
    "ALTER": {"RETENTION": "POLICY"},
    "SET": {"PASSWORD": "FOR"},
    "KILL": {"QUERY": ""},
}
"""first word -> second word -> the word that has to follow it, if one has to"""
_NUMBERED: Final = frozenset(("DROP SHARD", "KILL QUERY"))


def second_words(first: str) -> tuple[str, ...]:
    """What may follow the first word of a statement that is not run."""
    return tuple(_SECOND.get(first, ()))


def parse_unimplemented(cursor: Cursor, first: Token) -> Unimplemented:
    """The statement that begins with the word `first`; the cursor stands behind it."""
    if first.text == "EXPLAIN":
        cursor.take_keyword("ANALYZE")
        cursor.take_keyword("VERBOSE")
        cursor.expect_keyword("SELECT")
        parse_select(cursor)
        return Unimplemented("EXPLAIN", cursor.text_from(first))
    name = _rights(cursor, first.text) if first.text in ("GRANT", "REVOKE") else _name(cursor, first.text)
    if (first.text != "SHOW" or name == "SHOW GRANTS") and _ends(cursor):
        raise cursor.expected("integer" if name in _NUMBERED else "identifier")
    while not _ends(cursor):
        cursor.take()
    return Unimplemented(name, cursor.text_from(first))


def _name(cursor: Cursor, first: str) -> str:
    second = cursor.expect_keyword(*second_words(first))
    third = _SECOND[first][second]
    if third:
        cursor.expect_keyword(third)
    return " ".join([first, second, *([third] if third not in ("", "FOR") else [])])


def _rights(cursor: Cursor, first: str) -> str:
    """GRANT and REVOKE are two statements each: of everything, and of rights to one database."""
    everything = cursor.expect_keyword("ALL", "READ", "WRITE") == "ALL"
    cursor.take_keyword("PRIVILEGES")
    return f"{first} ALL" if everything and not cursor.peek().is_keyword("ON") else first


def _ends(cursor: Cursor) -> bool:
    return cursor.peek().kind is Kind.EOF or cursor.peek().is_sign(";")
