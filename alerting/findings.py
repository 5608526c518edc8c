"""What is wrong with rules that can be read: those that can never fire, never end, or fire for ever. Pure.

`tocsin check` asks it, and `untold` about notify.yml. The invariant: a fault is proven, it can never be meant; what may
be meant is a warning.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from alerting import state
from alerting.alert import Alert, Datapoint, Level
from alerting.rules.policy import Missing, Policy
from alerting.rules.ranges import Range, is_seen_count, range_of
from alerting.rules.rule import Rule
from alerting.rules.when import Standing, When
from foundation import durations

_MOST_STANDINGS = 20_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, in words; `is_fault`: it can never be meant."""

    words: str
    is_fault: bool


def of_rules(rules: Sequence[Rule]) -> Iterator[tuple[Rule, Finding]]:
    """What is found about each rule, in their order."""
    by_name = {rule.alert: rule for rule in rules}
    for rule in rules:
        found = _of_condition(rule.recipe, by_name) if isinstance(rule.recipe, When) else _of_values(rule)
        for finding in (*found, *_of_flapping(rule)):
            yield rule, finding


def _of_values(rule: Rule) -> Iterator[Finding]:
    values = range_of(rule)
    fires = [level for level in rule.policy.levels if _is_reached(rule, level, values)]
    by_silence = rule.policy.levels[0] if rule.missing is Missing.ALERT else None
    for level in rule.policy.levels:
        threshold, key = rule.policy.threshold(level), "critical" if level is Level.CRITICAL else "warn"
        if level not in fires and level is not by_silence:
            mend = "; a series without points has no value: with `missing: alert` its silence fires"
            hint = mend if is_seen_count(rule) and rule.missing is not Missing.ALERT else ""
            yield Finding(f'{key}: "{threshold}" is never reached: the value is {values}{hint}', is_fault=True)
        elif threshold is not None and values.is_within(threshold) and level is rule.policy.levels[-1]:
            words = f'{key}: "{threshold}" is reached by every value: the value is {values}, so every series fires'
            yield Finding(words, is_fault=False)
    resolve = rule.policy.resolve
    if resolve is not None and not values.reaches(resolve) and rule.missing is not Missing.OK:
        words = f'resolve: "{resolve}" is never reached: the value is {values}'
        yield Finding(f"{words}, so the alert ends only when its series is forgotten", is_fault=True)
    yield from _of_silence(rule, can_fire=bool(fires))


def _is_reached(rule: Rule, level: Level, values: Range) -> bool:
    threshold = rule.policy.threshold(level)
    return threshold is not None and values.reaches(threshold)


def _of_silence(rule: Rule, *, can_fire: bool) -> Iterator[Finding]:
    """A series that vanishes is forgotten when `forget` is over; what waits for longer than that never comes."""
    forget = durations.render(rule.forget)
    if rule.forget <= rule.every:
        words = f"forget: {forget} is not longer than `every`: a series is forgotten at its first gap"
        yield Finding(f"{words}, and `missing` has no say", is_fault=rule.missing is Missing.ALERT and not can_fire)
    elif rule.missing is Missing.ALERT and not _fires_by_silence(rule.policy):
        words = f"forget: a silent series is forgotten after {forget}, before it was silent for long enough to fire"
        yield Finding(words, is_fault=not can_fire)


def _fires_by_silence(policy: Policy) -> bool:
    """Whether a series that was good and falls silent fires before it is forgotten: asks the table itself."""
    looked_back = policy.datapoints.range if policy.datapoints is not None else 1
    gaps = looked_back + math.ceil(policy.hold / policy.every) + 1
    if gaps * policy.every < policy.forget or policy.hold >= policy.forget:
        return policy.hold < policy.forget
    alert = Alert(rule="", labels=())
    good = _good_value(policy)
    for tick, value in enumerate((*(good,) * looked_back, *(None,) * gaps)):
        now = _EPOCH + tick * policy.every
        after, _ = state.step(policy, alert, Datapoint(now, value), now, behind=False)
        if after is None or after.state.is_open:
            return after is not None
        alert = after
    return False


def _good_value(policy: Policy) -> float:
    bounds = [threshold.bound for threshold in (policy.warn, policy.critical) if threshold is not None]
    tried = (value for bound in bounds for value in (bound, bound - 1, bound + 1, min(bounds) - 1, max(bounds) + 1))
    return next((value for value in tried if policy.level(value) is Level.OK), math.nan)


def _of_flapping(rule: Rule) -> Iterator[Finding]:
    guard = rule.policy.flapping
    if guard is None:
        return
    # From one firing to the next: a good evaluation and the calm behind it, then a bad one and its `for`.
    least = (guard.times - 1) * (2 * rule.every + rule.keep_firing_for + rule.for_)
    if least >= guard.within:
        words = f"flapping: to fire {guard.times} times takes {durations.render(least)} at least, so it is never found"
        yield Finding(words, is_fault=True)


def _of_condition(condition: When, by_name: Mapping[str, Rule]) -> Iterator[Finding]:
    """Tries every way in which the rules that it asks about can stand."""
    names = sorted(condition.rules)
    ways = [_standings(by_name[name]) for name in names if name in by_name]
    if len(ways) < len(names) or math.prod(map(len, ways)) > _MOST_STANDINGS:
        return
    held = {condition.values(dict(zip(names, way, strict=True)))[()] == 1.0 for way in itertools.product(*ways)}
    if held == {False}:
        sure = [name for name in names if by_name[name].missing is not Missing.MISSING]
        asks = "NO_DATA" in condition.name.upper() or "INSUFFICIENT_DATA" in condition.name.upper()
        hint = f"; without `missing: missing` a rule is never NO_DATA: {', '.join(sure)}" if sure and asks else ""
        yield Finding(f"when: never holds, however these rules stand{hint}", is_fault=True)
    elif held == {True}:
        yield Finding("when: always holds, however these rules stand", is_fault=False)


def _standings(rule: Rule) -> tuple[Standing, ...]:
    sure = (Standing.ALARM, Standing.OK)
    return (*sure, Standing.NO_DATA) if rule.missing is Missing.MISSING else sure
