r"""Points as InfluxDB line protocol, ready for `/api/v2/write`. Pure.

`telemetry` calls this. The invariant: whatever text comes in, exactly one valid line comes out, or ValueError. Newlines
become spaces; a backslash at the end of a name or tag, which cannot be escaped there, is dropped.

Source: https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from numbers import Integral, Real
from typing import Union

Value = Union[bool, int, float, str, Decimal, Real, None]
"""What a field may hold. Integers are 64 bits wide, other numbers become floats; None is left out, as NaN is."""

_LEAST, _MOST = -(2**63), 2**63 - 1
_BREAKS = re.compile(r"[\r\n\0]+")
_IN_MEASUREMENT = re.compile(r"([, ])")
_IN_TAG = re.compile(r"([,= ])")


def head(measurement: str, tags: Mapping[str, object]) -> str:
    """Measurement and tags as text; a tag that is empty or None is left out. Raises ValueError for an empty name."""
    parts = [_escaped(_IN_MEASUREMENT, measurement)]
    for name, value in sorted(tags.items()):
        written = "" if value is None else _cut(str(value))
        if written:
            parts.append(f"{_escaped(_IN_TAG, name)}={_IN_TAG.sub(_BACKSLASHED, written)}")
    return ",".join(parts)


def line(start: str, fields: Mapping[str, Value], time_ns: int) -> bytes:
    """One line without its newline. `start` is what `head` made. Raises ValueError for what is no value, or none."""
    written = [f"{_escaped(_IN_TAG, name)}={_value(name, value)}" for name, value in fields.items() if _is_told(value)]
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


def _is_told(value: Value) -> bool:
    if isinstance(value, (float, Decimal)):
        return math.isfinite(value)
    return value is not None


def _value(name: str, value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = _BREAKS.sub(" ", value).replace("\\", "\\\\").replace('"', '\\"')
        return f'"{text}"'
    if isinstance(value, Integral) and _LEAST <= int(value) <= _MOST:
        return f"{int(value)}i"
    if isinstance(value, (Real, Decimal)):
        return repr(float(value))
    raise ValueError(f"field {name!r}: expected a number, a bool or text, found {type(value).__name__}")
