"""Numbers as people read them: the filters of templates, and how a bare number prints. Pure.

Every filter takes a number (a bool is none) or None, which prints as `no data`. Three significant digits, no trailing
zeros: 912.5 ms is `912 ms`, 1250 ms is `1.25 s`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from alerting.rules.threshold import plain

NO_DATA = "no data"

_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_LARGE = ("", "k", "M", "G", "T", "P", "E")
_SMALL = ("", "m", "µ", "n", "p")
_NEARLY_ONE = 0.9995
"""from here on three digits round up to 1 of the larger unit"""
_MINUTE_S = 60
_UNITS_S = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def ms(value: float | None) -> str:
    """Milliseconds: `0.25 ms`, `912 ms`, `1.25 s`, from a minute on as `duration`."""
    if value is None or not math.isfinite(value):
        return _odd(value)
    if abs(value) < 1000 * _NEARLY_ONE:
        return f"{_short(value)} ms"
    return duration(value / 1000)


def duration(value: float | timedelta | None) -> str:
    """Seconds (or a span of time): `250 ms`, `1.25 s`, from a minute on the two largest units: `2m 5s`, `3d 4h`."""
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if value is None or not math.isfinite(value):
        return _odd(value)
    if abs(value) < _NEARLY_ONE and value != 0:
        return f"{_short(value * 1000)} ms"
    if round(abs(value)) < _MINUTE_S:
        return f"{_short(value)} s"
    rest = round(abs(value))
    parts: list[tuple[int, str]] = []
    for unit, size in _UNITS_S:
        count, rest = divmod(rest, size)
        if count or parts:
            parts.append((count, unit))
    told = " ".join(f"{count}{unit}" for count, unit in parts[:2] if count)
    return f"-{told}" if value < 0 else told


def percent(value: float | None) -> str:
    """A ratio: 0.0512 is `5.12%`, 1 is `100%`."""
    if value is None or not math.isfinite(value):
        return _odd(value)
    return f"{_short(value * 100)}%"


def in_bytes(value: float | None) -> str:
    """Bytes in powers of 1024: `512 B`, `1.5 GiB`."""
    if value is None or not math.isfinite(value):
        return _odd(value)
    scaled, unit = _scale(value, 1024, _BINARY)
    return f"{_short(scaled)} {unit}"


def si(value: float | None) -> str:
    """A number with the prefixes of SI: `950`, `1.5k`, `12.3M`, `4.2m`."""
    if value is None or not math.isfinite(value):
        return _odd(value)
    if 0 < abs(value) < _NEARLY_ONE:
        power = min(math.ceil(-math.log10(abs(value)) / 3), len(_SMALL) - 1)
        return f"{_short(value * 1000**power)}{_SMALL[power]}"
    scaled, unit = _scale(value, 1000, _LARGE)
    return f"{_short(scaled)}{unit}"


def show(value: object) -> object:
    """How a bare `{{ ... }}` prints: a float without a trailing `.0`, a time to the second, None as `no data`."""
    if value is None:
        return NO_DATA
    if isinstance(value, float):
        return plain(value) if math.isfinite(value) else _odd(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S UTC")
    return value


FILTERS: Mapping[str, Callable[..., str]] = {
    "ms": ms,
    "duration": duration,
    "percent": percent,
    "bytes": in_bytes,
    "si": si,
}


def _odd(value: float | None) -> str:
    return NO_DATA if value is None else str(value)


def _short(value: float) -> str:
    """Three significant digits, whole numbers whole, never an exponent below 1e15."""
    if abs(value) >= 100:  # noqa: PLR2004 - three digits before the point
        return plain(float(round(value)))
    return plain(float(f"{value:.3g}"))


def _scale(value: float, step: int, units: tuple[str, ...]) -> tuple[float, str]:
    power = 0
    while abs(value) >= step * _NEARLY_ONE and power < len(units) - 1:
        value, power = value / step, power + 1
    return value, units[power]
