"""Statements that InfluxDB 2 reads and does not run: each is read by its rule, so that its faults are found, and named.

So a client that sends one among others gets an answer for it, as there, and not an error of the whole request.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from influxql.ast import Call, DurationLiteral, Select, Unimplemented
from influxql.errors import ParseError
from influxql.literals import format_duration, parse_duration
from influxql.parsing.cursor import Cursor
from influxql.parsing.select import parse_into, parse_select
from influxql.tokens import Kind, Token

_RULES: Final = {
    "SHOW": {
        "CONTINUOUS": "QUERIES",
        "DIAGNOSTICS": "[FOR string]",
        "GRANTS": "FOR name",
        "QUERIES": "",
        "SHARD": "GROUPS",
        "SHARDS": "",
        "STATS": "[FOR string]",
        "SUBSCRIPTIONS": "",
        "USERS": "",
    },
    "CREATE": {
        "CONTINUOUS": "QUERY name ON name continuous",
        "RETENTION": "POLICY name ON name DURATION duration REPLICATION copies [SHARD DURATION span] [DEFAULT]",
        "SUBSCRIPTION": "name ON name . name DESTINATIONS ALL|ANY string [, string]*",
        "USER": "name WITH PASSWORD string [WITH ALL PRIVILEGES]",
    },
    "DROP": {
        "CONTINUOUS": "QUERY name ON name",
        "DATABASE": "name",
        "RETENTION": "POLICY name ON name",
        "SHARD": "number",
        "SUBSCRIPTION": "name ON name . name",
        "USER": "name",
    },
    "ALTER": {"RETENTION": "POLICY policy ON name changes"},
    "SET": {"PASSWORD": "FOR name = string"},
    "KILL": {"QUERY": "number [ON name]"},
}
"""First word -> second word -> the rest.

Capitals are keywords, signs themselves, other words what `_READERS` reads; of `A|B` one stands there, and what is in
brackets may be left out (behind a star, come again). A dot stands close to what is before it.
"""
_NAMED: Final = frozenset(("CONTINUOUS", "RETENTION", "SHARD"))
"""Second words whose statement has a name of three words."""
_STEP: Final = re.compile(r"\[[^]]*\]\*?|\S+")
_MOST_COPIES: Final = 2**31 - 1
_UINT64_END: Final = 2**64


def second_words(first: str) -> tuple[str, ...]:
    """What may follow the first word of a statement that is not run."""
    return tuple(_RULES.get(first, ()))


def parse_unimplemented(cursor: Cursor, first: Token) -> Unimplemented:
    """The statement that begins with the word `first`; the cursor stands behind it."""
    if first.text == "EXPLAIN":
        cursor.take_keyword("ANALYZE")
        cursor.take_keyword("VERBOSE")
        cursor.expect_keyword("SELECT")
        parse_select(cursor)
        return Unimplemented("EXPLAIN", cursor.text_from(first))
    if first.text in ("GRANT", "REVOKE"):
        return Unimplemented(_rights(cursor, first.text), cursor.text_from(first))
    second = cursor.expect_keyword(*second_words(first.text))
    rule = _RULES[first.text][second]
    _read(cursor, rule)
    third = f" {rule.split()[0]}" if second in _NAMED and rule[:1].isupper() else ""
    return Unimplemented(f"{first.text} {second}{third}", cursor.text_from(first))


def parse_database_options(cursor: Cursor) -> None:
    """What may stand behind the name in CREATE DATABASE, which is read and ignored."""
    if not cursor.take_keyword("WITH"):
        return
    if not cursor.peek().is_keyword("DURATION", "NAME", "REPLICATION", "SHARD"):
        raise cursor.expected("DURATION", "NAME", "REPLICATION", "SHARD")
    _read(cursor, "[DURATION duration] [REPLICATION copies] [SHARD DURATION duration] [NAME name]")


def _read(cursor: Cursor, rule: str) -> None:
    for step in _STEP.findall(rule):
        if step.startswith("["):
            inner = step.strip("[]*")
            while cursor.peek().text == inner.split()[0] and cursor.peek().kind in (Kind.KEYWORD, Kind.SIGN):
                _read(cursor, inner)
                if not step.endswith("*"):
                    break
        elif step in _READERS:
            _READERS[step](cursor)
        elif step == ".":
            cursor.expect_touching(step)
        elif step.isalpha() or "|" in step:
            cursor.expect_keyword(*step.split("|"))
        else:
            cursor.expect_sign(step)


def _number(cursor: Cursor) -> None:
    token = cursor.peek()
    digits = cursor.expect_kind(Kind.INTEGER)
    if not _fits(digits, _UINT64_END):
        raise cursor.fault(f'strconv.ParseUint: parsing "{digits}": value out of range', token)


def _copies(cursor: Cursor) -> None:
    token = cursor.peek()
    digits = cursor.expect_kind(Kind.INTEGER)
    if not _fits(digits, _UINT64_END // 2):
        raise cursor.fault(f'strconv.Atoi: parsing "{digits}": value out of range', token)
    if not 1 <= int(digits) <= _MOST_COPIES:
        raise cursor.fault(f"invalid value {int(digits)}: must be 1 <= n <= {_MOST_COPIES}", token)


def _fits(digits: str, end: int) -> bool:
    return len(digits.lstrip("0")) <= len(str(end)) and int(digits) < end


def _duration(cursor: Cursor) -> int:
    """A duration in nanoseconds; INF is 0."""
    if cursor.take_keyword("INF"):
        return 0
    return _span(cursor)


def _shard_span(cursor: Cursor) -> None:
    if cursor.peek().is_keyword("INF"):
        raise cursor.fault("invalid duration INF for shard duration")
    _span(cursor)


def _span(cursor: Cursor) -> int:
    token = cursor.peek()
    text = cursor.expect_kind(Kind.DURATION)
    try:
        return parse_duration(text)
    except ParseError as error:
        raise cursor.fault(error.message, token) from None


def _policy(cursor: Cursor) -> None:
    if not cursor.take_keyword("DEFAULT"):
        cursor.expect_ident()


def _changes(cursor: Cursor) -> None:
    """The options of ALTER RETENTION POLICY: at least one, in any order, each once."""
    rules = {"DURATION": "duration", "REPLICATION": "copies", "SHARD": "DURATION span", "DEFAULT": ""}
    found: set[str] = set()
    while True:
        token = cursor.peek()
        if token.is_keyword(*found):
            raise cursor.fault(f"found duplicate {token} option")
        if not token.is_keyword(*rules):
            break
        found.add(cursor.take().text)
        _read(cursor, rules[token.text])
    if not found:
        raise cursor.expected(*rules)


def _continuous(cursor: Cursor) -> None:
    """`[RESAMPLE ...] BEGIN SELECT ... END`; aggregates need windows."""
    every, back = _resample(cursor) if cursor.take_keyword("RESAMPLE") else (0, 0)
    cursor.expect_keyword("BEGIN")
    cursor.expect_keyword("SELECT")
    select = parse_into(cursor)
    window = _window(select)
    if not window and any(isinstance(field.expr, Call) for field in select.fields):
        raise cursor.expected("GROUP BY time(...)", found=cursor.last())
    cursor.expect_keyword("END")
    least = max(every, window)
    if back and back < least:
        said = f"must be a minimum of {format_duration(least)}, got {format_duration(back)}"
        raise ParseError(f"FOR duration must be >= GROUP BY time duration: {said}")


def _resample(cursor: Cursor) -> tuple[int, int]:
    every = _span(cursor) if cursor.take_keyword("EVERY") else 0
    back = _span(cursor) if cursor.take_keyword("FOR") else 0
    if not every and not back:
        raise cursor.expected("EVERY", "FOR")
    return every, back


def _window(select: Select) -> int:
    """The interval of GROUP BY time; 0 without one."""
    for dimension in select.dimensions:
        match dimension:
            case Call("time", (DurationLiteral(value), *_)):
                return value
            case _:
                pass  # a tag
    return 0


def _rights(cursor: Cursor, first: str) -> str:
    """GRANT and REVOKE are two statements each: of everything, and of rights to one database."""
    toward = "TO" if first == "GRANT" else "FROM"
    if not cursor.peek().is_keyword("READ", "WRITE", "ALL"):
        raise cursor.expected("READ", "WRITE", "ALL [PRIVILEGES]")
    everything = cursor.take().text == "ALL"
    if everything:
        cursor.take_keyword("PRIVILEGES")
    if cursor.take_keyword("ON"):
        _read(cursor, f"name {toward} name")
        return first
    if not everything or not cursor.take_keyword(toward):
        raise cursor.expected(*(("ON", toward) if everything else ("ON",)))
    cursor.expect_ident()
    return f"{first} ALL"


_READERS: Final[dict[str, Callable[[Cursor], object]]] = {
    "name": Cursor.expect_ident,
    "string": lambda cursor: cursor.expect_kind(Kind.STRING),
    "number": _number,
    "copies": _copies,
    "duration": _duration,
    "span": _shard_span,
    "policy": _policy,
    "changes": _changes,
    "continuous": _continuous,
}
