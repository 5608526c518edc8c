r"""Points as InfluxDB line protocol, ready for `/api/v2/write`. Pure.

`telemetry` calls this. The invariant: whatever text comes in, exactly one valid line comes out, or ValueError. Newlines
become spaces; a backslash at the end of a name or tag, which cannot be escaped there, is dropped.

Source: https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

Value = bool | int | float | str
"""What a field may hold. Integers are 64 bits wide."""

_LEAST, _MOST = -(2**63), 2**63 - 1
_BREAKS = re.compile(r"[\r\n\0]+")
_IN_MEASUREMENT = re.compile(r"([, ])")
_IN_TAG = re.compile(r"([,= ])")


def head(measurement: str, tags: Mapping[str, str]) -> str:
    """Measurement and tags; a tag with an empty value is left out. Raises ValueError for an empty name."""
    parts = [_escaped(_IN_MEASUREMENT, measurement)]
    for name, value in sorted(tags.items()):
        written = _cut(value)
        if written:
            parts.append(f"{_escaped(_IN_TAG, name)}={_IN_TAG.sub(_BACKSLASHED, written)}")
    return ",".join(parts)


def line(start: str, fields: Mapping[str, Value], time_ns: int) -> bytes:
    """One line without its newline. `start` is what `head` made. Raises ValueError where no field can be written."""
    written = [f"{_escaped(_IN_TAG, name)}={_value(value)}" for name, value in fields.items() if _is_finite(value)]
    if not written:
        raise ValueError("a point needs at least one field with a finite value")
    return f"{start} {','.join(written)} {time_ns}".encode("utf-8", "replace")


_BACKSLASHED = r"\\\1"


def _escaped(special: re.Pattern[str], name: str) -> str:
    cut = _cut(name)
    if not cut:
        raise ValueError("a measurement, tag or field needs a name")
    return special.sub(_BACKSLASHED, cut)


def _cut(text: str) -> str:
    return _BREAKS.sub(" ", text).rstrip("\\")


def _is_finite(value: Value) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _value(value: Value) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() if _LEAST <= value <= _MOST:
            return f"{value}i"
        case int() | float():
            return repr(float(value))
        case str():
            text = _BREAKS.sub(" ", value).replace("\\", "\\\\").replace('"', '\\"')
            return f'"{text}"'
