"""`datapoints: M of N`: what the last datapoints of a series come to, exactly as CloudWatch evaluates an alarm. Pure.

The state table asks it for each level of a rule. Its oracles are CloudWatch's published tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from alerting.rules.policy import Datapoints, Missing


class Outcome(StrEnum):
    """What `look_back` finds: CloudWatch's ALARM, OK, "retain the state" and INSUFFICIENT_DATA."""

    ALARM = "alarm"
    OK = "ok"
    RETAIN = "retain"
    INSUFFICIENT = "insufficient"


def look_back(points: Sequence[bool | None], datapoints: Datapoints, missing: Missing) -> Outcome:
    """CloudWatch's evaluation of M out of N. `points` are oldest first (True bad, False good, None missing).

    `points` is the evaluation range: N + 2 evaluations, or fewer where the series is younger than that; nothing before
    its first datapoint counts as missing.
    """
    real = [(age, bad) for age, bad in enumerate(reversed(points), start=1) if bad is not None]
    needed, window = datapoints.needed, datapoints.window
    if len(real) >= window:
        return Outcome.ALARM if sum(bad for _, bad in real[:window]) >= needed else Outcome.OK
    bad = sum(bad for _, bad in real)
    filled = min(window, len(points)) - len(real) if missing is Missing.ALERT else 0
    if bad + max(filled, 0) >= needed:
        return Outcome.ALARM
    if missing in (Missing.ALERT, Missing.OK) or bad < len(real):
        return Outcome.OK
    if missing is Missing.KEEP:
        return Outcome.RETAIN
    return Outcome.ALARM if real and real[-1][0] >= needed else Outcome.INSUFFICIENT
