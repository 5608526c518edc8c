"""SHOW statements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from influxql.ast import (
    Counted,
    KeyFilter,
    Show,
    ShowCardinality,
    ShowDatabases,
    ShowFieldKeys,
    ShowMeasurements,
    ShowRetentionPolicies,
    ShowSeries,
    ShowStatement,
    ShowTagKeys,
    ShowTagValues,
)
from influxql.parsing.clauses import parse_condition, parse_order, parse_paging
from influxql.parsing.cursor import Cursor
from influxql.parsing.select import parse_sources

SHOWN: Final = ("DATABASES", "FIELD", "MEASUREMENT", "MEASUREMENTS", "RETENTION", "SERIES", "TAG")


def parse_show(cursor: Cursor) -> ShowStatement | None:
    """A SHOW statement; the cursor stands behind SHOW, and stays there where it is about nothing that is known here."""
    word = cursor.take_keyword(*SHOWN)
    if word is None:
        return None
    if word == "TAG":
        return _tag(cursor)
    parts: dict[str, Callable[[Cursor], ShowStatement]] = {
        "DATABASES": lambda _: ShowDatabases(),
        "FIELD": _field_keys,
        "MEASUREMENT": lambda ahead: _cardinality(ahead, "MEASUREMENT"),
        "MEASUREMENTS": _measurements,
        "RETENTION": _retention_policies,
        "SERIES": _series,
    }
    return parts[word](cursor)


def _tag(cursor: Cursor) -> ShowTagKeys | ShowTagValues | ShowCardinality:
    word = cursor.expect_keyword("KEY", "KEYS", "VALUES")
    if word == "KEY":
        return _cardinality(cursor, "TAG KEY")
    if word == "VALUES" and cursor.peek().is_keyword("EXACT", "CARDINALITY"):
        return _cardinality(cursor, "TAG VALUES")
    return _tag_values(cursor) if word == "VALUES" else _tag_keys(cursor)


def _cardinality(cursor: Cursor, of: Counted) -> ShowCardinality:
    exact = cursor.take_keyword("EXACT") is not None
    if not cursor.take_keyword("CARDINALITY"):
        raise cursor.expected(*(("CARDINALITY",) if exact else ("EXACT", "CARDINALITY")))
    return _counted(cursor, of, exact=exact)


def _counted(cursor: Cursor, of: Counted, *, exact: bool) -> ShowCardinality:
    """What stands behind CARDINALITY."""
    database = _database(cursor)
    sources = parse_sources(cursor, subqueries=False) if cursor.take_keyword("FROM") else ()
    key = _with_key(cursor) if of == "TAG VALUES" else None
    condition = parse_condition(cursor)
    if cursor.peek().is_keyword("GROUP"):
        raise cursor.fault("GROUP BY behind CARDINALITY is not supported by this store")
    return ShowCardinality(database, sources, condition, parse_paging(cursor), of, exact, key)


def _retention_policies(cursor: Cursor) -> ShowRetentionPolicies:
    cursor.expect_keyword("POLICIES")
    return ShowRetentionPolicies(_database(cursor))


def _measurements(cursor: Cursor) -> ShowMeasurements:
    database = _database(cursor)
    measurement = None
    if cursor.take_keyword("WITH"):
        cursor.expect_keyword("MEASUREMENT")
        measurement = _filter(cursor, signs=("=", "=~"))
    rest = _rest(cursor, database, sources=False)
    return ShowMeasurements(rest.database, rest.sources, rest.condition, rest.paging, measurement)


def _tag_keys(cursor: Cursor) -> ShowTagKeys:
    database = _database(cursor)
    sources = parse_sources(cursor, subqueries=False) if cursor.take_keyword("FROM") else ()
    key = _with_key(cursor) if cursor.peek().is_keyword("WITH") else None
    rest = _rest(cursor, database, sources=False)
    return ShowTagKeys(database, sources, rest.condition, rest.paging, key)


def _tag_values(cursor: Cursor) -> ShowTagValues:
    database = _database(cursor)
    sources = parse_sources(cursor, subqueries=False) if cursor.take_keyword("FROM") else ()
    key = _with_key(cursor)
    rest = _rest(cursor, database, sources=False)
    return ShowTagValues(database, sources, rest.condition, rest.paging, key)


def _field_keys(cursor: Cursor) -> ShowFieldKeys | ShowCardinality:
    if cursor.expect_keyword("KEY", "KEYS") == "KEY":
        return _cardinality(cursor, "FIELD KEY")
    rest = _rest(cursor, _database(cursor))
    return ShowFieldKeys(rest.database, rest.sources, rest.condition, rest.paging)


def _series(cursor: Cursor) -> ShowSeries | ShowCardinality:
    exact = cursor.take_keyword("EXACT") is not None
    if cursor.take_keyword("CARDINALITY"):
        return _counted(cursor, "SERIES", exact=exact)
    rest = _rest(cursor, _database(cursor))
    return ShowSeries(rest.database, rest.sources, rest.condition, rest.paging)


def _database(cursor: Cursor) -> str | None:
    return cursor.expect_ident() if cursor.take_keyword("ON") else None


def _rest(cursor: Cursor, database: str | None, *, sources: bool = True) -> Show:
    found = parse_sources(cursor, subqueries=False) if sources and cursor.take_keyword("FROM") else ()
    condition = parse_condition(cursor)
    parse_order(cursor)
    return Show(database, found, condition, parse_paging(cursor))


def _with_key(cursor: Cursor) -> KeyFilter:
    cursor.expect_keyword("WITH")
    cursor.expect_keyword("KEY")
    return _filter(cursor, signs=("=", "!=", "=~", "!~", "IN"))


def _filter(cursor: Cursor, *, signs: tuple[str, ...]) -> KeyFilter:
    token = cursor.peek()
    if token.text not in signs:
        raise cursor.expected("IN", "=", "=~")
    op = cursor.take().text
    if op in ("=~", "!~"):
        regex = cursor.regex()
        if regex is None:
            raise cursor.expected("regex")
        return KeyFilter(op, (regex.pattern,))
    if op != "IN":
        return KeyFilter(op, (cursor.expect_ident(),))
    cursor.expect_sign("(")
    names = [cursor.expect_ident()]
    while cursor.take_sign(","):
        names.append(cursor.expect_ident())
    cursor.expect_sign(")")
    return KeyFilter("IN", tuple(names))
