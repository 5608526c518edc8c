"""Every rule is asked when it is due; nothing counts before it is recorded."""

import asyncio
from datetime import timedelta

from alerting.alert import Change
from alerting.evaluator import Limits
from tests.alerting.alarm import QUERY, VIRTUAL, a_rule
from tests.alerting.scene import START, evaluating, seconds

pytestmark = VIRTUAL


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


async def test_rules_that_are_asked_together_are_recorded_together():
    """What one answer means for many rules is on its way into memory at once, so that it is one transaction."""
    rules = [a_rule(f"R{number}", warn=f"> {90 + number}") for number in range(5)]
    async with evaluating(rules, lambda _: {"a": 99.0}) as scene:
        scene.notes.takes_s = 3.0
        await scene.until(2)
        assert scene.notes.most_at_once == 5
        assert scene.evaluator.alerts() == ()
        await scene.until(4)
        assert len(scene.evaluator.alerts()) == 5


async def test_what_needs_no_recording_waits_for_none():
    """A rule whose alerts are as before is done with, while what the same answer means for another is recorded."""
    rules = [a_rule("Hot"), a_rule("Hotter", warn="> 200")]
    async with evaluating(rules, lambda at: {"a": 50.0 + 5 * seconds(at)}) as scene:
        await scene.until(5)
        scene.notes.takes_s = 3.0
        await scene.until(12)
        assert scene.count("tocsin_alerting_evaluations_total", outcome="ok") == 3
        await scene.until(14)
        assert scene.count("tocsin_alerting_evaluations_total", outcome="ok") == 4


async def test_what_is_not_recorded_stops_nobody_else():
    """Where the decision about one rule cannot be stored, those about the rules beside it hold."""
    rules = [a_rule("Fine"), a_rule("Lost", warn="> 91")]
    async with evaluating(rules, lambda _: {"a": 95.0}) as scene:
        scene.notes.fails_for = "Lost"
        await scene.until(5)
        assert [alert.rule for alert in scene.evaluator.alerts()] == ["Fine"]
        assert scene.count("tocsin_alerting_evaluations_total", outcome="unrecorded") == 1
        assert scene.count("tocsin_alerting_evaluations_total", outcome="ok") == 1


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
