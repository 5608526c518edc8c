"""Units of timestamps: from what a client names to nanoseconds, exactly and within InfluxDB's range."""

from __future__ import annotations

from enum import StrEnum

from foundation.line_protocol.line import LineError

LEAST_NS = -9_223_372_036_854_775_806
MOST_NS = 9_223_372_036_854_775_806


class Precision(StrEnum):
    """The unit of a timestamp."""

    NS = "ns"
    US = "us"
    MS = "ms"
    S = "s"
    M = "m"
    H = "h"

    __hash__ = str.__hash__  # Enum's own is Python, and patterns are looked up by precision for every body

    @property
    def ns(self) -> int:
        """Nanoseconds in one unit."""
        return _NS[self]


_NS = {
    Precision.NS: 1,
    Precision.US: 1_000,
    Precision.MS: 1_000_000,
    Precision.S: 1_000_000_000,
    Precision.M: 60_000_000_000,
    Precision.H: 3_600_000_000_000,
}


def scale(stamp: int, precision: Precision) -> int:
    """A timestamp in `precision` as nanoseconds. Raises LineError when it leaves InfluxDB's range."""
    time_ns = stamp * precision.ns
    if not LEAST_NS <= time_ns <= MOST_NS:
        raise LineError(f"time outside range {LEAST_NS} - {MOST_NS}")
    return time_ns
