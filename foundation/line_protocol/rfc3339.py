"""RFC 3339 to nanoseconds, exactly: no float on the way."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from foundation.line_protocol.line import LineError
from foundation.line_protocol.precision import Precision, scale

_FORM = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d{2}:\d{2})",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_rfc3339(text: str) -> int:
    """`2026-01-31T12:00:00.5Z` as nanoseconds since 1970. Raises LineError that shows the form."""
    form = _FORM.fullmatch(text)
    if form is None:
        raise LineError(f'"{text[:40]}" is no RFC 3339 time; write 2026-01-31T12:00:00Z or 2026-01-31T12:00:00.5+01:00')
    date, clock, fraction, zone = form.groups()
    try:
        moment = datetime.fromisoformat(f"{date}T{clock}{zone.upper().replace('Z', '+00:00')}")
    except ValueError as error:
        raise LineError(f'"{text[:40]}" is no time: {error}') from error
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    return scale(seconds * 1_000_000_000 + int((fraction or "0").ljust(9, "0")), Precision.NS)
