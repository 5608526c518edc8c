"""THE table: every state of an alert, everything that can be found at an evaluation, and what follows. Pure.

The evaluator (and the rehearsal of rules) calls `step` for each series at each evaluation, `end` when a rule goes away
and `carried` when the clock was set; nobody else changes the state of an alert. The invariant is in the table: only a
real finding moves an alert, so a failed query, a gap under `keep` and a collector that is behind can never resolve
anything.

Theory of operation
-------------------
Everything that affects transitions stands in this file, and as much as possible in `TABLE`; but for how many of the
last datapoints are bad, for which CloudWatch has tables of its own (`looking_back`).

1. A datapoint (one series at one evaluation; its value, or None for a gap) is judged: how does it stand to the rule's
   thresholds, and, under `datapoints: M of N`, how do the last N + 2 stand (`look_back`, CloudWatch's algorithm)?
   The verdict is bad (with a level), between (no longer bad, `resolve` not reached), good, held (nothing may be
   concluded) or lost (`missing: missing`).
2. The verdict becomes a `Finding` once the running timer is read: bad and bad *long* (for as long as `for` asks), good
   and good *long* (for as long as `keep_firing_for` asks). `ended` comes from outside: forgotten, or the rule is gone.
3. `TABLE[phase][finding]` gives the next phase and what people are told. A phase is a state, with firing split in two:
   `firing`, and `calming`, which is firing while the `keep_firing_for` countdown runs.
4. Entering a phase sets its timers (`_enter`); the level moves freely while the alert is open (`_level`).

Time is only ever compared, never read: `now` is the nominal time of the evaluation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from alerting.alert import Alert, Change, Datapoint, Level, State, Transition
from alerting.looking_back import Outcome, look_back
from alerting.recent import Recent
from alerting.rules.policy import Datapoints, Missing, Policy
from alerting.rules.threshold import plain
from foundation import durations


class Phase(StrEnum):
    """Where an alert stands in the table; `calming` is shown to people as firing."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    CALMING = "calming"
    NO_DATA = "no-data"


class Finding(StrEnum):
    """What one evaluation says about one series."""

    BAD = "bad"
    BAD_LONG = "bad long"
    BETWEEN = "between"
    GOOD = "good"
    GOOD_LONG = "good long"
    HELD = "held"
    LOST = "lost"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Move:
    """One cell of the table: the next phase, and what the move is called (None: nothing to tell)."""

    to: Phase
    change: Change | None = None


TABLE: Mapping[Phase, Mapping[Finding, Move]] = {
    Phase.INACTIVE: {
        Finding.BAD: Move(Phase.PENDING, Change.PENDING),
        Finding.BAD_LONG: Move(Phase.FIRING, Change.FIRED),
        Finding.BETWEEN: Move(Phase.INACTIVE),
        Finding.GOOD: Move(Phase.INACTIVE),
        Finding.GOOD_LONG: Move(Phase.INACTIVE),
        Finding.HELD: Move(Phase.INACTIVE),
        Finding.LOST: Move(Phase.INACTIVE),
        Finding.ENDED: Move(Phase.INACTIVE),
    },
    Phase.PENDING: {
        Finding.BAD: Move(Phase.PENDING),
        Finding.BAD_LONG: Move(Phase.FIRING, Change.FIRED),
        Finding.BETWEEN: Move(Phase.INACTIVE, Change.CANCELLED),
        Finding.GOOD: Move(Phase.INACTIVE, Change.CANCELLED),
        Finding.GOOD_LONG: Move(Phase.INACTIVE, Change.CANCELLED),
        Finding.HELD: Move(Phase.PENDING),
        Finding.LOST: Move(Phase.INACTIVE, Change.CANCELLED),
        Finding.ENDED: Move(Phase.INACTIVE, Change.CANCELLED),
    },
    Phase.FIRING: {
        Finding.BAD: Move(Phase.FIRING),
        Finding.BAD_LONG: Move(Phase.FIRING),
        Finding.BETWEEN: Move(Phase.FIRING),
        Finding.GOOD: Move(Phase.CALMING),
        Finding.GOOD_LONG: Move(Phase.INACTIVE, Change.RESOLVED),
        Finding.HELD: Move(Phase.FIRING),
        Finding.LOST: Move(Phase.NO_DATA, Change.DATA_LOST),
        Finding.ENDED: Move(Phase.INACTIVE, Change.RESOLVED),
    },
    Phase.CALMING: {
        Finding.BAD: Move(Phase.FIRING),
        Finding.BAD_LONG: Move(Phase.FIRING),
        Finding.BETWEEN: Move(Phase.FIRING),
        Finding.GOOD: Move(Phase.CALMING),
        Finding.GOOD_LONG: Move(Phase.INACTIVE, Change.RESOLVED),
        Finding.HELD: Move(Phase.CALMING),
        Finding.LOST: Move(Phase.NO_DATA, Change.DATA_LOST),
        Finding.ENDED: Move(Phase.INACTIVE, Change.RESOLVED),
    },
    Phase.NO_DATA: {
        Finding.BAD: Move(Phase.FIRING, Change.DATA_BACK),
        Finding.BAD_LONG: Move(Phase.FIRING, Change.DATA_BACK),
        Finding.BETWEEN: Move(Phase.FIRING, Change.DATA_BACK),
        Finding.GOOD: Move(Phase.CALMING, Change.DATA_BACK),
        Finding.GOOD_LONG: Move(Phase.INACTIVE, Change.RESOLVED),
        Finding.HELD: Move(Phase.NO_DATA),
        Finding.LOST: Move(Phase.NO_DATA),
        Finding.ENDED: Move(Phase.INACTIVE, Change.RESOLVED),
    },
}

STATES: Mapping[Phase, State] = {
    Phase.INACTIVE: State.INACTIVE,
    Phase.PENDING: State.PENDING,
    Phase.FIRING: State.FIRING,
    Phase.CALMING: State.FIRING,
    Phase.NO_DATA: State.NO_DATA,
}

OPEN = frozenset({State.FIRING, State.NO_DATA})
"""States in which people have been told and wait for the end."""

RECENT = 10
"""Datapoints kept with an active alert of a rule without `datapoints`, to explain it."""


class _Verdict(StrEnum):
    BAD = "bad"
    BETWEEN = "between"
    GOOD = "good"
    HELD = "held"
    LOST = "lost"


def phase(alert: Alert) -> Phase:
    """The row of the table in which an alert stands."""
    if alert.state is State.FIRING:
        return Phase.FIRING if alert.calm_since is None else Phase.CALMING
    return Phase(alert.state)


def step(
    policy: Policy, alert: Alert, datapoint: Datapoint, now: datetime, *, behind: bool
) -> tuple[Alert | None, tuple[Transition, ...]]:
    """One evaluation of one series that is known (or seen for the first time: then `alert` is a fresh one).

    Returns the alert afterwards, None where the series is forgotten, and what changed, in order. With `behind` (the
    collector still holds older data) the datapoint may fire or keep firing, but a good one and a gap count for nothing.
    A failed query is no step at all.
    """
    if datapoint.value is None and behind:
        return alert, ()
    if _rests(policy, alert, datapoint.value):
        return replace(alert, value=datapoint.value, seen_at=datapoint.at, quiet_s=0.0), ()
    alert = _rewound(alert, now)
    seen = _see(policy, alert, datapoint)
    if seen.quiet_s >= policy.forget.total_seconds() and datapoint.value is None:
        return end(seen, now, f"no data for {durations.render(policy.forget)}, the series is forgotten")
    if behind and _is_calm(policy, alert, datapoint.value):
        return replace(seen, recent=alert.recent), ()
    verdict, level = _judge(policy, seen, datapoint.value)
    if behind and verdict not in (_Verdict.BAD, _Verdict.BETWEEN):
        verdict = _Verdict.HELD
    finding = _finding(policy, alert, verdict, datapoint, now)
    level = _level(policy, alert, verdict, level, behind=behind)
    return _move(policy, seen, finding, level, now)


def end(alert: Alert, now: datetime, reason: str) -> tuple[None, tuple[Transition, ...]]:
    """The alert ceases to exist (its series is forgotten, its rule is gone): its last transition, if it was active."""
    was = phase(alert)
    move = TABLE[was][Finding.ENDED]
    if move.change is None:
        return None, ()
    after = _enter(alert, was, move.to, now)
    return None, (Transition(alert=after, before=alert.state, change=move.change, at=now, reason=reason),)


def carried(alert: Alert, by: timedelta) -> Alert:
    """The alert after the clock was set by so much: a timer that runs has run for as long as before."""
    since = alert.since and alert.since + by if alert.state is State.PENDING else alert.since
    return replace(alert, since=since, calm_since=alert.calm_since and alert.calm_since + by)


def differs(before: Alert | None, after: Alert) -> bool:
    """Whether `after` must be stored: a new series, a moved state, level or timer, a value people are looking at.

    What merely ticks is stored now and then: a silence that begins, ends, or has grown by ten minutes.
    """
    if before is None:
        return True
    keys = ("state", "level", "threshold", "since", "fired_at", "calm_since", "is_flapping")
    if any(getattr(before, key) != getattr(after, key) for key in keys):
        return True
    if (before.quiet_s > 0) != (after.quiet_s > 0) or before.quiet_s // 600 != after.quiet_s // 600:
        return True
    return after.state is not State.INACTIVE and before.value != after.value


def _see(policy: Policy, alert: Alert, datapoint: Datapoint) -> Alert:
    """Take the datapoint down: the last value, the silence so far, the recent datapoints."""
    recent: Sequence[Datapoint]
    if policy.datapoints is None:  # to explain it, so seldom read
        recent = Recent.of(alert.recent).with_newest(datapoint, RECENT)
    else:
        recent = (*alert.recent, datapoint)[-policy.datapoints.range :]
    if datapoint.value is None:
        return replace(alert, quiet_s=alert.quiet_s + policy.every.total_seconds(), recent=recent)
    return replace(alert, value=datapoint.value, seen_at=datapoint.at, quiet_s=0.0, recent=recent)


def _rewound(alert: Alert, now: datetime) -> Alert:
    """The alert with no timer that starts in the future: where the clock was set back, a timer runs from now."""
    if max(filter(None, (alert.since, alert.fired_at, alert.calm_since)), default=now) <= now:
        return alert
    since, fired_at, calm_since = (
        start and min(start, now) for start in (alert.since, alert.fired_at, alert.calm_since)
    )
    return replace(alert, since=since, fired_at=fired_at, calm_since=calm_since)


def _rests(policy: Policy, alert: Alert, value: float | None) -> bool:
    """Whether this is the common case, a good value of an inactive alert: the table's first row lets it rest."""
    if value is None or alert.state is not State.INACTIVE or policy.datapoints is not None:
        return False
    return policy.level(value) is Level.OK


def _is_calm(policy: Policy, alert: Alert, value: float | None) -> bool:
    """Whether a value would speak for the good side; while behind it is not even kept."""
    if value is None:
        return True
    return policy.has_recovered(value) if alert.state in OPEN else policy.level(value) is Level.OK


def _judge(policy: Policy, alert: Alert, value: float | None) -> tuple[_Verdict, Level]:
    if policy.datapoints is not None:
        return _judge_range(policy, policy.datapoints, alert)
    if value is None:
        return _judge_gap(policy)
    level = policy.level(value)
    if level is not Level.OK:
        return _Verdict.BAD, level
    return (_Verdict.GOOD if policy.has_recovered(value) else _Verdict.BETWEEN), Level.OK


def _judge_gap(policy: Policy) -> tuple[_Verdict, Level]:
    match policy.missing:
        case Missing.KEEP:
            return _Verdict.HELD, Level.OK
        case Missing.OK:
            return _Verdict.GOOD, Level.OK
        case Missing.ALERT:
            return _Verdict.BAD, policy.levels[0]
        case Missing.MISSING:
            return _Verdict.LOST, Level.OK


def _judge_range(policy: Policy, datapoints: Datapoints, alert: Alert) -> tuple[_Verdict, Level]:
    """The worst level that M of N datapoints reach. An open alert counts as bad all that has not recovered."""
    outcome, level = Outcome.OK, Level.OK
    for level in policy.levels:
        lasting = alert.state in OPEN and level is policy.levels[-1]
        points = [_is_bad(policy, point.value, level, lasting=lasting) for point in alert.recent]
        outcome = look_back(points, datapoints, policy.missing)
        if outcome is not Outcome.OK:
            break
    match outcome:
        case Outcome.ALARM:
            return _Verdict.BAD, level
        case Outcome.OK:
            return _Verdict.GOOD, Level.OK
        case Outcome.RETAIN:
            return _Verdict.HELD, Level.OK
        case Outcome.INSUFFICIENT:
            return _Verdict.LOST, Level.OK


def _is_bad(policy: Policy, value: float | None, level: Level, *, lasting: bool) -> bool | None:
    if value is None:
        return None
    return policy.level(value) >= level or (lasting and not policy.has_recovered(value))


def _finding(policy: Policy, alert: Alert, verdict: _Verdict, datapoint: Datapoint, now: datetime) -> Finding:
    """Read the timer that the verdict runs against. Under `keep` no countdown ends on a gap."""
    frozen = datapoint.value is None and policy.missing is Missing.KEEP
    match verdict:
        case _Verdict.BAD:
            start = alert.since if alert.state is State.PENDING else now
            return Finding.BAD_LONG if _served(start, now, policy.hold, frozen=frozen) else Finding.BAD
        case _Verdict.GOOD:
            served = _served(alert.calm_since or now, now, _calm_for(policy, alert), frozen=frozen)
            return Finding.GOOD_LONG if served else Finding.GOOD
        case _Verdict.BETWEEN:
            return Finding.BETWEEN
        case _Verdict.HELD:
            return Finding.HELD
        case _Verdict.LOST:
            return Finding.LOST


def _calm_for(policy: Policy, alert: Alert) -> timedelta:
    """For how long it has to be good: an alert that is flapping ends when it was calm for the span it flaps in."""
    guard = policy.flapping
    return max(policy.keep_firing_for, guard.within) if guard and alert.is_flapping else policy.keep_firing_for


def _served(start: datetime | None, now: datetime, length: timedelta, *, frozen: bool) -> bool:
    if length == timedelta(0):
        return True
    return not frozen and start is not None and now - start >= length


def _level(policy: Policy, alert: Alert, verdict: _Verdict, level: Level, *, behind: bool) -> Level:
    """The level that goes with a verdict. Between the thresholds an open alert stands at the rule's lowest level."""
    is_open = alert.state in OPEN
    if verdict is _Verdict.BETWEEN:
        level = policy.levels[-1] if is_open else Level.OK
    elif verdict is not _Verdict.BAD:
        return alert.level
    return max(level, alert.level) if behind and is_open else level


def _move(
    policy: Policy, alert: Alert, finding: Finding, level: Level, now: datetime
) -> tuple[Alert, tuple[Transition, ...]]:
    was = phase(alert)
    move = TABLE[was][finding]
    after = _counted(policy, alert, _enter(alert, was, move.to, now), now)
    if after.state is State.INACTIVE:
        after = after if policy.datapoints else replace(after, recent=())
    else:
        after = replace(after, level=level, threshold=policy.bound(level))
    changes = [move.change] if move.change is not None else []
    if alert.state in OPEN and after.state in OPEN and after.level is not alert.level:
        changes.append(Change.RAISED if after.level > alert.level else Change.LOWERED)
    reason = _reason(policy, alert, after, finding, now)
    return after, tuple(
        Transition(alert=after, before=alert.state, change=change, at=now, reason=reason) for change in changes
    )


def _enter(alert: Alert, was: Phase, to: Phase, now: datetime) -> Alert:
    """The alert in its new phase, with the timers of that phase. An inactive alert keeps those of its last episode."""
    calm_since = (alert.calm_since or now) if to is Phase.CALMING else None
    if to is Phase.INACTIVE:
        return replace(alert, state=State.INACTIVE, level=Level.OK, calm_since=None)
    since = now if was is Phase.INACTIVE else alert.since
    fired_at = None if to is Phase.PENDING else alert.fired_at
    if STATES[to] in OPEN and was in (Phase.INACTIVE, Phase.PENDING):
        fired_at = now
    return replace(alert, state=STATES[to], since=since, fired_at=fired_at, calm_since=calm_since)


def _counted(policy: Policy, before: Alert, after: Alert, now: datetime) -> Alert:
    """The alert with its count of how often it fired lately."""
    guard = policy.flapping
    if guard is None or (before.state in OPEN) == (after.state in OPEN):
        return after
    if after.state not in OPEN:
        return replace(after, is_flapping=False)
    fires = (*(at for at in before.fires if timedelta(0) <= now - at < guard.within), now)[-guard.times :]
    return replace(after, fires=fires, is_flapping=len(fires) >= guard.times)


def _reason(policy: Policy, before: Alert, after: Alert, finding: Finding, now: datetime) -> str:
    """Why, in a few words: `912.5 > 800 since 1m`."""
    value = "no data" if before.quiet_s > 0 or before.value is None else plain(before.value)
    if finding is Finding.LOST:
        return "no data (missing: missing)"
    if finding in (Finding.BAD, Finding.BAD_LONG):
        threshold = policy.threshold(after.level)
        held = value == "no data" or threshold is None
        words = f"{value} (missing: {policy.missing})" if held else f"{value} {threshold}"
        words += f" in {policy.datapoints} datapoints" if policy.datapoints is not None else ""
        words += f"; flapping: fired {policy.flapping}" if policy.flapping and after.is_flapping else ""
        waited = now - after.since if after.since is not None else timedelta(0)
        return f"{words} since {durations.render(waited)}" if waited else words
    if value == "no data":
        return f"no data (missing: {policy.missing})"
    threshold = policy.resolve or policy.threshold(policy.levels[-1])
    if finding is Finding.BETWEEN:
        return f"{value} is not {threshold} yet" if after.state in OPEN else f"{value} is no longer bad"
    words = f"{value} {threshold}" if policy.resolve is not None else f"{value}, no longer {threshold}"
    calm = now - before.calm_since if before.calm_since is not None else timedelta(0)
    return f"{words} for {durations.render(calm)}" if calm else words
