"""The rows of a slice put in the place of those that the target had, within the writer's transaction."""

# ruff: noqa: S608 - the SQL holds our own physical names and integers

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from foundation.batch import FieldType
from foundation.errors import Permanent
from store.embedded.fallback import Row, as_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from store.embedded.catalog import Growth
    from store.embedded.deleting import Deletion
    from store.embedded.rollups.definition import Place
    from store.embedded.rollups.reading import Point
    from store.embedded.schema import Column, Table


class TargetConflict(Permanent):
    """The target holds a field of that name in another type."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The new rows of a slice as an Arrow table, None where there are none, and the times of their windows."""

    arrow: Any
    times: frozenset[int]


@dataclass(frozen=True, slots=True)
class Replaced:
    """Windows whose rows are new in the target, and those that had rows before."""

    fresh: int
    again: int


def fit(points: Sequence[Point], target: Place, growth: Growth) -> Rows:
    """The points as rows of the target; new names go into `growth`. Raises TargetConflict."""
    rows: list[Row] = []
    for ordinal, point in enumerate(points):
        values: dict[Column, Any] = {
            growth.column(target.measurement, key, "tag", None): text for key, text in point.tags.items()
        }
        for name, (kind, value) in point.fields.items():
            column = growth.column(target.measurement, name, "field", kind)
            if column.type is not kind:
                raise TargetConflict(
                    f'field "{name}" is {kind}, and {target} holds it as {column.type}; give it another name'
                )
            values[column] = float(value) if kind is FieldType.FLOAT else value
        rows.append((ordinal, point.time_ns, values))
    return Rows(as_table(rows) if rows else None, frozenset(point.time_ns for point in points))


def delete_span(connection: duckdb.DuckDBPyConnection, table: Table, first: int, last: int) -> Any:
    """Delete the rows of [first, last); their times, each once, as an Arrow table with the column `time`."""
    within = f"WHERE time >= {first} AND time < {last}"
    times = connection.execute(f"SELECT DISTINCT time FROM {table.relation} {within}").fetchall()
    if times:
        connection.execute(f"DELETE FROM {table.relation} {within}")
    return pa.table({"time": pa.chunked_array([[time for (time,) in times]], pa.int64())})


def deleted_spans(connection: duckdb.DuckDBPyConnection, deletions: Sequence[Deletion]) -> list[tuple[str, int, int]]:
    """(measurement, first, last time) of the rows that are about to be deleted."""
    found = []
    for deletion in deletions:
        sql = f"SELECT min(time), max(time) FROM {deletion.table.relation} {deletion.where}"
        ((first, last),) = connection.execute(sql, deletion.parameters.values).fetchall()
        if first is not None:
            found.append((deletion.table.measurement, int(first), int(last)))
    return found


def compare(old: Any, rows: Rows) -> Replaced:
    """How many windows came and how many were replaced, by what `delete_span` gave (None where there was no table)."""
    before = frozenset() if old is None else frozenset(old.column("time").to_pylist())
    return Replaced(len(rows.times - before), len(before))
