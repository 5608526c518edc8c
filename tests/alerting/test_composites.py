"""Composites in the running evaluator: in virtual time, over a store that answers, fails and comes back."""

from datetime import datetime, timedelta

import pytest

from alerting.alert import Change
from alerting.rules.composite import Composite
from alerting.watch import Health
from store.errors import StoreUnavailable
from tests.alerting.alarm import a_rule
from tests.alerting.scene import evaluating, seconds
from tests.fakes.reader import Answer

pytestmark = pytest.mark.looptime

BOTH = Composite(alert="Both", when='ALARM("Hot") AND NOT ALARM("Hotter")').rule


def rising(at: datetime) -> Answer:
    """95 from 10 s on, 99 from 30 s on, nobody there from 50 s on."""
    if seconds(at) >= 50:
        return StoreUnavailable("gone")
    return {"a": 50.0 if seconds(at) < 10 else 95.0 if seconds(at) < 30 else 99.0}


async def test_a_composite_follows_its_rules_within_a_second():
    """It fires when its condition begins to hold, and ends when it ends."""
    rules = [a_rule(), a_rule("Hotter", warn="> 98"), BOTH]
    async with evaluating(rules, rising) as scene:
        await scene.until(45)
        changes = [(at, change) for at, name, change in scene.notes.changes if name == "Both"]
        assert [change for _, change in changes] == [Change.FIRED, Change.RESOLVED]
        assert 10 <= changes[0][0] <= 11
        assert 30 <= changes[1][0] <= 31


async def test_a_composite_of_rules_that_nobody_can_judge_changes_nothing():
    """While the store is away, what fires goes on firing, and the composite is not blind itself."""
    calm = Composite(alert="Calm", when='OK("Hotter")').rule
    loud = Composite(alert="Loud", when='ALARM("Hot")').rule
    rules = [a_rule(), a_rule("Hotter", warn="> 200"), calm, loud]
    async with evaluating(rules, rising) as scene:
        await scene.until(120)
        firing = {alert.rule for alert in scene.evaluator.alerts()}
        assert {"Hot", "Calm", "Loud"} <= firing
        health = {status.rule.alert: status.health for status in scene.evaluator.statuses()}
        assert (health["Hot"], health["Calm"]) == (Health.BLIND, Health.OK)
        assert not [change for _, name, change in scene.notes.changes if change is Change.RESOLVED and name != "Blind"]


async def test_a_composite_waits_for_its_rules_to_be_judged_once():
    """Before the first evaluation of a rule nobody knows how it stands."""
    slow = a_rule(every=timedelta(seconds=60), over=timedelta(seconds=60))
    fine = Composite(alert="Fine", when='OK("Hot")').rule
    async with evaluating([slow, fine], lambda _: {"a": 1.0}, start_s=1) as scene:
        await scene.until(59)
        assert scene.notes.changes == []
        await scene.until(63)
        assert [(name, change) for _, name, change in scene.notes.changes] == [("Fine", Change.FIRED)]
