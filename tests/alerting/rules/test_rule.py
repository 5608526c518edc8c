"""A rule that exists can be evaluated: everything else is refused with the key and how to mend it."""

from datetime import timedelta

import pytest

from alerting.alert import Level
from alerting.rules.policy import Datapoints, Missing
from alerting.rules.rule import Rule

BASIS: dict[str, object] = {
    "alert": "CheckoutSlow",
    "query": "SELECT percentile(duration_ms, 95) FROM http_request WHERE feature = 'checkout' GROUP BY endpoint",
    "over": timedelta(minutes=1),
    "warn": "> 300",
}


def rule(**changes: object) -> Rule:
    return Rule(**{**BASIS, **changes})  # type: ignore[arg-type]  # mixed on purpose


def test_defaults():
    """What a rule leaves out: every 10 s, the bucket telemetry, no `for`, keep, forgotten after a day."""
    made = rule()
    assert (made.every, made.bucket) == (timedelta(seconds=10), "telemetry")
    assert (made.policy.hold, made.policy.keep_firing_for) == (timedelta(0), timedelta(0))
    assert (made.policy.missing, made.policy.forget) == (Missing.KEEP, timedelta(hours=24))
    assert made.policy.datapoints is None


def test_policy_is_what_the_rule_says():
    """Thresholds, timers and gaps reach the state table as values."""
    policy = rule(
        critical="> 800", resolve="< 250", for_=timedelta(minutes=1), datapoints="3 of 5", missing=Missing.ALERT
    ).policy
    assert policy.levels == (Level.CRITICAL, Level.WARNING)
    assert [policy.level(value) for value in (300, 301, 801)] == [Level.OK, Level.WARNING, Level.CRITICAL]
    assert [policy.has_recovered(value) for value in (249, 250, 301)] == [True, False, False]
    assert (policy.datapoints, policy.hold, policy.missing) == (Datapoints(3, 5), timedelta(minutes=1), Missing.ALERT)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"warn": None}, "needs `warn` or `critical`"),
        ({"warn": "300"}, "warn: '300' is no threshold"),
        ({"critical": "> 200"}, 'critical: "> 200" must lie beyond warn "> 300"'),
        ({"critical": "< 800"}, "critical: .* must lie beyond warn"),
        ({"critical": "> 300"}, "warn: .* is the same as critical"),
        ({"resolve": "< 301"}, "resolve: .* must lie on the good side of warn"),
        ({"warn": None, "critical": "> 800", "resolve": "> 700"}, "resolve: .* good side of critical"),
        ({"datapoints": "3/5"}, "datapoints: '3/5' is not \"M of N\""),
        ({"datapoints": "6 of 5"}, "datapoints: .* 1 <= M <= N"),
        ({"datapoints": "0 of 5"}, "datapoints: .* 1 <= M <= N"),
        ({"over": timedelta(0)}, "over: must be longer than 0s"),
        ({"every": timedelta(milliseconds=10)}, "every: must be 100ms or longer"),
        ({"forget": timedelta(0)}, "forget: must be longer than 0s"),
        ({"alert": " "}, "alert: needs a name"),
        ({"alert": "a\nb"}, "alert: needs a name"),
        ({"alert": "TocsinRuleBlind"}, "alert: .* Tocsin's own"),
        ({"bucket": ""}, "bucket: needs a name"),
        ({"labels": {"severity": "page"}}, "labels: severity is set by Tocsin"),
        ({"labels": {"alertname": "x"}}, "labels: alertname is set by Tocsin"),
        ({"labels": {"my-team": "x"}}, "labels: 'my-team' is no label name"),
        ({"summary": "{{ labels.endpont }}"}, "summary: there is no label 'endpont'; alerts of this rule have al"),
        ({"description": "{{ value"}, "description: "),
        ({"query": "SELECT mean(a) FRM m"}, "query: found FRM, expected FROM at line 1, char 16"),
    ],
)  # fmt: skip
def test_refused(changes: dict[str, object], told: str):
    """Every fault names its key and what would be right."""
    with pytest.raises(ValueError, match=told):
        rule(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"warn": "== 1", "critical": "== 2"},
        {"warn": "!= 0", "critical": "> 5"},
        {"warn": "< 0.25", "critical": "< 0.1", "resolve": "> 0.4"},
        {"warn": "> 300", "resolve": "<= 300"},
        {"summary": "{{ labels.endpoint }} {{ labels.alertname }} {{ labels.severity }} {{ labels.team }}",
         "labels": {"team": "x"}},
    ],
)  # fmt: skip
def test_accepted(changes: dict[str, object]):
    """Equality has no worse direction, a lower-is-worse rule mirrors, and templates may use every label there is."""
    rule(**changes)


def test_identity():
    """An alert is its rule's name, the labels of its series, and the rule's own on top; empty ones are left out."""
    made = rule(labels={"team": "payments", "endpoint": "mine", "none": ""})
    assert made.identity((("device", "d1"), ("endpoint", "/pay"))) == (
        ("alertname", "CheckoutSlow"),
        ("device", "d1"),
        ("endpoint", "mine"),
        ("team", "payments"),
    )


@pytest.mark.parametrize(
    ("changes", "covered"),
    [
        ({}, True),
        ({"warn": "> 5", "every": timedelta(seconds=30)}, True),
        ({"labels": {"team": "ops"}}, False),
        ({"labels": {}}, False),
        ({"query": "SELECT mean(a) FROM m GROUP BY endpoint, region"}, True),
        ({"query": "SELECT mean(a) FROM m"}, False),
        ({"query": "SELECT mean(a) FROM m GROUP BY *"}, True),
    ],
)
def test_what_an_edited_rule_covers(changes: dict[str, object], covered: bool):
    """An edit keeps alerts that the rule could still have: same own labels, no label that it cannot give."""
    labels = rule(labels={"team": "payments"}).identity((("endpoint", "/pay"),))
    assert rule(**{"labels": {"team": "payments"}, **changes}).covers(labels) is covered


def test_equal_rules_are_equal():
    """A rule is what its file says; where it was read and what was made of it do not count."""
    assert rule() == rule().placed("rules/shop.yml")
    assert rule() != rule(warn="> 301")


@pytest.mark.parametrize("text", ["4", "4 of 30m", "1 in 30m", "4 in 0s", "4 in soon"])
def test_what_is_no_flapping_is_refused(text: str):
    """How often in how long, at least twice."""
    with pytest.raises(ValueError, match="flapping"):
        rule(flapping=text)
