"""DELETE, DROP MEASUREMENT and DROP SERIES."""

from __future__ import annotations

from influxql.ast import Delete, DropMeasurement, DropSeries, Expr, Measurement
from influxql.errors import ParseError
from influxql.parsing.clauses import parse_condition, parse_measurement
from influxql.parsing.cursor import Cursor


def parse_delete(cursor: Cursor) -> Delete:
    """A DELETE; the cursor stands behind its first word."""
    sources, condition = _targets(cursor)
    _refuse(any(source.database for source in sources), "database")
    return Delete(sources, condition)


def parse_drop(cursor: Cursor) -> DropMeasurement | DropSeries | None:
    """What the word behind DROP says shall go; None, and the cursor stays, where that is nothing of a bucket's."""
    if cursor.take_keyword("MEASUREMENT"):
        return DropMeasurement(cursor.expect_ident())
    if not cursor.take_keyword("SERIES"):
        return None
    sources, condition = _targets(cursor)
    _refuse(any(source.policy for source in sources), "retention policy")
    _refuse(any(source.database for source in sources), "database")
    return DropSeries(sources, condition)


def _targets(cursor: Cursor) -> tuple[tuple[Measurement, ...], Expr | None]:
    """Sources and condition, one of which there has to be."""
    if not cursor.peek().is_keyword("FROM", "WHERE"):
        raise cursor.expected("FROM", "WHERE")
    sources: list[Measurement] = []
    if cursor.take_keyword("FROM"):
        sources.append(parse_measurement(cursor))
        while cursor.take_sign(","):
            sources.append(parse_measurement(cursor))
    return tuple(sources), parse_condition(cursor)


def _refuse(found: bool, part: str) -> None:
    if found:
        raise ParseError(f"{part} not supported", line=1, char=1)
