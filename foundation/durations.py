"""Durations as people write them: `500ms`, `10s`, `1m30s`, `24h`, `7d`, `2w`."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS_US = {"us": 1, "ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_UNITS_US["w"] = 7 * _UNITS_US["d"]
_PART = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m|h|d|w)")
_WHOLE = re.compile(r"(?:\d+(?:\.\d+)?(?:us|ms|s|m|h|d|w))+")


def parse(text: str) -> timedelta:
    """`"1m30s"` to a timedelta; `"0"` is zero. Raises ValueError that says which form is expected."""
    if text == "0":
        return timedelta(0)
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"{text!r} is not a duration; write a number and a unit, as in 500ms, 10s, 1m30s, 24h or 7d")
    return timedelta(microseconds=sum(float(number) * _UNITS_US[unit] for number, unit in _PART.findall(text)))


def render(value: timedelta) -> str:
    """A timedelta as the shortest exact text that `parse` reads back: `1m30s`, `24h`, `0s`."""
    rest = value // timedelta(microseconds=1)
    if rest == 0:
        return "0s"
    parts = ["-"] if rest < 0 else []
    rest = abs(rest)
    for unit in ("d", "h", "m", "s", "ms", "us"):
        count, rest = divmod(rest, _UNITS_US[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)
