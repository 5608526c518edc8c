"""Time zones by name, as tz() gives them."""

from __future__ import annotations

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from influxql.errors import QueryError


def find_zone(name: str | None) -> tzinfo:
    """The time zone; UTC without one, and for the empty name. Raises QueryError where nobody knows it."""
    if name in (None, "", "UTC"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise QueryError(f"unable to find time zone {name}") from None


def zone_exists(name: str) -> bool:
    """Whether this machine knows the zone."""
    try:
        find_zone(name)
    except QueryError:
        return False
    return True
