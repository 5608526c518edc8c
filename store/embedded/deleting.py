"""DELETE, DROP MEASUREMENT and DROP SERIES: points out of their tables.

A measurement without any point is forgotten altogether. Runs in the writer's thread. What is wrong with a statement
is found before anything is deleted.
"""

# ruff: noqa: S608 - the SQL holds our own physical names; values are bound

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import re2

from influxql.ast import (
    LITERALS,
    Binary,
    BooleanLiteral,
    Change,
    Delete,
    DropMeasurement,
    DropSeries,
    Expr,
    Measurement,
    Paren,
    RegexLiteral,
    StringLiteral,
    VarRef,
)
from influxql.conditions import TimeRange, split_condition
from influxql.errors import QueryError
from influxql.names import named_in
from influxql.translate.parameters import Parameters
from influxql.translate.predicate import condition_sql
from store.embedded.schema import SERIES, TIME, Table, Tables
from store.embedded.sources import DEFAULT_POLICY

if TYPE_CHECKING:
    import duckdb

_FIELDS: Final = "fields not supported in WHERE clause during deletion"


@dataclass(frozen=True, slots=True)
class Deletion:
    """Rows of one table that shall go: all where both conditions are empty.

    `times` are bounds on the time, `tags` is a condition on the tags of a series.
    """

    table: Table
    times: str
    tags: str
    parameters: Parameters

    @property
    def where(self) -> str:
        """Which rows of the table of points; empty for all."""
        series = f"{SERIES} IN (SELECT {SERIES} FROM {self.table.keys} WHERE {self.tags})" if self.tags else ""
        wishes = " AND ".join(filter(None, (self.times, series)))
        return f"WHERE {wishes}" if wishes else ""


def plan_deletions(statement: Change, tables: Tables, now_ns: int) -> list[Deletion]:
    """What the statement means for each measurement. Raises QueryError with InfluxDB's words."""
    if isinstance(statement, DropMeasurement):
        found = tables.get(statement.name)
        return [Deletion(found, "", "", Parameters())] if found else []
    condition, bounds = split_condition(statement.condition, now_ns, inner=True)
    if isinstance(statement, DropSeries) and not (bounds.lower is bounds.upper is None):
        raise QueryError("DROP SERIES doesn't support time in WHERE clause")
    return [_deletion(table, condition, bounds) for table in _targets(statement, tables)]


def delete_rows(connection: duckdb.DuckDBPyConnection, deletions: Sequence[Deletion]) -> frozenset[str]:
    """Delete within the caller's transaction; the measurements that are empty now, whose tables are gone."""
    return frozenset(done.table.measurement for done in deletions if _delete(connection, done))


def _targets(statement: Delete | DropSeries, tables: Tables) -> list[Table]:
    if not statement.sources:
        return list(tables.values())
    for source in statement.sources:
        if source.policy not in (None, DEFAULT_POLICY):
            raise QueryError(f"retention policy not found: {source.policy}")
    return [table for name, table in tables.items() if any(_names(source, name) for source in statement.sources)]


def _names(source: Measurement, name: str) -> bool:
    return source.name == name if source.regex is None else bool(re2.compile(source.regex).search(name))


def _deletion(table: Table, condition: Expr | None, bounds: TimeRange) -> Deletion:
    parameters = Parameters()
    wishes = []
    if bounds.lower is not None:
        wishes.append(f"time >= {parameters.bind(bounds.lower)}")
    if bounds.upper is not None:
        wishes.append(f"time <= {parameters.bind(bounds.upper)}")
    names = set() if condition is None else {ref.name for ref in named_in(condition)}
    if not names.isdisjoint((*table.fields, TIME)) or not _is_about_tags(condition):
        raise QueryError(_FIELDS)
    tags = "" if condition is None else condition_sql(condition, table, parameters)
    return Deletion(table, " AND ".join(wishes), tags, parameters)


def _is_about_tags(condition: Expr | None) -> bool:
    """Whether it compares tags with texts alone.

    Another name there is a text whose quotes were forgotten (`host = web1`), which would be true of whole measurements.
    """
    match condition:
        case Binary("AND" | "OR", left, right):
            return _is_about_tags(left) and _is_about_tags(right)
        case Paren(inner):
            return _is_about_tags(inner)
        case Binary("+" | "-" | "*" | "/" | "%" | "&" | "|" | "^"):
            return False
        case Binary(_, VarRef(_, cast), StringLiteral() | RegexLiteral()) | Binary(_, StringLiteral(), VarRef(_, cast)):
            return cast in (None, "tag")
        case Binary(_, left, right):
            return isinstance(left, LITERALS) and isinstance(right, LITERALS)
        case _:
            return condition is None or isinstance(condition, BooleanLiteral)


def _delete(connection: duckdb.DuckDBPyConnection, deletion: Deletion) -> bool:
    """Whether nothing of the table is left."""
    table = deletion.table
    if deletion.where:
        sql = f"DELETE FROM {table.points} {deletion.where}"
        connection.execute(sql, deletion.parameters.within(sql))
        if connection.execute(f"SELECT 1 FROM {table.points} LIMIT 1").fetchall():
            return False
    connection.execute(f"DROP VIEW {table.relation}")
    connection.execute(f"DROP TABLE {table.points}")
    connection.execute(f"DROP TABLE {table.keys}")
    connection.execute("DELETE FROM columns WHERE measurement = ?", [table.number])
    connection.execute("DELETE FROM measurements WHERE id = ?", [table.number])
    return True
