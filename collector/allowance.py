"""What a token's writing is held to, beyond its scopes and buckets: measurements, forced tags, quotas, as values.

`tocsin token create` makes one, the tokens' file keeps it, the constraint room builds what keeps lines to it. Reading
is not bound by any of it: InfluxQL reads a bucket.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from foundation.line_protocol.encode import encode_head
from foundation.line_protocol.line import LineError

BURST_S = 10
"""A quota of lines per second lets this many seconds' worth come at once, unless it says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """Empty means unbound. Raises ValueError for what could not be kept, in words for who types it.

    `measurements` are patterns (`*`, `?`, `[ab]`), `tags` the pairs that every line carries; a body of lines passes
    while `lines_per_second` lasts, up to `burst` at once, and at most `series` are alive.
    """

    measurements: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    lines_per_second: float | None = None
    burst: int | None = None
    series: int | None = None

    def __post_init__(self) -> None:
        """Refuse tags that no line can carry, and quotas that let nothing through."""
        if not all(self.measurements):
            raise ValueError("a measurement has a name or a pattern, as in device_*")
        if len(dict(self.tags)) < len(self.tags):
            raise ValueError("a tag is forced to one value; one is given twice")
        try:
            encode_head("m", self.tags)
        except LineError as error:
            raise ValueError(f"a forced tag cannot be written: {error.reason}") from error
        rate = self.lines_per_second
        if rate is not None and not (math.isfinite(rate) and rate > 0):
            raise ValueError("lines per second is a number greater than 0")
        if self.burst is not None and (rate is None or self.burst < 1):
            raise ValueError("burst is at least 1 line, and goes with lines per second")
        if self.series is not None and self.series < 1:
            raise ValueError("series is at least 1")

    @property
    def most_at_once(self) -> float:
        """Lines that the rate lets through at once."""
        return float(self.burst or max((self.lines_per_second or 0.0) * BURST_S, 1.0))


KEYS = ("measurements", "tags", "lines_per_second", "burst", "series")
_NOTHING: tuple[object, ...] = (None, [], {})
FREE = Allowance()
"""Bound by nothing."""


def read_allowance(entry: Mapping[str, Any]) -> Allowance:
    """From a token's entry in the file; a key that is missing binds nothing, and FREE is one object.

    Raises ValueError, TypeError, AttributeError for an entry that is none.
    """
    if all(entry.get(key) in _NOTHING for key in KEYS):
        return FREE
    return Allowance(
        measurements=tuple(entry.get("measurements", ())),
        tags=tuple(sorted(entry.get("tags", {}).items())),
        lines_per_second=entry.get("lines_per_second"),
        burst=entry.get("burst"),
        series=entry.get("series"),
    )


def plain(allowance: Allowance) -> dict[str, Any]:
    """As it stands in the file, and in `tocsin token list --json`."""
    return {
        "measurements": list(allowance.measurements),
        "tags": dict(allowance.tags),
        "lines_per_second": allowance.lines_per_second,
        "burst": allowance.burst,
        "series": allowance.series,
    }
