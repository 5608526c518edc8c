"""Lines that no shape takes, read one at a time: escapes, newlines in strings, odd spacing, and everything wrong.

Slow and exact: the verdict on each line is that of the line protocol's own parser and of the types that are pinned.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

import pyarrow as pa

from foundation.batch import FieldType, Refused
from foundation.line_protocol.line import FieldValue, Line, LineError, field_type
from foundation.line_protocol.parse import parse_line
from store.embedded.numbering import Part, Tags, trimmed
from store.embedded.schema import SERIES, TIME, Column

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from store.embedded.catalog import Growth

ARROW_TYPES: Final[Mapping[FieldType | None, Any]] = {
    None: pa.string(),
    FieldType.FLOAT: pa.float64(),
    FieldType.INTEGER: pa.int64(),
    FieldType.UNSIGNED: pa.uint64(),
    FieldType.STRING: pa.string(),
    FieldType.BOOLEAN: pa.bool_(),
}
"""Arrow's type for each type of column; None is a tag."""

Row = tuple[int, int, dict[Column, FieldValue]]
"""ordinal in the body, time in ns, values"""


@dataclass(slots=True)
class OneByOne:
    """What became of the lines: rows per measurement, and those that were refused."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)


def read_lines(lines: Iterable[tuple[int, bytes]], growth: Growth) -> OneByOne:
    """Read (ordinal, line) pairs; new names and types go into `growth`."""
    read = OneByOne()
    for ordinal, text in lines:
        try:
            line = parse_line(text)
            row = (ordinal, _time(line), _values(line, growth))
        except LineError as error:
            read.refused.append(Refused(text, error.reason, ordinal + 1))
        else:
            read.rows.setdefault(line.measurement, []).append(row)
    return read


def as_part(rows: list[Row], tag_columns: Iterable[Column]) -> Part:
    """The rows of one measurement, whose table has these tags in this order."""
    keys = list(tag_columns)
    fields = {column: None for _, _, values in rows for column in values if column.kind == "field"}
    places: dict[Tags, int] = {}
    series = [
        places.setdefault(trimmed([cast("str | None", values.get(key)) for key in keys]), len(places))
        for _, _, values in rows
    ]
    arrays = {
        column.physical: pa.array([values.get(column) for _, _, values in rows], ARROW_TYPES[column.type])
        for column in fields
    }
    ordinals, times = [row[0] for row in rows], [row[1] for row in rows]
    made = {**arrays, TIME: pa.array(times, pa.int64()), "ordinal": pa.array(ordinals, pa.int64())}
    return Part(pa.table({**made, SERIES: pa.array(series, pa.int32())}), tuple(places))


def check_types(line: Line, growth: Growth) -> None:
    """Raise LineError, in influxd's words, when a field is of another type than it is pinned to."""
    own: dict[str, FieldType] = {}
    for name, value in line.fields:
        type_ = field_type(value)
        pinned = growth.field_type(line.measurement, name) or own.setdefault(name, type_)
        if type_ is not pinned:
            raise LineError(
                f'field type conflict: input field "{name}" on measurement "{line.measurement}" is type {type_}, '
                f"already exists as type {pinned}"
            )


def _time(line: Line) -> int:
    if line.time_ns is None:
        raise LineError("missing timestamp: a store takes no line without one")
    return line.time_ns


def _values(line: Line, growth: Growth) -> dict[Column, FieldValue]:
    fields = {name: value for name, value in line.fields if name != "time"}
    if not fields:
        raise LineError(f'invalid field name: input field "time" on measurement "{line.measurement}" is invalid')
    check_types(line, growth)
    values: dict[Column, FieldValue] = {}
    for key, text in line.tags:
        values[growth.column(line.measurement, key, "tag", None)] = text
    for key, value in fields.items():
        values[growth.column(line.measurement, key, "field", field_type(value))] = value
    return values
