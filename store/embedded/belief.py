"""Which time it is as far as retention goes: a clock that is wrong by years must not delete everything.

The last moment that was believed is kept in the file. A clock that stands more than a day from where that moment has
run to since is not believed until the process has run with it for a day, restarts or not; until then points age as
time really goes by. Nothing depends on it but what is deleted or refused for its age.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from foundation import durations

_SECOND: Final = 1_000_000_000
DOUBT: Final = timedelta(days=1)
"""How far a clock may jump and is believed at once: a machine that was off over night tells the truth."""
PATIENCE: Final = timedelta(days=1)
"""How long a clock in doubt has to stand to it, the process running."""
_DOUBT_NS: Final = DOUBT // timedelta(microseconds=1) * 1_000


@dataclass(frozen=True, slots=True)
class Belief:
    """`believed_ns` was the time when the monotonic clock showed `at_s`.

    `doubted_s` is for how long the process had run in doubt when it was `looked_s`; None without a doubt.
    """

    believed_ns: int
    at_s: float
    doubted_s: float | None = None
    looked_s: float = 0.0

    def moment(self, now_ns: int, monotonic_s: float) -> int:
        """The time to reckon ages from: `now_ns`, unless it is too far ahead to be true."""
        expected = self.expected(monotonic_s)
        return expected if now_ns > expected + _DOUBT_NS else now_ns

    def judge(self, now_ns: int, monotonic_s: float) -> Belief:
        """What to believe from now on."""
        if abs(now_ns - self.expected(monotonic_s)) <= _DOUBT_NS:
            return Belief(now_ns, monotonic_s)
        doubted_s = 0.0 if self.doubted_s is None else self.doubted_s + monotonic_s - self.looked_s
        if doubted_s >= PATIENCE.total_seconds():
            return Belief(now_ns, monotonic_s)
        return Belief(self.believed_ns, self.at_s, doubted_s, monotonic_s)

    def expected(self, monotonic_s: float) -> int:
        """What time it is if the last moment that was believed has run on since."""
        return self.believed_ns + int((monotonic_s - self.at_s) * _SECOND)

    def problem(self, now_ns: int, monotonic_s: float) -> str:
        """Why ages are not reckoned from the clock; empty where they are."""
        if self.doubted_s is None:
            return ""
        expected = self.expected(monotonic_s)
        left = PATIENCE.total_seconds() - self.doubted_s - (monotonic_s - self.looked_s)
        off = durations.render(timedelta(seconds=abs(now_ns - expected) // _SECOND))
        ahead = "ahead of" if now_ns > expected else "behind"
        return (
            f"the clock is {off} {ahead} what the store knows ({_told(expected)}): "
            f"no point is deleted for its age by that clock for another {max(0.0, left) / 3600:.0f} h"
        )


def _told(moment_ns: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=moment_ns // _SECOND)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
