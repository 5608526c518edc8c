"""What a rule asks of its alerts, apart from the query: all that the state table needs to know. Pure.

A `Rule` makes one of itself once, when it is read; `alerting.state` reads it at every step.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from alerting.alert import Level
from alerting.rules.threshold import Threshold
from foundation import durations


class Missing(StrEnum):
    """What a gap (an evaluation without a value for a known series) counts as; CloudWatch's word is behind each."""

    KEEP = "keep"  # ignore
    OK = "ok"  # notBreaching
    ALERT = "alert"  # breaching
    MISSING = "missing"  # missing


@dataclass(frozen=True, slots=True)
class Datapoints:
    """`3 of 5`: how many of the newest datapoints must be bad."""

    needed: int
    window: int

    @classmethod
    def parse(cls, text: str) -> Datapoints:
        """Read `"3 of 5"`. Raises ValueError that says which form is expected."""
        match = re.fullmatch(r"\s*(\d+)\s+of\s+(\d+)\s*", text)
        if match is None:
            raise ValueError(f'{text!r} is not "M of N"; write how many of how many evaluations, as in "3 of 5"')
        needed, window = int(match[1]), int(match[2])
        if not 1 <= needed <= window <= MOST_DATAPOINTS:
            raise ValueError(f"{text!r}: M of N needs 1 <= M <= N <= {MOST_DATAPOINTS}")
        return cls(needed, window)

    @property
    def range(self) -> int:
        """How many evaluations are looked at, so that gaps may be bridged by older datapoints."""
        return self.window + 2

    def __str__(self) -> str:
        return f"{self.needed} of {self.window}"


@dataclass(frozen=True, slots=True)
class Flapping:
    """`4 in 30m`: an alert that fires for the fourth time in half an hour is flapping."""

    times: int
    within: timedelta

    @classmethod
    def parse(cls, text: str) -> Flapping:
        """Read `"4 in 30m"`. Raises ValueError that says which form is expected."""
        match = re.fullmatch(r"\s*(\d{1,4})\s+in\s+(\S+)\s*", text)
        if match is None:
            raise ValueError(f'{text!r} is not "N in SPAN"; write how often in how long, as in "4 in 30m"')
        times, within = int(match[1]), durations.parse(match[2])
        if not LEAST_FIRES <= times <= MOST_DATAPOINTS or within <= timedelta(0):
            bounds = f"{LEAST_FIRES} <= N <= {MOST_DATAPOINTS}"
            raise ValueError(f"{text!r}: N in SPAN needs {bounds} and a span longer than 0s")
        return cls(times, within)

    def __str__(self) -> str:
        return f"{self.times} in {durations.render(self.within)}"


MOST_DATAPOINTS = 1000
LEAST_FIRES = 2
"""Who fires once is not flapping."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Thresholds, timers and the treatment of gaps. At least one of `warn` and `critical` is there."""

    every: timedelta
    warn: Threshold | None = None
    critical: Threshold | None = None
    resolve: Threshold | None = None
    hold: timedelta = timedelta(0)
    """`for`: how long it must be bad before the alert fires"""
    keep_firing_for: timedelta = timedelta(0)
    datapoints: Datapoints | None = None
    flapping: Flapping | None = None
    missing: Missing = Missing.KEEP
    forget: timedelta = timedelta(hours=24)

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels that the rule knows, worst first."""
        return tuple(level for level in (Level.CRITICAL, Level.WARNING) if self.threshold(level) is not None)

    def threshold(self, level: Level) -> Threshold | None:
        """The threshold of a level."""
        return {Level.CRITICAL: self.critical, Level.WARNING: self.warn}.get(level)

    def bound(self, level: Level) -> float | None:
        """The number to be crossed for a level."""
        threshold = self.threshold(level)
        return None if threshold is None else threshold.bound

    def level(self, value: float) -> Level:
        """How bad one value is, hysteresis aside."""
        if self.critical is not None and self.critical.holds(value):
            return Level.CRITICAL
        if self.warn is not None and self.warn.holds(value):
            return Level.WARNING
        return Level.OK

    def has_recovered(self, value: float) -> bool:
        """Whether a value is good enough to end a firing alert."""
        if self.level(value) is not Level.OK:
            return False
        return self.resolve is None or self.resolve.holds(value)
