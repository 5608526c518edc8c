"""How InfluxQL writes durations, names and strings."""

from __future__ import annotations

import re
from typing import Final

from influxql.errors import ParseError
from influxql.tokens import KEYWORDS

UNITS_NS: Final = {
    "ns": 1,
    "u": 1_000,
    "µ": 1_000,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
    "w": 604_800_000_000_000,
}
MIN_TIME: Final = -(2**63) + 2
MAX_TIME: Final = 2**63 - 2
"""The first and last nanosecond that InfluxDB stores."""

_PART = re.compile(r"(\d+)(ns|us|ms|[uµsmhdw])")
_WHOLE = re.compile(r"(?:\d+(?:ns|us|ms|[uµsmhdw]))+")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def parse_duration(text: str) -> int:
    """`1h30m` in nanoseconds. Raises ParseError, which names no place, as InfluxDB's does not."""
    if not _WHOLE.fullmatch(text):
        raise ParseError("invalid duration")
    return sum(int(count) * UNITS_NS[unit] for count, unit in _PART.findall(text))


def format_duration(value_ns: int) -> str:
    """Nanoseconds as one number and its largest whole unit: `90m`, `36h`, `0s`."""
    if value_ns == 0:
        return "0s"
    for unit in ("w", "d", "h", "m", "s", "ms", "u"):
        if value_ns % UNITS_NS[unit] == 0:
            return f"{value_ns // UNITS_NS[unit]}{unit}"
    return f"{value_ns}ns"


def quote_name(name: str) -> str:
    """A name as it may stand in a query: bare where that is allowed, else in double quotes."""
    if _PLAIN.fullmatch(name) and name.upper() not in KEYWORDS:
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def quote_string(text: str) -> str:
    """A string literal in single quotes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def quote_regex(pattern: str) -> str:
    """A regex literal between slashes."""
    return "/" + pattern.replace("/", "\\/") + "/"
