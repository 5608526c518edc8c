"""SHOW: what a database holds, from the schema where it knows, from the points where a condition asks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final, TypeVar

import numpy as np
import re2

from influxql.ast import (
    Binary,
    Expr,
    Measurement,
    Paging,
    Paren,
    RegexLiteral,
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
    StringLiteral,
    VarRef,
)
from influxql.conditions import TimeRange, split_condition
from influxql.errors import QueryError
from influxql.names import named_in
from influxql.translate.parameters import Parameters
from influxql.translate.predicate import ALWAYS, condition_sql
from influxql.translate.statement import select_sql
from store.contract import Series, Value
from store.embedded.cardinality import count_shown, refuse_estimate
from store.embedded.choice import choose_series
from store.embedded.schema import Table, Tables
from store.embedded.series import tell_series
from store.embedded.session import Session
from store.embedded.sources import DEFAULT_POLICY, accepts_name, find_tables

_Item = TypeVar("_Item")
_VALUE: Final = "value"
"""What the condition of SHOW TAG VALUES calls the value of the tag that is asked for."""
_ESCAPE_NAME = str.maketrans({",": "\\,", " ": "\\ "})
_ESCAPE = str.maketrans({",": "\\,", " ": "\\ ", "=": "\\="})


def answer_show(session: Session, show: ShowStatement, buckets: Sequence[str]) -> tuple[Series, ...]:
    """The series of a SHOW statement. Raises QueryError as InfluxDB does."""
    match show:
        case ShowDatabases():
            return (Series("databases", ("name",), [[name] for name in buckets]),)
        case ShowRetentionPolicies(database):
            return _retention_policies(buckets, database or session.database)
        case ShowMeasurements():
            return _measurements(session, show)
        case ShowTagKeys():
            return _tag_keys(session, show)
        case ShowTagValues():
            return _tag_values(session, show)
        case ShowFieldKeys():
            return _field_keys(session, show)
        case ShowSeries():
            return _show_series(session, show)
        case ShowCardinality():
            refuse_estimate(show)
            return count_shown(session, show, _tables(session, show, "database not found: {}"))


def _retention_policies(buckets: Sequence[str], database: str) -> tuple[Series, ...]:
    """Bucket `a` is the default policy of database `a`, and `a/b` its policy `b`.

    As in InfluxDB 2, every policy says `0s`, whatever the bucket keeps: that is the bucket's own setting.
    """
    named = [bucket.partition("/") for bucket in buckets]
    policies = sorted((bool(slash), policy) for name, slash, policy in named if name == database)
    rows: list[list[Value]] = [
        [policy if other else DEFAULT_POLICY, "0s", "168h0m0s", 1, not other] for other, policy in policies
    ]
    return (Series("", ("name", "duration", "shardGroupDuration", "replicaN", "default"), rows),)


def _measurements(session: Session, show: ShowMeasurements) -> tuple[Series, ...]:
    if "*" in (show.database, show.policy):
        raise QueryError("not implemented: SHOW MEASUREMENTS ON *")
    other = show.policy not in (None, DEFAULT_POLICY)
    tables = session.tables(f"{show.database}/{show.policy}" if other else show.database)
    if not tables:
        return ()
    names = [
        name
        for name in sorted(tables)
        if (show.measurement is None or accepts_name(show.measurement, name)) and _holds(session, show, tables[name])
    ]
    rows: list[list[Value]] = [[name] for name in _cut(names, show.paging)]
    return (Series("measurements", ("name",), rows),) if rows else ()


def _tag_keys(session: Session, show: ShowTagKeys) -> tuple[Series, ...]:
    found = []
    for table in _tables(session, show, "default retention policy not set for: {}"):
        keys = _cut(_present_tags(session, show, table), show.paging)
        if keys:
            found.append(Series(table.measurement, ("tagKey",), [[key] for key in keys]))
    return tuple(found)


def _present_tags(session: Session, show: Show, table: Table) -> list[str]:
    keys = sorted(table.tags)
    if show.condition is None or not keys:
        return keys
    parameters = Parameters()
    counts = [f'count("{table.tags[key].physical}")' for key in keys]
    where = _where(session, show, table, parameters)
    row = session.fetch(select_sql(counts, _place(session, show, table), where), parameters)[0]
    return [key for key, count in zip(keys, row, strict=True) if count]


def _tag_values(session: Session, show: ShowTagValues) -> tuple[Series, ...]:
    found = []
    for table in _tables(session, show, "default retention policy not set for: {}"):
        pairs = [
            (key, value)
            for key in sorted(table.tags)
            if accepts_name(show.key, key)
            for value in _values(session, show, table, key)
        ]
        rows: list[list[Value]] = [list(pair) for pair in _cut(pairs, show.paging)]
        if rows:
            found.append(Series(table.measurement, ("key", "value"), rows))
    return tuple(found)


def _values(session: Session, show: Show, table: Table, key: str) -> Sequence[str]:
    return session.steady(table.relation, lambda: _present_values(session, show, table, key))


def _present_values(session: Session, show: Show, table: Table, key: str) -> Sequence[str]:
    known_values = _known_values(session, show, table, key)
    if known_values is not None:
        return sorted(value for value in known_values if value)
    parameters = Parameters()
    where = _where(session, show, table, parameters, value_of=key)
    column = f'"{table.tags[key].physical}"'
    place = _place(session, show, _with_value(table, key))
    sql = select_sql([f"DISTINCT {column}"], place, where or "WHERE TRUE", f"AND {column} IS NOT NULL ORDER BY 1")
    return [row[0] for row in session.fetch(sql, parameters)]


def _known_values(session: Session, show: Show, table: Table, key: str) -> Collection[str | None] | None:
    """Those of the series that the condition means, from memory; None where points must be asked."""
    condition, bounds = split_condition(show.condition, session.now_ns)
    if bounds != TimeRange() or (condition is not None and any(ref.name == _VALUE for ref in named_in(condition))):
        return None
    known = session.known(table)
    if known is None:
        return None
    place = list(table.tags).index(key)
    mask, rest = choose_series(condition, table, known)
    if rest is not None:
        return None
    if mask is None:
        return known.values[place].all
    return {known.columns[place][number] for number in np.flatnonzero(mask).tolist()}


def _field_keys(session: Session, show: ShowFieldKeys) -> tuple[Series, ...]:
    found = []
    for table in _tables(session, show, "database not found: {}"):
        fields = sorted((name, str(column.type.value)) for name, column in table.fields.items() if column.type)
        rows: list[list[Value]] = [list(pair) for pair in _cut(fields, show.paging)]
        if rows:
            found.append(Series(table.measurement, ("fieldKey", "fieldType"), rows))
    return tuple(found)


def _show_series(session: Session, show: ShowSeries) -> tuple[Series, ...]:
    keys = [key for table in _tables(session, show, "database not found: {}") for key in _keys(session, show, table)]
    rows: list[list[Value]] = [[key] for key in _cut(sorted(keys), show.paging)]
    return (Series("", ("key",), rows),) if rows else ()


def _keys(session: Session, show: Show, table: Table) -> Iterable[str]:
    tags = sorted(table.tags)
    parameters = Parameters()
    columns = ", ".join(f'"{table.tags[key].physical}"' for key in tags) or "NULL"
    where = _where(session, show, table, parameters)
    rows = session.fetch(select_sql([f"DISTINCT {columns}"], _place(session, show, table), where), parameters)
    name = table.measurement.translate(_ESCAPE_NAME)
    for row in rows:
        pairs = zip(tags, row, strict=False)
        yield name + "".join(f",{key.translate(_ESCAPE)}={value.translate(_ESCAPE)}" for key, value in pairs if value)


def _tables(session: Session, show: Show, missing: str) -> list[Table]:
    """The measurements that a SHOW is about, sorted by name. `missing`: InfluxDB's words for no such database."""
    tables: Tables | None = session.tables(show.database)
    if tables is None:
        raise QueryError(missing.format(show.database or session.database))
    if not show.sources:
        return [tables[name] for name in sorted(tables)]
    inner = Session(
        session.connect,
        session.schema,
        show.database or session.database,
        session.now_ns,
        session.deadline,
        session.index,
    )
    found = {
        table.relation: table
        for source in show.sources
        if isinstance(source, Measurement)
        for table in find_tables(inner, source)
    }
    return sorted(found.values(), key=lambda table: table.measurement)


def _holds(session: Session, show: Show, table: Table) -> bool:
    """Whether SHOW MEASUREMENTS counts the measurement in."""
    condition, bounds = split_condition(show.condition, session.now_ns)
    if bounds == TimeRange():
        return condition is None or _has_tags(session, condition, table)
    parameters = Parameters()
    where = _where(session, show, table, parameters)
    return bool(session.fetch(select_sql(["1"], _place(session, show, table), where, "LIMIT 1"), parameters))


def _has_tags(session: Session, condition: Expr, table: Table) -> bool:
    """As InfluxDB's index sees it: `=` wants a series with the value, `!=` the tag, but no series with the value."""
    match condition:
        case Binary("AND", left, right):
            return _has_tags(session, left, table) and _has_tags(session, right, table)
        case Binary("OR", left, right):
            return _has_tags(session, left, table) or _has_tags(session, right, table)
        case Paren(inner):
            return _has_tags(session, inner, table)
        case Binary(op, VarRef(key), StringLiteral() | RegexLiteral() as wish) if key in table.tags:
            values = [value for value in _values(session, ShowTagValues(), table, key) if value]
            if isinstance(wish, RegexLiteral):
                pattern = re2.compile(wish.pattern)
                known = any(pattern.search(value) for value in values)
            else:
                known = wish.value in values
            return bool(values) and known is (op in ("=", "=~"))
        case _:
            return False


def _place(session: Session, show: Show, table: Table) -> str:
    condition, bounds = split_condition(show.condition, session.now_ns)
    return tell_series(session, table, condition, timed=bounds != TimeRange())


def _where(session: Session, show: Show, table: Table, parameters: Parameters, value_of: str | None = None) -> str:
    """WHERE for a SHOW's condition; in SHOW TAG VALUES `value` means the tag's own value."""
    condition, bounds = split_condition(show.condition, session.now_ns)
    wishes = _time_wishes(bounds, parameters)
    if condition is not None:
        view = table if value_of is None else _with_value(table, value_of)
        wishes.append(condition_sql(condition, view, parameters, session.tag_values(table)))
    wishes = [wish for wish in wishes if wish != ALWAYS]
    return f"WHERE {' AND '.join(wishes)}" if wishes else ""


def _time_wishes(bounds: TimeRange, parameters: Parameters) -> list[str]:
    wishes = []
    if bounds.lower is not None:
        wishes.append(f"time >= {parameters.bind(bounds.lower)}")
    if bounds.upper is not None:
        wishes.append(f"time <= {parameters.bind(bounds.upper)}")
    return wishes


def _with_value(table: Table, key: str) -> Table:
    own = table.tags[key]
    alias = type(own)(_VALUE, "tag", None, own.physical)
    kept = tuple(column for column in table.columns if column.name != _VALUE)
    return Table(table.measurement, table.relation, (*kept, alias))


def _cut(items: Sequence[_Item], paging: Paging) -> Sequence[_Item]:
    last = paging.offset + paging.limit if paging.limit else None
    return items[paging.offset : last]
