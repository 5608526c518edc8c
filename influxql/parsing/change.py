"""DELETE and DROP MEASUREMENT."""

from __future__ import annotations

from influxql.ast import Delete, DropMeasurement, Measurement
from influxql.errors import ParseError
from influxql.parsing.clauses import parse_condition, parse_measurement
from influxql.parsing.cursor import Cursor

_KINDS = ("CONTINUOUS", "DATABASE", "MEASUREMENT", "RETENTION", "SERIES", "SHARD", "SUBSCRIPTION", "USER")


def parse_delete(cursor: Cursor) -> Delete:
    """A DELETE; the cursor stands behind its first word."""
    if not cursor.peek().is_keyword("FROM", "WHERE"):
        raise cursor.expected("FROM", "WHERE")
    sources: list[Measurement] = []
    if cursor.take_keyword("FROM"):
        sources.append(_measurement(cursor))
        while cursor.take_sign(","):
            sources.append(_measurement(cursor))
    return Delete(tuple(sources), parse_condition(cursor))


def parse_drop(cursor: Cursor) -> DropMeasurement:
    """DROP MEASUREMENT; the cursor stands behind DROP."""
    if cursor.take_keyword("MEASUREMENT"):
        return DropMeasurement(cursor.expect_ident())
    if cursor.peek().is_keyword(*_KINDS):
        raise cursor.fault(f"DROP {cursor.peek()} is not supported by this store")
    raise cursor.expected(*_KINDS)


def _measurement(cursor: Cursor) -> Measurement:
    found = parse_measurement(cursor)
    if found.database is not None:
        raise ParseError("database not supported", line=1, char=1)
    if found.policy is not None:
        raise ParseError("retention policy not supported", line=1, char=1)
    return found
