"""Rows of a table as columns: read in one statement, so in one committed state, and put in order of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from sys import intern
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from foundation.batch import FieldType
from influxql.translate.parameters import Parameters
from influxql.translate.statement import select_sql
from store.embedded.recent.contract import Asking
from store.embedded.recent.series import Numbers, SeriesNumbers, Stored
from store.embedded.schema import SERIES, TIME, Column, Table

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]

_WIDTHS: Final[Mapping[FieldType, tuple[Any, ...]]] = {
    FieldType.FLOAT: (np.float64,),
    FieldType.INTEGER: (np.int8, np.int16, np.int32, np.int64),
    FieldType.UNSIGNED: (np.int8, np.int16, np.int32, np.uint64),
}
"""What values of a type may be kept as: the first that holds them all."""


@dataclass(frozen=True, slots=True)
class Values:
    """One field of some rows: its values, and where there are any (None: everywhere)."""

    values: Array
    present: Mask | None


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows in order of time, column by column; `fields` by physical name."""

    times: npt.NDArray[np.int64]
    series: Numbers
    fields: Mapping[str, Values]


def count_rows(session: Asking, table: Table, first_ns: int) -> int:
    """How many rows the table has from a moment on."""
    parameters = Parameters()
    rows = session.fetch(select_sql(["count(*)"], _since(table.points, first_ns, parameters)), parameters)
    return int(rows[0][0])


def read_rows(
    session: Asking,
    table: Table,
    tags: Sequence[Column],
    fields: Sequence[Column],
    first_ns: int,
    index: SeriesNumbers,
) -> Rows:
    """All rows of the table from a moment on. Raises TooManySeries."""
    read = _read(session, table, fields, first_ns)
    stored = read.column(SERIES).to_numpy()
    if not _meet(session, table, tags, index, stored):
        # The rows of a series went after they were read, and then it: now both are read as of one moment.
        with session.snapshot():
            read = _read(session, table, fields, first_ns)
            stored = read.column(SERIES).to_numpy()
            _meet(session, table, tags, index, stored)
    times, numbers = read.column(TIME).to_numpy(), index.number(stored)
    found = {column.physical: _values(read.column(column.physical), column) for column in fields}
    if np.any(times[1:] < times[:-1]):
        by_time = np.argsort(times, kind="stable")
        times, numbers = times[by_time], numbers[by_time]
        found = {
            name: Values(one.values[by_time], None if one.present is None else one.present[by_time])
            for name, one in found.items()
        }
    return Rows(times, numbers, found)


def _read(session: Asking, table: Table, fields: Sequence[Column], first_ns: int) -> pa.Table:
    parameters = Parameters()
    columns = [TIME, SERIES, *(f'"{column.physical}"' for column in fields)]
    return session.fetch_table(select_sql(columns, _since(table.points, first_ns, parameters)), parameters)


def _meet(session: Asking, table: Table, tags: Sequence[Column], index: SeriesNumbers, stored: Stored) -> bool:
    """Let the index know all these series; false where the file has not all of them any more."""
    unmet = index.unmet(stored)
    if not len(unmet):
        return True
    parameters = Parameters()
    first, last = parameters.bind(int(unmet[0])), parameters.bind(int(unmet[-1]))
    columns = [SERIES, *(f'"{column.physical}"' for column in tags)]
    place = f"{table.keys} WHERE {SERIES} BETWEEN {first} AND {last}"
    read = session.fetch_table(select_sql(columns, place), parameters)
    read = read.filter(pc.is_in(read.column(SERIES), pa.array(unmet)))
    numbers, *values = (column.to_pylist() for column in read.columns)
    for number, *of_series in zip(numbers, *values, strict=True):
        index.meet(number, tuple([value and intern(value) for value in of_series]))
    return len(numbers) == len(unmet)


def narrowest(type_: FieldType) -> Any:
    """The type that an empty column begins with."""
    return _WIDTHS[type_][0]


def _since(place: str, first_ns: int, parameters: Parameters) -> str:
    return f"{place} WHERE {TIME} >= {parameters.bind(first_ns)}"


def _values(column: Any, of: Column) -> Values:
    if not column.null_count:
        return Values(_narrowed(column.to_numpy(), of), None)
    present = pc.is_valid(column).to_numpy()
    return Values(_narrowed(pc.fill_null(column, 0).to_numpy(), of), present)


def _narrowed(values: Array, of: Column) -> Array:
    if of.type is None or of.type is FieldType.FLOAT:
        return values
    if not len(values):
        return values.astype(narrowest(of.type))
    low, high = int(values.min()), int(values.max())
    widths = _WIDTHS[of.type]
    fitting = (width for width in widths if np.iinfo(width).min <= low and high <= np.iinfo(width).max)
    return values.astype(next(fitting, widths[-1]))
