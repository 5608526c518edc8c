"""A line of line protocol as typed values. Called by whoever walks line by line; the hot path never makes a `Line`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from foundation.batch import FieldType
from foundation.errors import Permanent

MOST_KEY_BYTES = 65_535
"""InfluxDB's limit on measurement, tags and field key together, with its separator of four bytes."""
KEY_SEPARATOR_BYTES = 4
MOST_STRING_BYTES = 1_048_576
"""InfluxDB's limit on the value of a string field."""
RESERVED_TAG_KEYS = frozenset({b"time", b"_field", b"_measurement", b"\x00", b"\xff"})
"""Tag keys that InfluxDB keeps for itself."""


class LineError(Permanent):
    """A line that cannot be taken. The message is the reason, without the line."""

    @property
    def reason(self) -> str:
        """Why, in words that fit behind `unable to parse '...': `."""
        return str(self)


@final
class Unsigned(int):
    """An unsigned integer field (`7u`); every other int is signed (`7i`)."""

    __slots__ = ()


FieldValue = float | int | str | bool
"""What a field holds; an `Unsigned` is an int that says so."""


@dataclass(frozen=True, slots=True)
class Line:
    """One point, unescaped. Tags and fields stand in the order of the line; of equal field keys the last one counts.

    `time_ns` is nanoseconds since 1970, or None where the line has no timestamp.
    """

    measurement: str
    tags: tuple[tuple[str, str], ...]
    fields: tuple[tuple[str, FieldValue], ...]
    time_ns: int | None


def field_type(value: FieldValue) -> FieldType:
    """The type under which InfluxDB keeps the value."""
    match value:
        case bool():
            return FieldType.BOOLEAN
        case Unsigned():
            return FieldType.UNSIGNED
        case int():
            return FieldType.INTEGER
        case float():
            return FieldType.FLOAT
        case _:
            return FieldType.STRING
