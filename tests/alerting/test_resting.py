"""Alerts that rest cost nothing, and are as if each value had been taken to the table one by one."""

from collections.abc import Mapping
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from alerting import state
from alerting.alert import Alert, Datapoint, Labels
from alerting.resting import Alerts, are_good
from alerting.rules.column import Series, side_by_side
from alerting.rules.policy import Policy
from alerting.rules.rule import Rule
from alerting.rules.threshold import Threshold
from alerting.watch import Watch
from tests.alerting.histories import EVERY, ZERO

NUMBERS = (1.0, 2.0, 3.0, float("nan"), float("inf"), float("-inf"))
hosts = st.sampled_from("abcd")
answers = st.dictionaries(hosts, st.sampled_from((None, *NUMBERS))) | st.builds(
    lambda numbers: dict(zip("abc", numbers, strict=True)), st.tuples(*[st.sampled_from(NUMBERS[:3])] * 3)
)
"""Any series with any value or none; or the same three again, each with a number."""
thresholds = st.builds(Threshold, st.sampled_from((">", ">=", "<", "<=", "==", "!=")), st.sampled_from((1.0, 2.0, 3.0)))


def a_rule(**changes: object) -> Rule:
    settings = {"over": EVERY, "every": EVERY, "warn": "> 2", "forget": EVERY * 3, **changes}
    return Rule(alert="Hot", query="SELECT mean(a) FROM m GROUP BY host", **settings)  # type: ignore[arg-type]  # mixed


def series(host: str) -> Labels:
    return (("host", host),)


@given(
    st.lists(st.tuples(answers, st.booleans()), max_size=12),
    st.sampled_from(("keep", "ok", "alert", "missing")),
    st.sampled_from(("> 2", "== 2", "!= 1", "< 2")),
    st.sampled_from((timedelta(0), EVERY)),
)
def test_as_if_step_by_step(
    history: list[tuple[dict[str, float | None], bool]], missing: str, warn: str, hold: timedelta
):
    """Whatever comes, rule and alerts stand, and are stored, as when each series goes through the table by itself."""
    rule = a_rule(missing=missing, warn=warn, for_=hold)
    watch, alerts, met = Watch(rule), dict[Labels, Alert](), dict[tuple[str, ...], Series]()
    for number, (answer, behind) in enumerate(history):
        at = ZERO + EVERY * number
        known = met.setdefault(tuple(answer), Series(tuple(map(series, answer))))
        decision = watch.decide(side_by_side(known, [*answer.values()]), at, behind=behind)
        watch.accept(decision)
        identified = {rule.identity(series(host)): value for host, value in answer.items()}
        before, alerts, saved = alerts, {}, []
        for labels in {*before, *(labels for labels, value in identified.items() if value is not None)}:
            stored = before.get(labels)
            known = stored or Alert(rule="Hot", labels=labels)
            after, _ = state.step(rule.policy, known, Datapoint(at, identified.get(labels)), at, behind=behind)
            if after is not None:
                alerts[labels] = after
                saved += [after] if state.differs(stored, after) else []
        assert told(watch.alerts) == told(alerts)
        assert {repr(alert) for alert in decision.evaluation.saved} == {repr(alert) for alert in saved}


def told(alerts: Mapping[Labels, Alert]) -> dict[Labels, str]:
    """As texts, since a NaN is not equal to itself."""
    return {labels: repr(alert) for labels, alert in alerts.items()}


@given(st.lists(st.sampled_from((None, *NUMBERS)), min_size=1), thresholds, st.none() | thresholds)
def test_good_is_good_for_each(values: list[float | None], warn: Threshold, critical: Threshold | None):
    """What the extremes say is never better than what each value says."""
    policy = Policy(every=EVERY, warn=warn, critical=critical)
    if are_good(policy, {series(str(number)): value for number, value in enumerate(values)}):
        assert not any(
            value is None or threshold.holds(value) for value in values for threshold in (warn, critical) if threshold
        )


def test_one_that_fires_stirs_nobody_else():
    """As long as the same series answer, only the alert that is busy is looked at, and the others are not made anew."""
    watch, known = Watch(a_rule()), Series(tuple(map(series, "abc")))
    rested = []
    for number in range(4):
        decision = watch.decide(side_by_side(known, [1.0, 5.0 + number, 1.5]), ZERO + EVERY * number, behind=False)
        watch.accept(decision)
        assert isinstance(watch.alerts, Alerts)
        rested.append(watch.alerts.resting)
    assert all(resting is rested[0] for resting in rested)
    assert [alert.labels for alert in decision.evaluation.saved] == [alert.labels for alert in watch.active]
    assert [alert.value for alert in watch.alerts.values()] == [8.0, 1.0, 1.5]


def test_the_usual_case_is_found():
    """All good, nothing new, nothing gone: nothing is stored and no alert is made anew."""
    watch = Watch(a_rule())
    for number in range(3):
        decision = watch.decide({series(host): 1.0 + number / 10 for host in "ab"}, ZERO + EVERY * number, behind=False)
        watch.accept(decision)
    assert decision.is_empty
    assert [(alert.value, alert.seen_at) for alert in watch.alerts.values()] == [(1.2, ZERO + EVERY * 2)] * 2
