"""What fails changes nothing, and people hear once that rules cannot be evaluated."""

from datetime import datetime, timedelta

from alerting.alert import Alert, Change, Level, State
from alerting.rules.policy import Missing
from alerting.watch import Health
from store.errors import StoreUnavailable
from tests.alerting.alarm import VIRTUAL, a_rule
from tests.alerting.scene import START, evaluating, hot, seconds
from tests.fakes.reader import Answer

pytestmark = VIRTUAL


async def test_a_failed_query_changes_nothing():
    """While the store is away alerts hold, and the rule says why; it goes on where it was when the store is back."""

    def answer(at: datetime) -> Answer:
        if 10 <= seconds(at) < 40:
            raise StoreUnavailable("connection refused")
        return {"a": 95.0 if seconds(at) < 40 else 5.0}

    async with evaluating([a_rule()], answer) as scene:
        await scene.until(11)
        (status,) = scene.evaluator.statuses()
        assert (status.health, status.error) == (Health.ERROR, "connection refused")
        await scene.until(21)
        assert scene.evaluator.statuses()[0].health is Health.BLIND
        assert [alert.state for alert in status.alerts] == [State.FIRING]
        await scene.until(41)
        assert scene.evaluator.statuses()[0].health is Health.OK
        own = [change for change in scene.notes.changes if change[1] == "a"]
        assert own == [(0, "a", Change.FIRED), (40, "a", Change.RESOLVED)]
        assert scene.count("tocsin_alerting_evaluations_total", outcome="failed") == 3


async def test_a_fault_of_a_store_ends_nothing():
    """Whatever a store raises is a failure of the rule; evaluation goes on."""

    def answer(at: datetime) -> Answer:
        if seconds(at) == 0:
            raise ZeroDivisionError("a bug in a store")
        return {"a": 95.0}

    async with evaluating([a_rule()], answer) as scene:
        await scene.until(1)
        assert scene.evaluator.statuses()[0].error == "a bug in a store"
        await scene.until(11)
        assert scene.notes.changes == [(10, "a", Change.FIRED)]


async def test_blind_rules_are_one_notice():
    """Rules that failed twice are told in one alert, which ends when every rule can be evaluated again."""

    def answer(at: datetime) -> Answer:
        if seconds(at) < 30:
            raise StoreUnavailable("connection refused")
        return {}

    rules = [a_rule("One"), a_rule("Two", over=timedelta(seconds=20))]
    async with evaluating(rules, answer) as scene:
        await scene.until(9)
        assert scene.notes.changes == []
        await scene.until(25)
        pending, fired = scene.notes.evaluations
        assert [change.change for change in pending.transitions] == [Change.PENDING]
        (transition,) = fired.transitions
        assert transition.change is Change.FIRED
        assert transition.alert.labels == (("alertname", "TocsinRuleBlind"),)
        assert transition.annotations["summary"] == "2 of 2 rules cannot be evaluated; their alerts keep their state"
        assert transition.annotations["description"] == "One: connection refused\nTwo: connection refused"
        await scene.until(35)
        assert [change for _, _, change in scene.notes.changes] == [Change.PENDING, Change.FIRED, Change.RESOLVED]


async def test_a_store_that_goes_away_is_told_although_one_rule_was_blind_before():
    """One rule that never works must not hide that now none does: the notice becomes critical, and falls back."""

    def answer(at: datetime) -> Answer:
        if 60 <= seconds(at) < 120:
            raise StoreUnavailable("connection refused")
        return {"a": 1.0, "b": 1.0}

    rules = [a_rule("Bad", labels={"host": "mine"}), a_rule("Good")]
    async with evaluating(rules, answer) as scene:
        await scene.until(59)
        told = [change.alert.level for one in scene.notes.evaluations for change in one.transitions]
        assert told == [Level.WARNING, Level.WARNING]
        await scene.until(75)
        assert len(scene.notes.changes) == 2
        await scene.until(100)
        (raised,) = scene.notes.evaluations[-1].transitions
        assert (raised.change, raised.alert.level) == (Change.RAISED, Level.CRITICAL)
        assert raised.annotations["summary"] == "2 of 2 rules cannot be evaluated; their alerts keep their state"
        await scene.until(431)
        assert scene.notes.changes[-1] == (420, "TocsinRuleBlind", Change.LOWERED)


async def test_a_collector_that_does_not_answer_blinds_the_rules():
    """Silence and recovery cannot be told from a collector that is gone: after two evaluations somebody is told."""
    async with evaluating([a_rule()], lambda at: {"a": 95.0} if seconds(at) >= 20 else {"a": 1.0}) as scene:
        await scene.until(1)
        scene.lag.seconds = None
        await scene.until(35)
        (status,) = scene.evaluator.statuses()
        assert status.health is Health.BLIND
        assert status.error == "the collector does not answer: data may fire, but nothing resolves and no gap counts"
        assert (20, "a", Change.FIRED) in scene.notes.changes
        assert [change for _, name, change in scene.notes.changes if name == "TocsinRuleBlind"] == [
            Change.PENDING,
            Change.FIRED,
        ]
        scene.lag.seconds = 0.0
        await scene.until(41)
        assert scene.notes.changes[-1][1:] == ("TocsinRuleBlind", Change.RESOLVED)
        assert scene.evaluator.statuses()[0].health is Health.OK


async def test_a_bucket_that_does_not_exist_yet_is_no_blindness():
    """Before anything was written there is no bucket; a rule waits for it and says so, and nobody is paged."""
    async with evaluating([a_rule(bucket="later")], lambda _: {}) as scene:
        await scene.until(31)
        (status,) = scene.evaluator.statuses()
        assert (status.health, status.error) == (Health.UNKNOWN, "database not found: later")
        assert scene.notes.changes == []
        assert scene.count("tocsin_alerting_evaluations_total", outcome="waiting") == 4


async def test_a_bucket_that_is_lost_is_a_failure():
    """Where series are known, a bucket that is gone blinds the rule: its alerts hold."""
    firing = Alert(rule="Hot", labels=hot(), state=State.FIRING, level=Level.WARNING, since=START)
    rule = a_rule(bucket="lost", missing=Missing.OK)
    async with evaluating([rule], lambda _: {}, alerts={firing.fingerprint: firing}) as scene:
        await scene.until(11)
        (status,) = scene.evaluator.statuses()
        assert status.health is Health.BLIND
        assert status.alerts == (firing,)


async def test_a_remembered_blindness_is_not_resolved_by_not_knowing():
    """After a restart the notice stays open until every rule was evaluated, and is not sent again."""
    labels = (("alertname", "TocsinRuleBlind"),)
    blind = Alert(rule="TocsinRuleBlind", labels=labels, state=State.FIRING, level=Level.WARNING, since=START)
    rules = [a_rule("Soon"), a_rule("Later", every=timedelta(seconds=60), over=timedelta(seconds=60))]
    async with evaluating(rules, lambda _: {}, alerts={blind.fingerprint: blind}, start_s=5) as scene:
        await scene.until(30)
        assert scene.notes.changes == []
        await scene.until(61)
        assert scene.notes.changes == [(60, "TocsinRuleBlind", Change.RESOLVED)]


async def test_an_answer_that_is_no_number_fails_the_rule_alone():
    """Series that labels cannot tell apart are an error of the rule; nothing is guessed."""
    rules = [a_rule("Bad", labels={"host": "mine"}), a_rule("Good")]
    async with evaluating(rules, lambda _: {"a": 95.0, "b": 96.0}) as scene:
        await scene.until(1)
        bad, good = scene.evaluator.statuses()
        assert bad.health is Health.ERROR
        assert "same alert" in (bad.error or "")
        assert good.health is Health.OK
        assert len(good.alerts) == 2


async def test_behind_resolves_nothing():
    """While the collector holds data older than `every`, or does not answer, alerts fire but do not resolve."""
    async with evaluating([a_rule()], lambda at: {"a": 95.0 if seconds(at) < 10 else 5.0}) as scene:
        scene.lag.seconds = 10.5
        await scene.until(15)
        scene.lag.seconds = None
        await scene.until(25)
        assert scene.notes.changes == [(0, "a", Change.FIRED)]
        scene.lag.seconds = 10.0
        await scene.until(35)
        assert scene.notes.changes == [(0, "a", Change.FIRED), (30, "a", Change.RESOLVED)]
        assert scene.count("tocsin_alerting_evaluations_behind_total", reason="buffered") == 2
        assert scene.count("tocsin_alerting_evaluations_behind_total", reason="unknown") == 1
