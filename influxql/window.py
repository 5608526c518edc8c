"""GROUP BY time(): which window a moment falls into, in UTC or in the zone of tz().

Windows start at multiples of the interval since 1970 of the zone's own clock, moved by the offset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from influxql.literals import MAX_TIME, MIN_TIME

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_S, _LAST_S = -62_135_510_400, 253_402_214_400
_SECOND = 1_000_000_000
_STEP_S = 7 * 86_400
_CENTURY_S = 3_155_760_000


@dataclass(frozen=True, slots=True)
class Window:
    """`interval` > 0 and `offset`, in nanoseconds; `zone` is UTC without tz()."""

    interval: int
    offset: int = 0
    zone: tzinfo = UTC

    def start(self, moment: int) -> int:
        """The start of the window that holds `moment`."""
        shifted = moment - self.offset
        zone = self._zone_ns(shifted)
        start = max(MIN_TIME, shifted - (shifted + zone) % self.interval + self.offset)
        return start + self._correction(zone, start)

    def cut_off(self, moment: int) -> bool:
        """Whether the window that holds `moment` begins before the first moment there is; then it starts with that."""
        return moment - (moment - self.offset) % self.interval < MIN_TIME

    def following(self, start: int) -> int:
        """The start of the window after the one that starts at `start`."""
        following = self.start(start + self.interval)
        # A day of 25 hours leaves start + interval in the same window.
        return following if following > start else self.start(start + self.interval + self.interval // 2)

    def starts(self, lower: int, upper: int, most: int | None = None) -> Sequence[int]:
        """The starts of all windows that hold a moment of [lower, upper], in order; `most`: how many are wanted."""
        current = self.start(lower)
        if self.zone is UTC and not self.cut_off(lower):
            return range(current, upper + 1, self.interval)[:most]
        found: list[int] = []
        while current <= upper and (most is None or len(found) < most):
            found.append(current)
            current = self.following(current)
        return found

    def zone_steps(self, lower: int, upper: int) -> list[tuple[int, int]]:
        """The zone's offsets within [lower, upper] as (from moment, offset), ns; the first holds from the beginning."""
        steps = [(MIN_TIME, self._zone_ns(lower))]
        if self.zone is UTC:
            return steps
        at, end = max(lower // _SECOND, -_CENTURY_S), min(upper // _SECOND, 2 * _CENTURY_S)
        while at < end:
            following = min(at + _STEP_S, end)
            if self._zone_ns(following * _SECOND) != steps[-1][1]:
                steps.append(self._switch(at, following))
            at = following
        return steps

    def _switch(self, before_s: int, after_s: int) -> tuple[int, int]:
        new = self._zone_ns(after_s * _SECOND)
        while after_s - before_s > 1:
            middle = (before_s + after_s) // 2
            if self._zone_ns(middle * _SECOND) == new:
                after_s = middle
            else:
                before_s = middle
        return after_s * _SECOND, new

    def _correction(self, zone_ns: int, moment: int) -> int:
        change = zone_ns - self._zone_ns(moment)
        return change if abs(change) < self.interval else 0

    def _zone_ns(self, moment: int) -> int:
        if self.zone is UTC:
            return 0
        seconds = max(_FIRST_S, min(_LAST_S, moment // _SECOND))
        offset = (_EPOCH + timedelta(seconds=seconds)).astimezone(self.zone).utcoffset()
        return 0 if offset is None else offset // timedelta(microseconds=1) * 1000


def clamp(lower: int | None, upper: int | None) -> tuple[int, int]:
    """Bounds with what InfluxDB's time range leaves where the query set none."""
    return (MIN_TIME if lower is None else lower), (MAX_TIME if upper is None else upper)
