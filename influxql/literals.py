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

_PART: Final = re.compile(r"(\d+)(ns|ms|[uµsmhdw])", re.ASCII)
_WHOLE: Final = re.compile(r"(?:\d+(?:ns|ms|[uµsmhdw]))+", re.ASCII)
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONGEST_NUMBER: Final = 19
_INT64: Final = 2**63


def parse_duration(text: str) -> int:
    """`1h30m` in nanoseconds. Raises ParseError, which names no place, as InfluxDB's does not."""
    parts = _PART.findall(text)
    too_long = any(len(count.lstrip("0")) > _LONGEST_NUMBER for count, _ in parts)
    if not _WHOLE.fullmatch(text) or too_long or any(int(count) >= _INT64 for count, _ in parts):
        raise ParseError("invalid duration")
    whole = sum(int(count) * UNITS_NS[unit] for count, unit in parts)
    wrapped = (whole + _INT64) % (2 * _INT64) - _INT64
    if wrapped < 0:
        count, unit = parts[-1]
        raise ParseError(f"overflowed duration {int(count)}{unit}: choose a smaller duration or INF")
    return wrapped


def format_duration(value_ns: int) -> str:
    """Nanoseconds as one number and its largest whole unit: `90m`, `36h`, `0s`."""
    if value_ns == 0:
        return "0s"
    for unit in ("w", "d", "h", "m", "s", "ms", "u"):
        if value_ns % UNITS_NS[unit] == 0:
            return f"{value_ns // UNITS_NS[unit]}{unit}"
    return f"{value_ns}ns"


def quote_name(name: str, *, always: bool = False) -> str:
    """A name as it may stand in a query: bare where that is allowed and not `always` quoted, else in double quotes."""
    if not always and _PLAIN.fullmatch(name) and name.upper() not in KEYWORDS:
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def quote_string(text: str) -> str:
    """A string literal in single quotes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def quote_regex(pattern: str) -> str:
    """A regex literal between slashes."""
    return "/" + pattern.replace("/", "\\/") + "/"
