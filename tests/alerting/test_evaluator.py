"""Every rule is asked when it is due; whatever fails changes nothing; nothing counts before it is recorded."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from alerting.alert import Alert, Change, Evaluation, Labels, Level, State
from alerting.evaluator import Evaluator, Limits
from alerting.metrics import EvaluatorMetrics
from alerting.rules.policy import Missing
from alerting.rules.rule import Rule
from alerting.watch import Health
from store.errors import StoreUnavailable
from tests.fakes.loop_clock import LoopClock
from tests.fakes.reader import Answer, FakeReader

START = datetime(2026, 1, 1, tzinfo=UTC)
QUERY = "SELECT mean(cpu) FROM m GROUP BY host"

pytestmark = pytest.mark.looptime


def a_rule(name: str = "Hot", query: str = QUERY, **changes: object) -> Rule:
    settings: dict[str, object] = {"over": timedelta(seconds=10), "every": timedelta(seconds=10), "warn": "> 90"}
    return Rule(alert=name, query=query, **{**settings, **changes})  # type: ignore[arg-type]  # mixed on purpose


def hot(host: str = "a", rule: str = "Hot") -> Labels:
    return (("alertname", rule), ("host", host))


@dataclass
class Notes:
    """A recorder that writes down what it was told, and fails when told to."""

    evaluations: list[Evaluation] = field(default_factory=list)
    fails: bool = False

    async def record(self, evaluation: Evaluation, *, now: datetime) -> None:
        if self.fails:
            raise OSError("disk full")
        assert now >= evaluation.at
        self.evaluations.append(evaluation)

    @property
    def changes(self) -> list[tuple[float, str, Change]]:
        """(seconds since the start, host or rule, change) of every transition, in order."""
        return [
            (
                (change.at - START).total_seconds(),
                dict(change.alert.labels).get("host", change.alert.rule),
                change.change,
            )
            for evaluation in self.evaluations
            for change in evaluation.transitions
        ]


@dataclass
class Behind:
    seconds: float | None = 0.0

    async def behind_s(self) -> float | None:
        return self.seconds


@dataclass
class Scene:
    evaluator: Evaluator
    reader: FakeReader
    notes: Notes
    lag: Behind
    clock: LoopClock
    registry: CollectorRegistry

    async def until(self, seconds: float) -> None:
        """Let time pass until this many seconds after the start."""
        await asyncio.sleep((START - self.clock.now()).total_seconds() + seconds)

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


@asynccontextmanager
async def evaluating(
    rules: Sequence[Rule],
    answer: Callable[[datetime], Answer],
    *,
    alerts: Mapping[str, Alert] | None = None,
    takes_s: float = 0.0,
    limits: Limits | None = None,
    start_s: float = -1,
) -> AsyncIterator[Scene]:
    """An evaluator at work, from `start_s` seconds after START on."""
    registry = CollectorRegistry()
    reader, notes, lag = FakeReader(answer, takes_s=takes_s), Notes(), Behind()
    clock = LoopClock(START + timedelta(seconds=start_s))
    evaluator = Evaluator(
        rules,
        alerts or {},
        reader=reader,
        recorder=notes,
        lag=lag,
        clock=clock,
        metrics=EvaluatorMetrics(registry),
        limits=limits,
    )
    task = asyncio.create_task(evaluator.run())
    try:
        yield Scene(evaluator, reader, notes, lag, clock, registry)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def seconds(at: datetime) -> float:
    return (at - START).total_seconds()


async def test_fires_and_resolves():
    """A value over the threshold fires at the tick that sees it, a good one resolves."""
    async with evaluating([a_rule()], lambda at: {"a": 95.0 if 10 <= seconds(at) < 30 else 50.0}) as scene:
        await scene.until(41)
        assert scene.notes.changes == [(10, "a", Change.FIRED), (30, "a", Change.RESOLVED)]


async def test_ticks_are_multiples_of_every():
    """Evaluations are made for multiples of `every` since 1970, with the window (t - over, t]."""
    async with evaluating([a_rule(over=timedelta(seconds=30))], lambda _: {}) as scene:
        await scene.until(11)
        ns = [int(START.timestamp() + tick) * 10**9 for tick in (0, 10)]
        assert scene.reader.queries == [
            QUERY.replace("GROUP", f"WHERE time > {at - 30 * 10**9} AND time <= {at} GROUP") for at in ns
        ]


async def test_rules_with_the_same_question_share_one_query():
    """Equal query, window, bucket and pace: asked once, decided by each rule."""
    rules = [a_rule("Hot"), a_rule("Hotter", warn="> 95"), a_rule("Other", over=timedelta(seconds=20))]
    async with evaluating(rules, lambda _: {"a": 93.0}) as scene:
        await scene.until(1)
        assert len(scene.reader.queries) == 2
        assert scene.notes.changes == [(0, "a", Change.FIRED), (0, "a", Change.FIRED)]
        assert {alert.rule for alert in scene.evaluator.alerts()} == {"Hot", "Other"}


async def test_each_transition_carries_its_words():
    """Summary, description and runbook are rendered with the labels, level and value of the alert."""
    rule = a_rule(summary="{{ labels.host }} at {{ value }} is {{ level }}", labels={"team": "ops"})
    async with evaluating([rule], lambda at: {"a": 95.0 if seconds(at) < 10 else 5.0}) as scene:
        await scene.until(11)
        fired, resolved = (change for evaluation in scene.notes.evaluations for change in evaluation.transitions)
        assert fired.annotations == {"summary": "a at 95 is warning"}
        assert resolved.annotations == {"summary": "a at 5 is warning"}
        assert fired.alert.labels == (("alertname", "Hot"), ("host", "a"), ("team", "ops"))


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


async def test_a_window_waits_for_its_last_lines():
    """Lines acknowledged before the tick are waited for, at most a second: each line is seen by one window or more."""
    async with evaluating([a_rule()], lambda _: {"a": 5.0}) as scene:
        scene.lag.seconds = 0.3
        await scene.until(0.25)
        assert scene.reader.queries == []
        await scene.until(0.35)
        assert len(scene.reader.queries) == 1
        scene.lag.seconds = 5.0
        await scene.until(10.95)
        assert len(scene.reader.queries) == 1
        await scene.until(11.1)
        assert len(scene.reader.queries) == 2
        assert scene.count("tocsin_alerting_evaluations_behind_total", reason="buffered") == 0


async def test_nothing_counts_before_it_is_recorded():
    """When memory fails, alerts stay as they were, and the same decision is made again at the next tick."""
    async with evaluating([a_rule()], lambda _: {"a": 95.0}) as scene:
        scene.notes.fails = True
        await scene.until(5)
        assert scene.evaluator.alerts() == ()
        scene.notes.fails = False
        await scene.until(11)
        assert scene.notes.changes == [(10, "a", Change.FIRED)]
        assert scene.count("tocsin_alerting_evaluations_total", outcome="unrecorded") == 1


async def test_what_has_not_changed_is_not_recorded():
    """A quiet series is stored when it is first seen, and then not again at every tick."""
    async with evaluating([a_rule()], lambda at: {"a": 10.0 + seconds(at)}) as scene:
        await scene.until(41)
        assert [seconds(evaluation.at) for evaluation in scene.notes.evaluations] == [0]


async def test_a_rule_never_overlaps_itself():
    """A tick that comes while the evaluation before still runs is left out and counted."""
    async with evaluating([a_rule()], lambda _: {}, takes_s=10.5) as scene:
        await scene.until(31)
        assert scene.reader.most_at_once == 1
        assert len(scene.reader.queries) == 2
        assert scene.count("tocsin_alerting_evaluations_missed_total", reason="overlap") == 2


async def test_a_query_has_a_deadline():
    """A query may take as long as `every` (30 s at most, 1 s at least); later it has failed."""
    async with evaluating([a_rule()], lambda _: {}, takes_s=100) as scene:
        await scene.until(12)
        assert scene.reader.deadlines_s == [10.0]
        assert scene.evaluator.statuses()[0].error == "the store did not answer in time"


async def test_a_rule_that_joins_a_round_waits_for_its_evaluation():
    """Rules taken up while a question of theirs is being asked: no rule is evaluated twice at a time."""
    async with evaluating([a_rule()], lambda _: {"a": 50.0}, takes_s=15) as scene:
        await scene.until(1)
        await scene.evaluator.replace([a_rule(), a_rule("Peak", query=QUERY.replace("mean", "max"))])
        await scene.until(12)
        assert len(scene.reader.queries) == 1
        assert scene.count("tocsin_alerting_evaluations_missed_total", reason="overlap") == 2


async def test_queries_at_once_are_bounded():
    """However many rules are due, the store is asked a few questions at a time."""
    rules = [a_rule(f"R{number}", query=QUERY.replace("FROM m", f"FROM m{number}")) for number in range(20)]
    async with evaluating(rules, lambda _: {}, takes_s=0.1, limits=Limits(queries_at_once=3)) as scene:
        await scene.until(5)
        assert scene.reader.most_at_once == 3
        assert len(scene.reader.queries) == 20


async def test_the_clock_may_be_set_back():
    """After the clock was set back by an hour, evaluation goes on with the new time at once."""
    async with evaluating([a_rule()], lambda _: {"a": 5.0}) as scene:
        await scene.until(1)
        scene.clock.step(timedelta(hours=-1))
        await asyncio.sleep(20)
        assert len(scene.reader.queries) == 3


async def test_the_clock_may_be_set_forward():
    """Ticks that a step of the clock leaves out are counted as missed, not made up for."""
    async with evaluating([a_rule()], lambda _: {"a": 5.0}) as scene:
        await scene.until(1)
        scene.clock.step(timedelta(seconds=100))
        await asyncio.sleep(6)
        assert len(scene.reader.queries) == 2
        assert scene.count("tocsin_alerting_evaluations_missed_total", reason="late") == 9


async def test_a_restart_goes_on_with_remembered_alerts():
    """A pending alert keeps its start over a restart, so `for` is served once, not anew."""
    pending = Alert(
        rule="Hot", labels=hot(), state=State.PENDING, level=Level.WARNING, since=START - timedelta(seconds=25)
    )
    rule = a_rule(for_=timedelta(seconds=30))
    async with evaluating([rule], lambda _: {"a": 95.0}, alerts={pending.fingerprint: pending}) as scene:
        await scene.until(11)
        assert scene.notes.changes == [(10, "a", Change.FIRED)]


async def test_datapoints_are_asked_again_after_a_restart():
    """The last N + 2 evaluations of a rule with `datapoints` come from the store, as if it had never been away."""
    rule = a_rule(datapoints="2 of 3")
    async with evaluating([rule], lambda at: {"a": 95.0 if seconds(at) >= -10 else 5.0}) as scene:
        await scene.until(1)
        assert len(scene.reader.queries) == 5
        assert scene.notes.changes == [(0, "a", Change.FIRED)]
        (alert,) = scene.evaluator.alerts()
        assert [(seconds(point.at), point.value) for point in alert.recent] == [
            (-40, 5.0), (-30, 5.0), (-20, 5.0), (-10, 95.0), (0, 95.0),
        ]  # fmt: skip
        await scene.until(11)
        assert len(scene.reader.queries) == 6


async def test_a_removed_rule_resolves_its_alerts():
    """Alerts of a rule that is gone end with that reason, in the rule's own words."""
    rule = a_rule(summary="{{ labels.host }} is hot")
    async with evaluating([rule, a_rule("Other", warn="> 99")], lambda _: {"a": 95.0}) as scene:
        await scene.until(1)
        await scene.evaluator.replace([a_rule("Other", warn="> 99")])
        await scene.until(2)
        last = scene.notes.evaluations[-1]
        (transition,) = last.transitions
        assert (transition.change, transition.reason) == (Change.RESOLVED, "the rule was removed")
        assert transition.annotations == {"summary": "a is hot"}
        assert last.forgotten == (transition.alert.fingerprint,)
        assert scene.evaluator.alerts() == ()


async def test_a_rule_removed_while_away_resolves_too():
    """Remembered alerts of a rule that no file has any more end at the start; failing memory only delays that."""
    orphan = Alert(rule="Gone", labels=hot(rule="Gone"), state=State.FIRING, level=Level.WARNING, since=START)
    async with evaluating([a_rule()], lambda _: {}, alerts={orphan.fingerprint: orphan}) as scene:
        scene.notes.fails = True
        await scene.until(1)
        scene.notes.fails = False
        await scene.until(11)
        assert [change for _, _, change in scene.notes.changes] == [Change.RESOLVED]


async def test_an_edited_rule_keeps_its_alerts():
    """A new threshold is judged at the next tick; until then, and if it still holds, the incident stays the same."""
    async with evaluating([a_rule()], lambda _: {"a": 95.0}) as scene:
        await scene.until(1)
        await scene.evaluator.replace([a_rule(warn="> 80", critical="> 94")])
        await scene.until(11)
        assert scene.notes.changes == [(0, "a", Change.FIRED), (10, "a", Change.RAISED)]


async def test_new_labels_are_new_alerts():
    """Labels of the rule are part of an alert's identity: after an edit the old alerts end, and say why."""
    async with evaluating([a_rule()], lambda _: {"a": 95.0}) as scene:
        await scene.until(1)
        await scene.evaluator.replace([a_rule(labels={"team": "ops"})])
        await scene.until(11)
        told = [change for evaluation in scene.notes.evaluations for change in evaluation.transitions]
        assert [change.change for change in told] == [Change.FIRED, Change.RESOLVED, Change.FIRED]
        assert told[1].reason == "the rule was edited and no longer covers this series"


async def test_a_reload_during_an_evaluation_drops_its_answer():
    """What an old version of a rule asked is not judged by the new one."""
    async with evaluating([a_rule()], lambda _: {"a": 95.0}, takes_s=2) as scene:
        await scene.until(1)
        await scene.evaluator.replace([a_rule(query="SELECT max(cpu) FROM m GROUP BY host")])
        await scene.until(5)
        assert scene.notes.evaluations == []
        await scene.until(13)
        assert scene.notes.changes == [(10, "a", Change.FIRED)]


async def test_an_unchanged_rule_is_not_disturbed_by_a_reload():
    """A reload of the same rules asks nothing anew and changes no alert."""
    async with evaluating([a_rule(datapoints="1 of 2")], lambda _: {"a": 95.0}) as scene:
        await scene.until(1)
        await scene.evaluator.replace([a_rule(datapoints="1 of 2")])
        await scene.until(11)
        assert len(scene.reader.queries) == 4 + 1
        assert scene.notes.changes == [(0, "a", Change.FIRED)]


async def test_gauges_show_rules_and_alerts():
    """Rules by health, alerts by state and known series are metrics."""
    async with evaluating([a_rule()], lambda _: {"a": 95.0, "b": 5.0}) as scene:
        await scene.until(6)
        assert scene.count("tocsin_alerting_rules", health="ok") == 1
        assert scene.count("tocsin_alerting_alerts", state="firing") == 1
        assert scene.count("tocsin_alerting_series") == 2


async def test_stopping_waits_for_evaluations():
    """When `run` is cancelled, no evaluation is left behind."""
    async with evaluating([a_rule()], lambda _: {}, takes_s=5) as scene:
        await scene.until(1)
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("evaluate ")]
