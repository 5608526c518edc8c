"""Timestamps as texts: the forms in which a query may write a moment. `conditions` and `reduction` read them here."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from influxql.errors import QueryError

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})?)?", re.ASCII
)
_NO_OFFSET: Final = timedelta()
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def begins_as_moment(text: str) -> bool:
    """Whether the text begins with a date, so that it is meant as a moment where a moment is wanted."""
    return _DATE.match(text) is not None


def parse_moment(text: str, zone: tzinfo) -> int:
    """`2026-01-31`, `2026-01-31 08:00:00.5` (in `zone`) or RFC 3339, in nanoseconds. Raises QueryError."""
    match = _MOMENT.fullmatch(text)
    if match is None or ("T" in text) != (match[4] is not None):
        raise QueryError("invalid timestamp string")
    day, clock, digits, offset = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock or '00:00:00'}{offset or ''}")
    except ValueError:
        raise QueryError("invalid timestamp string") from None
    if moment.tzinfo is None:
        moment = _in_zone(moment.replace(tzinfo=UTC), zone)
    return (moment - _EPOCH) // timedelta(seconds=1) * 1_000_000_000 + int((digits or "").ljust(9, "0"))


def _in_zone(shown: datetime, zone: tzinfo) -> datetime:
    """The moment at which the clocks of a zone show what `shown` does in UTC.

    Where they do so twice, or never, it is the one that Go's library finds: the offset of `shown` is tried first.
    """
    try:
        guess = shown - (shown.astimezone(zone).utcoffset() or _NO_OFFSET)
        return shown - (guess.astimezone(zone).utcoffset() or _NO_OFFSET)
    except OverflowError:
        return shown  # beside the first or the last day of all


def format_moment(moment_ns: int) -> str:
    """A moment as RFC 3339 in UTC, to the second."""
    return f"{(_EPOCH + timedelta(seconds=moment_ns // 1_000_000_000)).replace(tzinfo=None).isoformat()}Z"
