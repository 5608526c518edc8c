"""Rules that can be read and cannot work: what is called impossible never happens in the table that pages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting import state
from alerting.alert import Alert, Datapoint, State
from alerting.findings import Finding, of_rules
from alerting.rules.composite import Composite
from alerting.rules.policy import Missing
from alerting.rules.rule import Rule

START = datetime(2026, 1, 1, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
MEAN, COUNT = "SELECT mean(x) FROM m GROUP BY host", "SELECT count(x) FROM m GROUP BY host"


def ruled(query: str = MEAN, alert: str = "A", **more: object) -> Rule:
    given = {"warn": "> 3", "over": MINUTE} | more
    return Rule(alert=alert, query=query, **given)  # type: ignore[arg-type]  # keywords of Rule


def found(*rules: Rule) -> list[Finding]:
    return [finding for _, finding in of_rules(rules)]


@pytest.mark.parametrize(
    ("rule", "words", "is_fault"),
    [
        (ruled(COUNT, warn=None, critical="< 0"), 'critical: "< 0" is never reached', True),
        (ruled(COUNT, warn="< 1"), "with `missing: alert` its silence fires", True),
        (ruled(COUNT, warn="== 2.5"), "a whole number", True),
        (ruled(COUNT, divided_by=COUNT, warn="< 0"), "the value is 0 or more", True),
        (ruled(COUNT, warn="< 5", critical="< 1"), 'critical: "< 1" is never reached', True),
        (ruled(COUNT, warn="< 1", critical="< 0", missing=Missing.ALERT), 'warn: "< 1" is never reached', True),
        (ruled(COUNT, warn=">= 0"), "every series fires", False),
        (ruled(COUNT, warn="> 3", resolve="< 1"), 'resolve: "< 1" is never reached', True),
        (
            ruled(missing=Missing.ALERT, forget=5 * MINUTE, for_=10 * MINUTE),
            "before it was silent for long enough",
            False,
        ),
        (ruled(COUNT, warn="< 1", missing=Missing.ALERT, forget=MINUTE, for_=MINUTE), "forget: a silent", True),
        (ruled(forget=5 * SECOND), "forgotten at its first gap", False),
        (ruled(flapping="4 in 5m", for_=2 * MINUTE), "flapping: to fire 4 times takes 7m", True),
    ],
)
def test_what_can_never_be_is_a_fault_and_what_may_be_meant_a_warning(rule: Rule, words: str, is_fault: bool):
    """One finding, which names the key and says why."""
    (finding,) = found(rule)
    assert words in finding.words
    assert finding.is_fault is is_fault


@pytest.mark.parametrize(
    "rule",
    [
        ruled(),
        ruled(COUNT, warn="< 2"),
        ruled(COUNT, warn="< 1", missing=Missing.ALERT),
        ruled(COUNT, divided_by=COUNT, warn="< 0.1"),
        ruled("SELECT percentile(mem_pct, 95) FROM m", warn="> 300"),
        ruled(COUNT, warn="> 3", resolve="< 1", missing=Missing.OK),
        ruled(flapping="4 in 30m", for_=2 * MINUTE),
    ],
)
def test_what_can_work_is_let_be(rule: Rule):
    """The idiom for a device that fell silent among them; and nobody knows what a percentage is of."""
    assert found(rule) == []


@pytest.mark.parametrize(
    ("when", "missing", "told"),
    [
        ('ALARM("A") AND OK("A")', Missing.KEEP, (True, "never holds")),
        ('NO_DATA("A")', Missing.KEEP, (True, "a rule is never NO_DATA: A")),
        ('NO_DATA("A")', Missing.MISSING, None),
        ('ALARM("A") OR NOT ALARM("A")', Missing.KEEP, (False, "always holds")),
        ('ALARM("A") AND NOT OK("B")', Missing.KEEP, None),
        ("FALSE", Missing.KEEP, (True, "never holds")),
    ],
)
def test_conditions_are_tried_in_every_way_their_rules_can_stand(
    when: str, missing: Missing, told: tuple[bool, str] | None
):
    """A composite that never holds is a fault, one that always does a warning."""
    joint = Composite(alert="Both", when=when).rule
    findings = found(ruled(missing=missing), ruled(alert="B"), joint)
    assert [(one.is_fault, told is not None and told[1] in one.words) for one in findings] == (
        [] if told is None else [(told[0], True)]
    )


def fires(rule: Rule, values: Iterable[float | None], before: Alert) -> list[Alert]:
    """The alert after each evaluation, until its series is forgotten; by the table that runs in production."""
    alert: Alert | None = before
    seen = []
    for tick, value in enumerate(values, 1):
        now = START + tick * rule.every
        alert, _ = state.step(rule.policy, alert, Datapoint(now, value), now, behind=False)
        if alert is None:
            break
        seen.append(alert)
    return seen


spans = st.integers(1, 40).map(lambda seconds: seconds * SECOND)


@given(spans, spans | st.just(0 * SECOND), spans, st.integers(1, 4), st.integers(1, 4))
def test_a_silence_that_never_fires_is_just_what_is_found(
    every: timedelta, hold: timedelta, forget: timedelta, m: int, n: int
):
    """Against the table: a series that falls silent fires before it is forgotten, or a finding says that it cannot."""
    datapoints = f"{m} of {n}" if m <= n else None
    rule = ruled(COUNT, warn="< 1", missing=Missing.ALERT, every=every, for_=hold, forget=forget, datapoints=datapoints)
    quiet = Alert(rule="A", labels=(("alertname", "A"),))
    silent = fires(rule, [5.0] * 8 + [None] * 200, quiet)
    assert any(alert.state is State.FIRING for alert in silent) == (found(rule) == [])


@given(spans, spans | st.just(0 * SECOND), spans | st.just(0 * SECOND), st.integers(2, 4), st.integers(1, 400))
def test_a_flapping_that_is_never_found_is_just_what_is_found(
    every: timedelta, hold: timedelta, keep: timedelta, times: int, within: int
):
    """Against the table: the fastest flapping that the timers allow is found, or the finding says that it cannot be."""
    rule = ruled(every=every, for_=hold, keep_firing_for=keep, flapping=f"{times} in {within}s")
    alert = Alert(rule="A", labels=(("alertname", "A"),))
    now, flapped = START, False
    for _ in range(350):
        now += every
        value = 0.0 if alert.state is State.FIRING else 9.0
        alert, _ = state.step(rule.policy, alert, Datapoint(now, value), now, behind=False)
        flapped = flapped or alert.is_flapping
        if flapped:
            break
    exact = all(not span % every for span in (hold, keep))
    assert not (flapped and found(rule))
    assert flapped or not exact or found(rule)
