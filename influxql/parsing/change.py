"""DELETE, DROP MEASUREMENT and DROP SERIES."""

from __future__ import annotations

from influxql.ast import Delete, DropMeasurement, DropSeries, Expr, Measurement
from influxql.errors import ParseError
from influxql.parsing.clauses import parse_condition, parse_measurement
from influxql.parsing.cursor import Cursor


def parse_delete(cursor: Cursor) -> Delete:
    """A DELETE; the cursor stands behind its first word."""
    return Delete(*_targets(cursor))


def parse_drop(cursor: Cursor) -> DropMeasurement | DropSeries | None:
    """What the word behind DROP says shall go; None, and the cursor stays, where that is nothing of a bucket's."""
    if cursor.take_keyword("MEASUREMENT"):
        return DropMeasurement(cursor.expect_ident())
    return DropSeries(*_targets(cursor)) if cursor.take_keyword("SERIES") else None


def _targets(cursor: Cursor) -> tuple[tuple[Measurement, ...], Expr | None]:
    """Sources and condition, one of which there has to be."""
    if not cursor.peek().is_keyword("FROM", "WHERE"):
        raise cursor.expected("FROM", "WHERE")
    sources: list[Measurement] = []
    if cursor.take_keyword("FROM"):
        sources.append(_measurement(cursor))
        while cursor.take_sign(","):
            sources.append(_measurement(cursor))
    return tuple(sources), parse_condition(cursor)


def _measurement(cursor: Cursor) -> Measurement:
    found = parse_measurement(cursor)
    if found.database is not None:
        raise ParseError("database not supported", line=1, char=1)
    if found.policy is not None:
        raise ParseError("retention policy not supported", line=1, char=1)
    return found
