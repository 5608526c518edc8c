"""How long a bucket keeps its points: `Retention` tells where it begins, `Ages` by which clock.

The store refuses lines that are older, and `expiry` deletes points that have become so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from foundation import durations
from foundation.logs import logger
from store.embedded.belief import Belief

if TYPE_CHECKING:
    from collections.abc import Mapping

    from foundation.clock import Clock

_log = logger("store.embedded.retention")
_OTHERS: Final = "default"


@dataclass(frozen=True, slots=True)
class Bound:
    """Where a bucket begins, in ns since 1970, and why older lines are refused."""

    first_ns: int
    reason: str


@dataclass(frozen=True, slots=True)
class Retention:
    """Bucket -> how long its points are kept; `default` is for the buckets that are not named, zero is for ever."""

    spans: Mapping[str, timedelta]

    def bound(self, bucket: str, now_ns: int) -> Bound | None:
        """Where the bucket begins now; None when it keeps everything."""
        span = self.span(bucket)
        if span is None:
            return None
        kept = durations.render(span)
        return Bound(
            now_ns - span // timedelta(microseconds=1) * 1_000,
            f'points beyond retention policy: bucket "{bucket}" keeps the last {kept}',
        )

    def span(self, bucket: str) -> timedelta | None:
        """How long the bucket keeps its points; None for ever."""
        return self.spans.get(bucket, self.spans.get(_OTHERS, timedelta())) or None

    @property
    def limited(self) -> bool:
        """Whether any bucket may lose points."""
        return any(self.spans.values())


class Ages:
    """Where buckets begin now, by a clock that is not believed blindly. `begin` comes first; any thread may ask."""

    def __init__(self, retention: Retention, clock: Clock) -> None:
        self.retention = retention
        self._clock = clock
        self._belief = Belief(clock.now_ns(), clock.monotonic())

    def begin(self, believed_ns: int, doubted_s: float | None) -> None:
        """The last moment that is known to have been true, and for how long the clock has been in doubt since."""
        now_s = self._clock.monotonic()
        self._belief = Belief(believed_ns, now_s, doubted_s, now_s)

    def bound(self, bucket: str) -> Bound | None:
        """Where the bucket begins; None when it keeps everything."""
        return self.retention.bound(bucket, self._belief.moment(self._clock.now_ns(), self._clock.monotonic()))

    def judge(self) -> tuple[int, float | None]:
        """Look at the clock again; what is to be kept for `begin`."""
        now_s = self._clock.monotonic()
        before, self._belief = self._belief, self._belief.judge(self._clock.now_ns(), now_s)
        after = self._belief.doubted_s
        if after is not None and before.doubted_s is None:
            _log.error("retention does not believe the clock", reason=self.problem)
        elif after is None and before.doubted_s is not None:
            _log.info("retention goes by the clock again")
        return self._belief.expected(now_s), after

    @property
    def problem(self) -> str:
        """Why ages are not reckoned from the clock; empty where they are."""
        return self._belief.problem(self._clock.now_ns(), self._clock.monotonic())
