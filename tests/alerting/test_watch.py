"""Deciding changes nothing until it is accepted, and history from the store is as good as having been there."""

from datetime import datetime, timedelta

import pytest

from alerting.alert import Alert, Labels, Level, State
from alerting.resting import Alerts
from alerting.rules.query import AnswerUnfit
from alerting.rules.rule import Rule
from alerting.watch import Health, Values, Watch
from tests.alerting.histories import EVERY, ZERO

A: Labels = (("host", "a"),)
ALERT_A: Labels = (("alertname", "Hot"), ("host", "a"))


def a_watch(**changes: object) -> Watch:
    settings = {"over": EVERY, "every": EVERY, "warn": "> 300", "datapoints": "2 of 3", **changes}
    query = "SELECT mean(cpu) FROM m GROUP BY host"
    return Watch(Rule(alert="Hot", query=query, **settings))  # type: ignore[arg-type]  # mixed on purpose


def answers(*values: float | None, before: datetime = ZERO) -> list[tuple[datetime, Values]]:
    """Evaluations of series A, the last one EVERY before `before`."""
    start = before - EVERY * len(values)
    return [(start + EVERY * n, {} if value is None else {A: value}) for n, value in enumerate(values)]


def test_deciding_changes_nothing():
    """The same answer gives the same decision until one is accepted."""
    watch = a_watch(datapoints=None)
    first = watch.decide({A: 400.0}, ZERO, behind=False)
    assert watch.decide({A: 400.0}, ZERO, behind=False) == first
    assert watch.active == ()
    watch.accept(first)
    assert [alert.state for alert in watch.active] == [State.FIRING]
    assert watch.decide({A: 400.0}, ZERO + EVERY, behind=False).is_empty


def test_a_series_is_stored_when_it_is_first_seen():
    """Also a series that is well is stored once: from then on it can go missing."""
    watch = a_watch(datapoints=None)
    decision = watch.decide({A: 1.0}, ZERO, behind=False)
    assert [alert.labels for alert in decision.evaluation.saved] == [ALERT_A]
    watch.accept(decision)
    assert watch.decide({A: 2.0}, ZERO + EVERY, behind=False).is_empty
    assert watch.decide({}, ZERO + EVERY, behind=False).evaluation.saved[0].quiet_s == EVERY.total_seconds()


def test_labels_that_were_remembered_are_kept_once():
    """After a restart alerts are many, and their labels the same objects wherever they stand."""
    watch = a_watch(datapoints=None)
    watch.alerts = {ALERT_A: Alert(rule="Hot", labels=ALERT_A)}
    after = watch.decide({A: 400.0}, ZERO, behind=False).alerts
    assert isinstance(after, Alerts)
    assert [labels is ALERT_A for labels in (*after.busy, *after.seen)] == [True, True]


def test_a_null_is_no_series():
    """A series that never had a value does not exist, so it cannot be missing."""
    assert a_watch(missing="alert").decide({A: None}, ZERO, behind=False).alerts == {}


def test_primed_from_nothing():
    """Datapoints from before a series was first seen do not count as missing."""
    watch = a_watch(missing="alert")
    watch.prime(answers(None, None, 1.0, 400.0))
    (alert,) = watch.decide({A: 1.0}, ZERO, behind=False).alerts.values()
    assert [point.value for point in alert.recent] == [1.0, 400.0, 1.0]
    assert alert.state is State.INACTIVE


def test_primed_with_a_series_known_before():
    """A series that was there before the range has gaps in it."""
    known = Alert(rule="Hot", labels=ALERT_A, seen_at=ZERO - EVERY * 50)
    watch = Watch(a_watch().rule, {ALERT_A: known})
    watch.prime(answers(None, None, 1.0, 400.0))
    (alert,) = watch.decide({A: 400.0}, ZERO, behind=False).alerts.values()
    assert [point.value for point in alert.recent] == [None, None, 1.0, 400.0, 400.0]
    assert alert.state is State.FIRING


def test_primed_with_a_silence():
    """Gaps at the end of the history count towards `forget`."""
    watch = a_watch()
    watch.prime(answers(1.0, 1.0, None, None))
    (alert,) = watch.decide({}, ZERO, behind=False).alerts.values()
    assert alert.quiet_s == 3 * EVERY.total_seconds()
    assert alert.seen_at == ZERO - EVERY * 3


def test_what_was_primed_is_stored():
    """Series that history brings are new: saved with the first decision, and again if that was not recorded."""
    watch = a_watch()
    watch.prime(answers(1.0))
    for _ in range(2):
        assert len(watch.decide({A: 1.0}, ZERO, behind=False).evaluation.saved) == 1


def test_health():
    """Unknown, then ok; one failure is an error, two are blindness, a success ends both."""
    watch = a_watch(datapoints=None)
    told = [watch.health]
    for answer in ("ok", "fail", "fail", "fail", "ok", "fail"):
        if answer == "ok":
            watch.accept(watch.decide({}, ZERO, behind=False))
        else:
            watch.fail("away", ZERO)
        told.append(watch.health)
    expected = [Health.UNKNOWN, Health.OK, Health.ERROR, Health.BLIND, Health.BLIND, Health.OK, Health.ERROR]
    assert told == expected


def test_waiting_is_for_rules_that_know_nothing():
    """A missing bucket is waited for until the first series is known; afterwards it is a failure."""
    watch = a_watch(datapoints=None)
    assert watch.wait("no bucket", ZERO)
    assert (watch.health, watch.status.error) == (Health.UNKNOWN, "no bucket")
    watch.accept(watch.decide({A: 1.0}, ZERO, behind=False))
    assert not watch.wait("no bucket", ZERO)


def test_two_series_must_not_become_one_alert():
    """A label of the rule that covers the tag by which series differ is an error, not a merge."""
    watch = a_watch(labels={"host": "all"}, datapoints=None)
    with pytest.raises(AnswerUnfit, match="same alert"):
        watch.decide({A: 1.0, (("host", "b"),): 2.0}, ZERO, behind=False)


def test_an_edit_looks_back_anew_only_if_it_asks_anew():
    """Another threshold keeps the datapoints; another window or M of N asks for them again."""
    watch = a_watch()
    watch.prime(answers(1.0))
    assert watch.edited(a_watch(warn="> 5").rule).is_primed
    assert not watch.edited(a_watch(datapoints="3 of 3").rule).is_primed
    assert not watch.edited(a_watch(over=timedelta(minutes=1)).rule).is_primed


def test_words_of_a_resolve_name_the_level_that_ended():
    """The last message of an incident speaks of the level people know it by."""
    watch = a_watch(datapoints=None, critical="> 800", summary="{{ level }} {{ labels.severity }} {{ value }}")
    watch.accept(watch.decide({A: 900.0}, ZERO, behind=False))
    (resolved,) = watch.decide({A: 1.0}, ZERO + EVERY, behind=False).evaluation.transitions
    assert resolved.annotations == {"summary": "critical critical 1"}
    assert resolved.alert.level is Level.OK
