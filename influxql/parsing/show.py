"""SHOW statements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from influxql.ast import (
    Counted,
    Expr,
    KeyFilter,
    Measurement,
    Paging,
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
from influxql.parsing.clauses import (
    parse_condition,
    parse_dimensions,
    parse_measurement,
    parse_order,
    parse_paging,
)
from influxql.parsing.cursor import Cursor
from influxql.tokens import Kind

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
    sources = _sources(cursor)
    key = _with_key(cursor) if of == "TAG VALUES" else None
    condition = parse_condition(cursor)
    dimensions = parse_dimensions(cursor)
    paging = parse_paging(cursor, series=False)
    return ShowCardinality(database, sources, condition, paging, of, exact, key, dimensions)


def _retention_policies(cursor: Cursor) -> ShowRetentionPolicies:
    cursor.expect_keyword("POLICIES")
    return ShowRetentionPolicies(_database(cursor))


def _measurements(cursor: Cursor) -> ShowMeasurements:
    database, policy = None, None
    if cursor.take_keyword("ON"):
        database = _name_or_all(cursor)
        policy = _name_or_all(cursor) if cursor.take_sign(".") else None
    measurement = None
    if cursor.take_keyword("WITH"):
        cursor.expect_keyword("MEASUREMENT")
        measurement = _measurement(cursor)
    condition, paging = _rest(cursor)
    return ShowMeasurements(database, (), condition, paging, measurement, policy)


def _name_or_all(cursor: Cursor) -> str:
    if cursor.take_sign("*"):
        return "*"
    if cursor.peek().kind is not Kind.IDENT:
        raise cursor.expected("identifier or *")
    return cursor.expect_ident()


def _measurement(cursor: Cursor) -> KeyFilter:
    """A name or a regex, whatever the sign before it; its policy and database are ignored, as in InfluxDB."""
    if not (cursor.take_sign("=") or cursor.take_sign("=~")):
        raise cursor.expected("=", "=~")
    found = parse_measurement(cursor)
    return KeyFilter("=", (found.name or "",)) if found.regex is None else KeyFilter("=~", (found.regex,))


def _tag_keys(cursor: Cursor) -> ShowTagKeys:
    database, sources = _database(cursor), _sources(cursor)
    key = _with_key(cursor) if cursor.peek().is_keyword("WITH") else None
    condition, paging = _rest(cursor, series=True)
    return ShowTagKeys(database, sources, condition, paging, key)


def _tag_values(cursor: Cursor) -> ShowTagValues:
    database, sources = _database(cursor), _sources(cursor)
    key = _with_key(cursor)
    condition, paging = _rest(cursor)
    return ShowTagValues(database, sources, condition, paging, key)


def _field_keys(cursor: Cursor) -> ShowFieldKeys | ShowCardinality:
    if cursor.expect_keyword("KEY", "KEYS") == "KEY":
        return _cardinality(cursor, "FIELD KEY")
    database, sources = _database(cursor), _sources(cursor)
    parse_order(cursor)
    return ShowFieldKeys(database, sources, None, parse_paging(cursor, series=False))


def _series(cursor: Cursor) -> ShowSeries | ShowCardinality:
    exact = cursor.take_keyword("EXACT") is not None
    if cursor.take_keyword("CARDINALITY"):
        return _counted(cursor, "SERIES", exact=exact)
    database, sources = _database(cursor), _sources(cursor)
    condition, paging = _rest(cursor)
    return ShowSeries(database, sources, condition, paging)


def _database(cursor: Cursor) -> str | None:
    return cursor.expect_ident() if cursor.take_keyword("ON") else None


def _sources(cursor: Cursor) -> tuple[Measurement, ...]:
    if not cursor.take_keyword("FROM"):
        return ()
    found = [parse_measurement(cursor)]
    while cursor.take_sign(","):
        found.append(parse_measurement(cursor))
    return tuple(found)


def _rest(cursor: Cursor, *, series: bool = False) -> tuple[Expr | None, Paging]:
    """WHERE, an ORDER BY that is read and ignored, and how many; `series`: whether SLIMIT and SOFFSET may follow."""
    condition = parse_condition(cursor)
    parse_order(cursor)
    return condition, parse_paging(cursor, series=series)


def _with_key(cursor: Cursor) -> KeyFilter:
    cursor.expect_keyword("WITH")
    cursor.expect_keyword("KEY")
    token = cursor.peek()
    if not token.is_sign("=", "!=", "=~", "!~") and not token.is_keyword("IN"):
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
