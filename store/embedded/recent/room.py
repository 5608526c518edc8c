"""Which fields of a table are kept, by what there is room for. Pure.

Numbers come first: boards ask for them. Texts are kept where somebody asks for them and room is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from foundation.batch import FieldType
from influxql.functions import NUMERIC
from store.embedded.recent.texts import MOST_BYTES
from store.embedded.schema import Column, Table

_ROW_BYTES: Final = 16
"""Time, series, and a place in one order, with room to grow."""
_VALUE_BYTES: Final = 8
_WORK_BYTES: Final = 24
"""What reading a row and putting it in order takes meanwhile: for all rows of one table, as for the first time."""


def numeric_fields(table: Table) -> tuple[Column, ...]:
    """The fields that are numbers."""
    return tuple(column for column in table.fields.values() if column.type in NUMERIC)


def other_fields(table: Table, wanted: frozenset[str]) -> tuple[Column, ...]:
    """Those wanted (physical names) that are none."""
    return tuple(column for column in table.fields.values() if column.physical in wanted and column.type not in NUMERIC)


def texts_among(fields: Sequence[Column]) -> tuple[Column, ...]:
    """Those of text."""
    return tuple(column for column in fields if column.type is FieldType.STRING)


def bytes_of(fields: Sequence[Column]) -> int:
    """What a row with so many fields takes while it is read."""
    return _ROW_BYTES + _VALUE_BYTES * len(fields) + _WORK_BYTES


def room_for(rows: int, fields: Sequence[Column]) -> int:
    """What so many rows may take in all, in bytes."""
    return rows * bytes_of(fields) + MOST_BYTES * len(texts_among(fields))


def fields_to_keep(
    table: Table, wanted: frozenset[str], others: Sequence[Column], rows: int, free_bytes: int, ample_bytes: int
) -> tuple[Column, ...]:
    """All numbers and the `others` that are wanted, where that takes no more than is ample; else those wanted.

    That is the numbers alone where all is more than is free; for these, too, there may be no room.
    """
    numbers = numeric_fields(table)
    if room_for(rows, (*numbers, *others)) <= ample_bytes:
        return (*numbers, *others)
    numbers = tuple(column for column in numbers if column.physical in wanted)
    return (*numbers, *others) if room_for(rows, (*numbers, *others)) <= free_bytes else numbers
