"""Which time it is as far as retention goes: a clock that is wrong by years must not delete everything.

The last moment that was believed is kept in the file. A clock that stands more than a day from where that moment has
run to since is not believed until it has stood there for a day of running; until then points age as time really goes
by. Nothing depends on it but what is deleted or refused for its age.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

_SECOND: Final = 1_000_000_000
DOUBT: Final = timedelta(days=1)
"""How far a clock may jump and is believed at once: a machine that was off over night tells the truth."""
PATIENCE: Final = timedelta(days=1)
"""How long a clock in doubt has to stand to it, the process running."""
_DOUBT_NS: Final = DOUBT // timedelta(microseconds=1) * 1_000


@dataclass(frozen=True, slots=True)
class Belief:
    """`believed_ns` was the time when the monotonic clock showed `at_s`; in doubt since `doubt_s`, if at all."""

    believed_ns: int
    at_s: float
    doubt_s: float | None = None

    def moment(self, now_ns: int, monotonic_s: float) -> int:
        """The time to reckon ages from: `now_ns`, unless it is too far ahead to be true."""
        expected = self._expected(monotonic_s)
        return expected if now_ns > expected + _DOUBT_NS else now_ns

    def judge(self, now_ns: int, monotonic_s: float) -> Belief:
        """What to believe from now on."""
        if abs(now_ns - self._expected(monotonic_s)) <= _DOUBT_NS:
            return Belief(now_ns, monotonic_s)
        if self.doubt_s is None:
            return Belief(self.believed_ns, self.at_s, monotonic_s)
        if monotonic_s - self.doubt_s >= PATIENCE.total_seconds():
            return Belief(now_ns, monotonic_s)
        return self

    def problem(self, now_ns: int, monotonic_s: float) -> str:
        """Why ages are not reckoned from the clock; empty where they are."""
        if self.doubt_s is None:
            return ""
        expected, left = self._expected(monotonic_s), PATIENCE.total_seconds() - (monotonic_s - self.doubt_s)
        off = timedelta(seconds=abs(now_ns - expected) // _SECOND)
        ahead = "ahead of" if now_ns > expected else "behind"
        return (
            f"the clock is {off} {ahead} what the store knows ({_told(expected)}): "
            f"no point is deleted for its age by that clock for another {max(0.0, left) / 3600:.0f} h"
        )

    def _expected(self, monotonic_s: float) -> int:
        return self.believed_ns + int((monotonic_s - self.at_s) * _SECOND)


def _told(moment_ns: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=moment_ns // _SECOND)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
