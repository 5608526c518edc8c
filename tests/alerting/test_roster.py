"""Rules that are edited, removed or remembered: their alerts go on, or end saying why."""

from datetime import timedelta

from alerting.alert import Alert, Change, Level, State
from tests.alerting.alarm import VIRTUAL, a_rule
from tests.alerting.scene import START, evaluating, hot, seconds

pytestmark = VIRTUAL


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
