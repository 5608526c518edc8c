"""What may be said about a line, in the words that answers, metrics and dead letters share.

Stands below decode, transform and check, which all rule on lines and never know each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from foundation.line_protocol.line import Line

NOTHING: Mapping[Any, int] = MappingProxyType({})
"""Counts of what did not happen."""


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
    LINE_SIZE = "line_size"
    """A line of more bytes than the limits allow."""
    TAG_COUNT = "tag_count"
    """A line of more tags than the limits allow."""
    TRANSFORM = "transform"
    """A transform cannot be applied to the line, or what it makes of it cannot be written."""
    REQUIRED_TAG = "required_tag"
    """A tag is missing that the measurement has to carry."""
    VALUE_RANGE = "value_range"
    """A value is outside the range configured for its field."""
    CLOCK_SKEW = "clock_skew"
    """The timestamp is further from now than its source may be off."""
    CARDINALITY = "cardinality"
    """A new series over the budget of its measurement or source."""
    MEASUREMENT_SCOPE = "measurement_scope"
    """A measurement that the sender's token may not write."""
    FORCED_TAG = "forced_tag"
    """A tag has another value than the sender's token forces."""
    SERIES_QUOTA = "series_quota"
    """A new series over the quota of the sender's token."""
    WHOLE_BODY = "whole_body"
    """A good line of a body that was refused as a whole (`bad_lines: reject`)."""

    __hash__ = str.__hash__  # Enum's own is Python, and every body's refusals are looked through


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a line is not taken. `reason` is for people, in InfluxDB's words where it has them."""

    cause: Cause
    reason: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """An objection to the line (or JSON item) number `number`, counted from 1. `line` may be cut.

    `as_sent` is False where `line` is not what came but the line protocol (ns timestamp) that was made of it.
    """

    number: int
    line: bytes
    objection: Objection
    as_sent: bool = True


@dataclass(frozen=True, slots=True)
class Removal:
    """Why a line is taken out on purpose: by a configured policy, counted under the name of who ruled so."""

    reason: str


Ruling = Line | Objection | Removal | None
"""What a transform or a check makes of a line: another line, a refusal, nothing at all; None leaves it as it is."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What is known of a body besides its lines. `source` is who sent it, as in `token:NAME` or `host:ADDRESS`."""

    bucket: str
    source: str
    now_ns: int
