"""SHOW ... CARDINALITY: how many series, measurements, keys or values there are, counted and never estimated.

As in InfluxDB an answer is one row for each measurement (one in all for MEASUREMENT), so LIMIT leaves it as it is and
any OFFSET leaves nothing; a condition is about tags alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from influxql.ast import ShowCardinality
from influxql.conditions import TimeRange, split_condition
from influxql.errors import QueryError
from influxql.translate.parameters import Parameters
from influxql.translate.predicate import condition_sql
from influxql.translate.statement import select_sql
from store.contract import Series
from store.embedded.schema import Table
from store.embedded.series import tell_series
from store.embedded.session import Session
from store.embedded.sources import accepts_name

_COUNT = ("count",)


def refuse_estimate(show: ShowCardinality) -> None:
    """InfluxDB 2 estimates neither series nor measurements of a whole database, and says so."""
    plain = not (show.exact or show.sources or show.condition is not None or show.paging.limit or show.paging.offset)
    if plain and show.of in ("SERIES", "MEASUREMENT"):
        raise QueryError(f"not implemented: SHOW {show.of} CARDINALITY")


def count_shown(session: Session, show: ShowCardinality, tables: Sequence[Table]) -> tuple[Series, ...]:
    """The counts for `tables`, which are those that the statement names. Raises QueryError."""
    if show.dimensions:
        raise QueryError("not implemented: GROUP BY behind CARDINALITY")
    counts = [(table.measurement, _count(session, show, table)) for table in tables]
    found = [(name, count) for name, count in counts if count]
    if show.paging.offset or not found:
        return ()
    if show.of == "MEASUREMENT":
        return (Series("", _COUNT, [[len(found)]]),)
    return tuple(Series(name, _COUNT, [[count]]) for name, count in found)


def _count(session: Session, show: ShowCardinality, table: Table) -> int:
    parameters = Parameters()
    where = _where(session, show, table, parameters)
    tags = [f'"{tag.physical}"' for tag in table.tags.values()]
    place = tell_series(session, table, None)
    match show.of:
        case "FIELD KEY":
            return 0 if where else len(table.fields)
        case "TAG KEY":
            columns = [f"count(DISTINCT {tag}) > 0" for tag in tags]
        case "TAG VALUES":
            # A value that several keys have counts once.
            wanted = [tag for key, tag in table.tags.items() if show.key is None or accepts_name(show.key, key)]
            listed = ", ".join(f'"{tag.physical}"' for tag in wanted)
            inner = select_sql([f"unnest([{listed}]) AS v"], place, where)
            counted = session.fetch(select_sql(["count(DISTINCT v)"], f"({inner})"), parameters) if wanted else [(0,)]
            return int(counted[0][0])
        case _:
            inner = select_sql([f"DISTINCT {', '.join(tags) or '1'}"], place, where)
            return int(session.fetch(select_sql(["count(*)"], f"({inner})"), parameters)[0][0])
    return sum(session.fetch(select_sql(columns, place, where), parameters)[0]) if columns else 0


def _where(session: Session, show: ShowCardinality, table: Table, parameters: Parameters) -> str:
    condition, bounds = split_condition(show.condition, session.now_ns)
    if bounds != TimeRange():
        if show.of == "TAG VALUES":
            return "WHERE FALSE"
        name = show.of if show.of == "FIELD KEY" else f"{show.of} EXACT"
        raise QueryError(f"SHOW {name} CARDINALITY doesn't support time in WHERE clause")
    if condition is None:
        return ""
    tags = tuple(column for column in table.columns if column.kind == "tag")
    return f"WHERE {condition_sql(condition, Table(table.measurement, table.relation, tags), parameters)}"
