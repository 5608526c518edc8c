"""The rows of a slice put in the place of those that the target had, within the writer's transaction."""

# ruff: noqa: S608 - the SQL holds our own physical names and integers

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import Permanent
from store.embedded.numbering import Part, part_of
from store.embedded.schema import TIME

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from store.embedded.catalog import Growth
    from store.embedded.deleting import Deletion
    from store.embedded.rollups.definition import Place
    from store.embedded.rollups.reading import Rows
    from store.embedded.schema import Table


class TargetConflict(Permanent):
    """The target holds a field of that name in another type."""


@dataclass(frozen=True, slots=True)
class Replaced:
    """Windows whose rows are new in the target, and those that had rows before."""

    fresh: int
    again: int


def fit(rows: Rows | None, first: int, target: Place, growth: Growth) -> Part | None:
    """The rows from `first` on as the target's table takes them, None where there are none. Raises TargetConflict.

    New names go into `growth`.
    """
    if rows is None or not len(rows.times):
        return None
    columns = {
        growth.column(target.measurement, key, "tag", None).physical: values
        for key, values in rows.tags.items()
        if values.null_count < len(values)
    }
    for name, (kind, values) in rows.fields.items():
        column = growth.column(target.measurement, name, "field", kind)
        if column.type is not kind:
            raise TargetConflict(
                f'field "{name}" is {kind}, and {target} holds it as {column.type}; give it another name'
            )
        columns[column.physical] = values
    ordinals = pa.array(range(len(rows.times)), pa.int64())
    fitted = pa.table({**columns, TIME: rows.times, "ordinal": ordinals}).filter(pc.greater_equal(rows.times, first))
    return part_of(fitted, growth.table(target.measurement))


def delete_span(connection: duckdb.DuckDBPyConnection, table: Table, first: int, last: int) -> Any:
    """Delete the rows of [first, last); their times, each once, as an Arrow table with the column `time`."""
    within = f"WHERE time >= {first} AND time < {last}"
    times = connection.execute(f"SELECT DISTINCT time FROM {table.points} {within}").fetchall()
    if times:
        connection.execute(f"DELETE FROM {table.points} {within}")
    return pa.table({"time": pa.chunked_array([[time for (time,) in times]], pa.int64())})


def deleted_spans(connection: duckdb.DuckDBPyConnection, deletions: Sequence[Deletion]) -> list[tuple[str, int, int]]:
    """(measurement, first, last time) of the rows that are about to be deleted."""
    found = []
    for deletion in deletions:
        sql = f"SELECT min(time), max(time) FROM {deletion.table.points} {deletion.where}"
        ((first, last),) = connection.execute(sql, deletion.parameters.values).fetchall()
        if first is not None:
            found.append((deletion.table.measurement, int(first), int(last)))
    return found


def compare(gone: Any, come: Any) -> Replaced:
    """How many windows came and how many were replaced, by what `delete_span` and `fit` gave (None: nothing)."""
    before, after = ({*()} if rows is None else {*rows.column(TIME).to_pylist()} for rows in (gone, come))
    return Replaced(len(after - before), len(before))
