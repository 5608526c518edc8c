"""The currency between rooms: line protocol as bytes, never a list of objects.

Every line of a `Batch` ends in a newline and carries a timestamp in nanoseconds, so a line may be written twice
without harm (same series, same time). A `Shipment` is what the buffer hands to a store: the same lines as gzip
members, compressed once on the way in, which may be concatenated and sent as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from isal import igzip


class FieldType(StrEnum):
    """Type of a field, pinned per bucket, measurement and field by the first value written. InfluxDB's names."""

    FLOAT = "float"
    INTEGER = "integer"
    UNSIGNED = "unsigned"
    STRING = "string"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines on their way in. `body`: line protocol, ns timestamps, trailing newline; `lines`: how many."""

    bucket: str
    body: bytes
    lines: int
    source: str


@dataclass(frozen=True, slots=True)
class Position:
    """How far a bucket's log was read: `offset` is the byte behind the last frame taken from the log named `log`."""

    log: str
    bucket: str
    offset: int


@dataclass(frozen=True, slots=True)
class Shipment:
    """Lines on their way out of the buffer: concatenated gzip members holding `lines` lines of one bucket."""

    bucket: str
    members: bytes
    lines: int

    def unpack(self) -> bytes:
        """The lines themselves (line protocol, ns timestamps, trailing newline)."""
        return bytes(igzip.decompress(self.members))  # type: ignore[no-untyped-call]  # isal has no types


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that was not taken: the line (no newline), its reason, and its 1-based number in the body (0 unknown)."""

    line: bytes
    reason: str
    number: int = 0
