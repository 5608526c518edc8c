"""Rows of a table as columns: read in one statement, so in one committed state, and put in order of time.

They come piece by piece, and what is not kept of a piece is let go before the next one comes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from sys import intern
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from foundation.batch import FieldType
from influxql.translate.parameters import Parameters
from influxql.translate.statement import select_sql
from store.embedded.recent.contract import Asking
from store.embedded.recent.series import Numbers, SeriesNumbers, Stored
from store.embedded.recent.since import Since
from store.embedded.recent.stable import stable_order
from store.embedded.recent.texts import Texts, TooManyTexts
from store.embedded.schema import SERIES, TIME, Column, Table

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]

_WIDTHS: Final[Mapping[FieldType, tuple[Any, ...]]] = {
    FieldType.FLOAT: (np.float64,),
    FieldType.INTEGER: (np.int8, np.int16, np.int32, np.int64),
    FieldType.UNSIGNED: (np.int8, np.int16, np.int32, np.uint64),
    FieldType.STRING: (np.int32,),
    FieldType.BOOLEAN: (np.bool_,),
}
"""What values of a type may be kept as: the first that holds them all; of texts their numbers."""
_NO_TEXTS: Final[Mapping[str, Texts]] = MappingProxyType({})


class Values(NamedTuple):
    """One field of some rows: its values, and where there are any (None: everywhere).

    A tuple, for each answer makes a dozen of them.
    """

    values: Array
    present: Mask | None


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows in order of time, column by column; `fields` by physical name, without those that have too many texts."""

    times: npt.NDArray[np.int64]
    series: Numbers
    fields: Mapping[str, Values]


class TooManyRows(Exception):
    """More than there is room for."""


def read_rows(
    session: Asking,
    since: Since,
    tags: Sequence[Column],
    fields: Sequence[Column],
    index: SeriesNumbers,
    most: int | None = None,
    texts: Mapping[str, Texts] = _NO_TEXTS,
) -> Rows:
    """All rows of a table from a moment on. Raises TooManySeries, and TooManyRows beyond `most`.

    `texts` are those of the fields of text, by physical name, to which it puts what it meets.
    """
    parts = _read(session, since, fields, texts, most)
    if not _meet(session, since.table, tags, index, parts.series):
        # The rows of a series went after they were read, and then it: now both are read as of one moment.
        with session.snapshot():
            parts = _read(session, since, fields, texts, most)
            _meet(session, since.table, tags, index, parts.series)
    numbers = [index.number(stored) for stored in parts.series]
    parts.series.clear()
    times, series = _joined(parts.times, np.int64), _joined(numbers, np.int16)
    by_time = stable_order(times) if np.any(times[1:] < times[:-1]) else None
    if by_time is not None:
        times, series = times[by_time], series[by_time]
    kept = [column for column in fields if column.physical in parts.fields]
    found = {column.physical: _field(parts.fields.pop(column.physical), column, by_time) for column in kept}
    return Rows(times, series, found)


@dataclass(slots=True)
class _Parts:
    """What a reading brought, piece by piece, copied out of DuckDB's own buffers: all of those at once are too much."""

    times: list[Array]
    series: list[Stored]
    fields: dict[str, list[Values]]


def _read(
    session: Asking, since: Since, fields: Sequence[Column], texts: Mapping[str, Texts], most: int | None
) -> _Parts:
    parameters = Parameters()
    columns = [TIME, SERIES, *(f'"{column.physical}"' for column in fields)]
    parts, rows = _Parts([], [], {column.physical: [] for column in fields}), 0
    for batch in session.stream(select_sql(columns, since.sql(parameters)), parameters):
        rows += len(batch)
        if most is not None and rows > most:
            raise TooManyRows
        times, series, *values = batch.columns
        parts.times.append(times.to_numpy().copy())
        parts.series.append(series.to_numpy().copy())
        for column, read in zip(fields, values, strict=True):
            _take(parts.fields, column, read, texts.get(column.physical))
    return parts


def _take(into: dict[str, list[Values]], of: Column, read: Any, texts: Texts | None) -> None:
    """Put a piece of a field behind the others, if none of those had too many texts, nor has this."""
    parts = into.get(of.physical)
    if parts is not None:
        try:
            parts.append(_values(read, of) if texts is None else Values(texts.codes(read), _present(read)))
        except TooManyTexts:
            del into[of.physical]


def _joined(parts: list[Array], kind: Any) -> Array:
    """All parts behind each other, as wide as the widest; the list is empty then."""
    if not parts:
        return np.zeros(0, kind)
    if len(parts) == 1:
        return parts.pop()
    widest = max((part.dtype for part in parts), key=lambda dtype: dtype.itemsize)
    joined = np.concatenate(parts, dtype=widest, casting="unsafe")
    parts.clear()
    return joined


def _field(parts: list[Values], of: Column, by_time: Array | None) -> Values:
    """One field of all rows, put in this order (None: they are)."""
    masks = [part.present for part in parts]
    present = None
    if any(mask is not None for mask in masks):
        there = [np.ones(len(part.values), np.bool_) if part.present is None else part.present for part in parts]
        present = _joined(there, np.bool_)
    values = [part.values for part in parts]
    parts.clear()
    joined = _joined(values, np.float64 if of.type is None else narrowest(of.type))
    if by_time is None:
        return Values(joined, present)
    return Values(joined[by_time], None if present is None else present[by_time])


def _meet(
    session: Asking, table: Table, tags: Sequence[Column], index: SeriesNumbers, stored: Sequence[Stored]
) -> bool:
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


def _values(read: Any, of: Column) -> Values:
    """A piece of a field, copied."""
    blank = False if of.type is FieldType.BOOLEAN else 0
    known = read.fill_null(blank) if read.null_count else read
    return Values(_narrowed(known.to_numpy(zero_copy_only=False), of), _present(read))


def _present(read: Any) -> Mask | None:
    """Which rows of a piece have a value; None for all."""
    return pc.is_valid(read).to_numpy(zero_copy_only=False) if read.null_count else None


def _narrowed(values: Array, of: Column) -> Array:
    if of.type in (None, FieldType.FLOAT, FieldType.BOOLEAN):
        return values.copy()
    if not len(values):
        return values.astype(narrowest(of.type))
    low, high = int(values.min()), int(values.max())
    widths = _WIDTHS[of.type]
    fitting = (width for width in widths if np.iinfo(width).min <= low and high <= np.iinfo(width).max)
    return values.astype(next(fitting, widths[-1]))
