"""Rows of one measurement into its table: one row for each series and time, merged field by field, last write wins.

Runs within the writer's transaction. Data in order of time, which is nearly all, is a plain insert; only rows that are
not newer than everything in the table are merged, within their own range of time.
"""

# ruff: noqa: S608 - the SQL holds our own physical names and integers; nothing of it comes from a line

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from store.embedded.clustering import cluster
from store.embedded.schema import SERIES, TIME, points_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from store.embedded.schema import Table

_BATCH: Final = "incoming"
_KEY: Final = f"{TIME}, {SERIES}"
_GAP_NS: Final = 3_600_000_000_000
_MOST_STRETCHES: Final = 16


@dataclass(frozen=True, slots=True)
class _Names:
    points: str
    fields: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        return (TIME, SERIES, *self.fields)


def newest_time(connection: duckdb.DuckDBPyConnection, relation: str, until: int | None = None) -> int | None:
    """Time of the measurement's newest row (until that moment) in ns, None when there is none."""
    where = "" if until is None else f" WHERE time <= {until}"
    (row,) = connection.execute(f"SELECT max(time) FROM {points_of(relation)}{where}").fetchall()
    return None if row[0] is None else int(row[0])


def forget_rows(connection: duckdb.DuckDBPyConnection) -> None:
    """Let go of the rows that were being stored. After a failure: call it behind the rollback."""
    connection.unregister(_BATCH)


def store_rows(connection: duckdb.DuckDBPyConnection, table: Table, parts: Sequence[Any], newest: int | None) -> int:
    """Store `parts` (Arrow tables with physical names, `time`, `series`, `ordinal`); `newest`: the table's newest time.

    Returns the newest time after it.
    """
    rows = pa.concat_tables(parts, promote_options="default") if len(parts) > 1 else parts[0]
    present = set(rows.column_names)
    names = _Names(
        table.points,
        tuple(column.physical for column in table.fields.values() if column.physical in present),
    )
    times = rows.column(TIME)
    first, latest, apart = _span(times)
    rows = cluster(rows, latest - first)
    if apart and (newest is None or first > newest):
        _append(connection, table, rows)
        return int(latest)
    connection.register(_BATCH, rows)
    source = _BATCH if apart else _one_row_per_point(connection, names, len(rows))
    if newest is None or first > newest:
        _insert(connection, names, source)
    else:
        for stretch in _stretches(times, newest):
            _merge(connection, names, source, stretch)
        if latest > newest:
            _insert(connection, names, f"{source} WHERE time > {newest}")
    forget_rows(connection)
    return int(latest if newest is None else max(latest, newest))


def _span(times: Any) -> tuple[int, int, bool]:
    """First and last of the times, and whether no two are equal; mostly they rise, and one look tells."""
    values = times.to_numpy()
    if bool(np.all(values[1:] > values[:-1])):
        return int(values[0]), int(values[-1]), True
    return int(values.min()), int(values.max()), pc.count_distinct(times).as_py() == len(values)


def _append(connection: duckdb.DuckDBPyConnection, table: Table, rows: Any) -> None:
    """All rows as they are, every column of the table in its order: a third less work than by a registered name."""
    names = [TIME, SERIES, *(column.physical for column in table.fields.values())]
    present = set(rows.column_names)
    columns = [rows.column(name) if name in present else pa.nulls(len(rows)) for name in names]
    connection.from_arrow(pa.table(columns, names=names)).insert_into(table.points)


def _stretches(times: Any, newest: int) -> list[tuple[int, int]]:
    """First and last of the times up to `newest`, cut at long gaps.

    One device with a wrong clock then costs a look at its own old time, not at everything that came since.
    """
    late = pc.unique(pc.filter(times, pc.less_equal(times, newest)))
    late = late.take(pc.sort_indices(late))
    after_gap = pc.greater(pc.pairwise_diff(late), _GAP_NS)
    cuts = pc.indices_nonzero(pc.fill_null(after_gap, fill_value=False)).to_pylist()
    edges = [0, *(cuts if len(cuts) < _MOST_STRETCHES else ()), len(late)]
    return [(late[start].as_py(), late[stop - 1].as_py()) for start, stop in pairwise(edges)]


def _one_row_per_point(connection: duckdb.DuckDBPyConnection, names: _Names, count: int) -> str:
    """SQL that yields the batch without duplicates: for each field the value that was written last."""
    ((distinct,),) = connection.execute(f"SELECT count(DISTINCT ({_KEY})) FROM {_BATCH}").fetchall()
    if distinct == count:
        return _BATCH
    fields = ", ".join(f"arg_max({name}, ordinal) AS {name}" for name in names.fields)
    return f"(SELECT {_KEY}, {fields} FROM {_BATCH} GROUP BY {_KEY})"


def _insert(connection: duckdb.DuckDBPyConnection, names: _Names, source: str) -> None:
    columns = ", ".join(names.all)
    connection.execute(f"INSERT INTO {names.points} ({columns}) SELECT {columns} FROM {source}")


def _merge(connection: duckdb.DuckDBPyConnection, names: _Names, source: str, stretch: tuple[int, int]) -> None:
    """Merge the rows of a stretch of time: only the table's rows within it are looked at."""
    within = "BETWEEN {} AND {}".format(*stretch)
    updates = ", ".join(f"{field} = coalesce(new.{field}, old.{field})" for field in names.fields)
    values = ", ".join(f"new.{name}" for name in names.all)
    connection.execute(
        f"MERGE INTO {names.points} AS old USING (SELECT * FROM {source} WHERE time {within}) AS new "
        f"ON (old.time = new.time AND old.series = new.series AND old.time {within}) "
        f"WHEN MATCHED THEN UPDATE SET {updates} "
        f"WHEN NOT MATCHED THEN INSERT ({', '.join(names.all)}) VALUES ({values})"
    )
