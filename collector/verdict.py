"""What may be said against a line, in the words that answers, metrics and dead letters share.

Stands below decode and check, which both object to lines and never know each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """The named reason under which a refused line is counted."""

    SYNTAX = "syntax"
    """Not a line (or item) of its protocol."""
    FIELD_TYPE = "field_type"
    """A field has another type than the one pinned for it."""
    FIELD_NAME = "field_name"
    """No field is left: the only one was named `time`, which InfluxDB strips."""
    FIELD_STRIPPED = "field_stripped"
    """The line was taken without its field named `time`."""
    STRING_SIZE = "string_size"
    """A string field is longer than InfluxDB keeps."""
    WHOLE_BODY = "whole_body"
    """A good line of a body that was refused as a whole (`bad_lines: reject`)."""


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a line is not taken. `reason` is for people, in InfluxDB's words where it has them."""

    cause: Cause
    reason: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """An objection to the line (or JSON item) number `number`, counted from 1. `line` may be cut."""

    number: int
    line: bytes
    objection: Objection
