"""Dispatcher and sender together, over a real SQLite file, in virtual time."""

import asyncio
import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from alerting.alert import Change, Level, labels_of
from alerting.dispatcher import Equipment
from alerting.lane import ChannelKey
from alerting.memory.contract import MemoryFailed, Outcome
from alerting.notify.contract import PartlyRefused, Refusal, Unanswered, Unreachable
from alerting.routing.matchers import parse
from alerting.routing.tree import Node, Timers
from tests.alerting.desk import ONCALL, T0, Desk, change, desk, equipment, evaluation
from tests.fakes.notifier import FakeNotifier
from tests.fakes.writer import InlineWriter

pytestmark = pytest.mark.looptime

SLACK = ChannelKey("oncall", "slack[0]")
AWAY = Unreachable("away")


async def outcomes(it: Desk) -> list[tuple[str, str, str]]:
    """(notifier, state, reason) of the whole outbox, in the order in which it was stored."""
    rows = [row for outcome in Outcome for row in await it.memory.notifications(outcome)]
    return [(row.notifier, row.state.value, row.reason) for row in sorted(rows, key=lambda row: row.id)]


async def test_first_alert_is_sent_at_once(tmp_path: Path) -> None:
    """With group_wait 0 the first alert of a group goes out without waiting."""
    pager = FakeNotifier()
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        started = it.clock.monotonic()
        await it.say(change(Change.FIRED))
        await it.settle()
        assert pager.told == [("firing", "Slow fired")]
        assert it.clock.monotonic() - started < 1.0


async def test_resolve_follows_under_the_same_incident(tmp_path: Path) -> None:
    """A group whose last alert resolves says so at once, under the dedup key and severity of its trigger."""
    pager = FakeNotifier()
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        await it.say(change(Change.FIRED))
        await it.settle(10)
        await it.say(change(Change.RESOLVED))
        await it.settle()
        assert pager.told == [("firing", "Slow fired"), ("resolved", "Slow resolved")]
        assert len({message.incident for _, message in pager.sent}) == 1
        assert [message.severity for _, message in pager.sent] == ["critical", "critical"]


async def test_new_breach_is_a_new_incident(tmp_path: Path) -> None:
    """A breach after a resolve opens a new incident; a late retry of the old one could not reopen it."""
    pager = FakeNotifier()
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        for kind in (Change.FIRED, Change.RESOLVED, Change.FIRED):
            await it.say(change(kind))
            await it.settle(1)
        first, second, third = (message.incident for _, message in pager.sent)
        assert first == second != third


async def test_pending_and_cancelled_are_history_only(tmp_path: Path) -> None:
    """Nobody hears of an alert that only was pending, and history keeps it."""
    pager = FakeNotifier()
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        await it.say(change(Change.PENDING))
        await it.say(change(Change.CANCELLED))
        await it.settle(60)
        assert pager.tried == []
        assert [entry.change for entry in await it.memory.history(10)] == ["cancelled", "pending"]


async def test_history_says_how_long_an_alert_was(tmp_path: Path) -> None:
    """The end of an alert carries the seconds since it fired; a beginning, and what never fired, carries none."""
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: FakeNotifier()})) as it:
        for kind in (Change.FIRED, Change.RESOLVED, Change.PENDING):
            await it.say(change(kind))
            await it.settle(10)
        _, resolved, fired = await it.memory.history(3)
        assert fired.lasted_s is None
        assert resolved.lasted_s == (resolved.at - T0).total_seconds()
        assert (await it.memory.history(1))[0].lasted_s is None


async def test_second_alert_waits_for_the_group_interval(tmp_path: Path) -> None:
    """A second alert of the same severity joins the open incident one group_interval after the last message."""
    pager = FakeNotifier()
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        await it.say(change(Change.FIRED, endpoint="/a"))
        await it.settle(5)
        await it.say(change(Change.FIRED, endpoint="/b"))
        await it.settle(24)
        assert len(pager.sent) == 1
        await it.settle(2)
        assert len(pager.sent) == 2
        said = pager.sent[1][0] - pager.sent[0][0]
        assert 30.0 <= said.total_seconds() < 31.0
        assert [len(message.alerts) for _, message in pager.sent] == [1, 2]


async def test_rise_to_critical_is_sent_at_once(tmp_path: Path) -> None:
    """An escalation updates the same incident without waiting for the group interval."""
    pager = FakeNotifier()
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        await it.say(change(Change.FIRED, level=Level.WARNING))
        await it.settle(1)
        await it.say(change(Change.RAISED, level=Level.CRITICAL))
        await it.settle()
        assert [message.severity for _, message in pager.sent] == ["warning", "critical"]
        assert len({message.incident for _, message in pager.sent}) == 1


async def test_open_incident_is_repeated(tmp_path: Path) -> None:
    """An incident that stays open is told again after repeat_interval, and not before."""
    pager = FakeNotifier()
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        await it.say(change(Change.FIRED))
        await it.settle(4 * 3600 - 60)
        assert len(pager.sent) == 1
        await it.settle(120)
        assert len(pager.sent) == 2
        await it.settle(3600)
        assert len(pager.sent) == 2


async def test_failure_is_tried_again_in_order(tmp_path: Path) -> None:
    """What a receiver could not take is tried again, and nothing of the incident overtakes it."""
    pager = FakeNotifier(faults=[None, AWAY, AWAY])
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        await it.say(change(Change.FIRED))
        await it.settle(1)
        await it.say(change(Change.RESOLVED))
        await it.settle(30)
        assert [message.status for _, message in pager.tried] == ["firing", "resolved", "resolved", "resolved"]
        assert [status for status, _ in pager.told] == ["firing", "resolved"]
        assert it.count("tocsin_alerting_retries_total", **_channel(), reason="unreachable") == 2


async def test_retry_after_is_honoured_by_the_whole_channel(tmp_path: Path) -> None:
    """A receiver that asks for 60 s hears nothing before, of this incident or another."""
    pager = FakeNotifier(faults=[Unreachable("slow down", retry_after_s=60.0)])
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        await it.say(change(Change.FIRED, "A"))
        await it.settle(1)
        await it.say(change(Change.FIRED, "B"))
        await it.settle(57)
        assert len(pager.tried) == 1
        await it.settle(10)
        assert sorted(summary for _, summary in pager.told) == ["A fired", "B fired"]


async def test_refusal_is_not_tried_again(tmp_path: Path) -> None:
    """What the service refused for good is marked failed, counted and never sent again."""
    pager = FakeNotifier(faults=[Refusal("no such key")])
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        await it.say(change(Change.FIRED))
        await it.settle(600)
        assert len(pager.tried) == 1
        (row,) = await it.memory.notifications(Outcome.FAILED)
        assert row.last_error == "no such key"
        assert it.count("tocsin_alerting_notifications_total", **_channel(), outcome="failed") == 1


async def test_refused_trigger_is_not_resolved(tmp_path: Path) -> None:
    """A resolve goes out only where its trigger did."""
    pager = FakeNotifier(faults=[Refusal("no such key")])
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        await it.say(change(Change.FIRED))
        await it.settle(1)
        await it.say(change(Change.RESOLVED))
        await it.settle(60)
        assert [message.status for _, message in pager.tried] == ["firing"]
        assert await outcomes(it) == [("pagerduty[0]", "failed", ""), ("pagerduty[0]", "suppressed", "never-announced")]


async def test_trigger_that_some_of_its_people_got_is_resolved(tmp_path: Path) -> None:
    """A mail that one of two recipients could not get is marked failed; the other one gets the all-clear."""
    pager = FakeNotifier(faults=[PartlyRefused("550 no such user")])
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        await it.say(change(Change.FIRED))
        await it.settle(1)
        await it.say(change(Change.RESOLVED))
        await it.settle(60)
        assert [message.status for _, message in pager.tried] == ["firing", "resolved"]
        assert await outcomes(it) == [("pagerduty[0]", "failed", ""), ("pagerduty[0]", "sent", "")]


async def test_receiver_that_comes_back_while_an_old_attempt_hangs_is_told(tmp_path: Path) -> None:
    """A receiver taken out and put back hears of what fires, however the attempt of its old self ends."""
    answer = asyncio.Event()
    old, new = FakeNotifier(faults=[AWAY], hang=answer), FakeNotifier()
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: old})) as it:
        await it.say(change(Change.FIRED))
        await it.settle(1)
        other = ChannelKey("other", "pagerduty[0]")
        await it.dispatcher.equip(equipment({other: FakeNotifier()}, Node(receiver="other", group_by=())))
        await it.dispatcher.equip(equipment({ONCALL: new}))
        answer.set()
        await it.settle(60)
        assert len(old.tried) == 1
        assert [status for status, _ in new.told] == ["firing"]
        assert await it.memory.count(Outcome.PENDING) == 0


async def test_what_waits_goes_on_waiting_while_nobody_is_configured(tmp_path: Path) -> None:
    """Configuration that names no notify file for a while loses no message: it goes out when there is one again."""
    pager = FakeNotifier(faults=[AWAY])
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        await it.say(change(Change.FIRED))
        await it.settle()
        await it.dispatcher.equip(Equipment())
        await it.settle(60)
        assert (len(pager.tried), await it.memory.count(Outcome.PENDING)) == (1, 1)
        again = FakeNotifier()
        await it.dispatcher.equip(equipment({ONCALL: again}))
        await it.settle(1)
        assert again.told == [("firing", "Slow fired")]
        await it.say(change(Change.RESOLVED))
        await it.settle(1)
        assert again.told == [("firing", "Slow fired"), ("resolved", "Slow resolved")]


async def test_receiver_that_hangs_holds_up_no_other(tmp_path: Path) -> None:
    """One notifier that never answers leaves the other notifiers of the same receiver unharmed."""
    stuck, slack = FakeNotifier(hang=asyncio.Event()), FakeNotifier()
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: stuck, SLACK: slack})) as it:
        for number in range(20):
            await it.say(change(Change.FIRED, f"A{number}"))
        await it.settle()
        assert len(slack.sent) == 20
        assert stuck.sent == []
        assert len(stuck.tried) == 4


async def test_incident_that_ended_before_it_was_told_pages_nobody(tmp_path: Path) -> None:
    """Firing and resolve that both wait for a receiver that is down are collapsed, by name, to nothing."""
    pager = FakeNotifier(faults=[AWAY] * 3)
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        await it.say(change(Change.FIRED))
        await it.settle(2)
        assert pager.tried
        await it.say(change(Change.RESOLVED))
        await it.settle(120)
        assert pager.sent == []
        expected = [("pagerduty[0]", "suppressed", reason) for reason in ("resolved-before-sent", "never-announced")]
        assert await outcomes(it) == expected
        assert it.count("tocsin_alerting_suppressed_total", reason="never-announced") == 1


async def test_resolve_while_the_trigger_is_on_its_way(tmp_path: Path) -> None:
    """A trigger that is being sent when its alert resolves is called off if it arrives."""
    hang = asyncio.Event()
    pager = FakeNotifier(hang=hang)
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        await it.say(change(Change.FIRED))
        await it.settle(1)
        await it.say(change(Change.RESOLVED))
        await it.settle(1)
        hang.set()
        await it.settle()
        assert [status for status, _ in pager.told] == ["firing", "resolved"]


async def test_trigger_that_fails_after_the_resolve_is_withdrawn(tmp_path: Path) -> None:
    """A trigger that was on its way when its alert resolved, and then failed, is not tried again."""
    hang = asyncio.Event()
    pager = FakeNotifier(faults=[AWAY], hang=hang)
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        await it.say(change(Change.FIRED))
        await it.settle(1)
        await it.say(change(Change.RESOLVED))
        await it.settle(1)
        hang.set()
        await it.settle(60)
        assert len(pager.tried) == 1
        assert [state for _, state, _ in await outcomes(it)] == ["suppressed", "suppressed"]


async def test_doubtful_trigger_is_called_off(tmp_path: Path) -> None:
    """A trigger that got no answer may have arrived: it is not sent again after the end, its resolve is."""
    pager = FakeNotifier(faults=[Unanswered("no answer")])
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        await it.say(change(Change.FIRED))
        await it.settle()
        await it.say(change(Change.RESOLVED))
        await it.settle(60)
        assert [status for status, _ in pager.told] == ["resolved"]


async def test_silence_of_a_service_is_a_timeout(tmp_path: Path) -> None:
    """An attempt ends after the timeout (5 s here) and is made again."""
    pager = FakeNotifier(hang=asyncio.Event())
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        await it.say(change(Change.FIRED))
        await it.settle(4.9)
        assert len(pager.tried) == 1
        await it.settle(2)
        assert len(pager.tried) == 2
        assert it.count("tocsin_alerting_retries_total", **_channel(), reason="timeout") == 1


async def test_notifier_that_breaks_loses_nothing(tmp_path: Path) -> None:
    """A bug in a notifier costs a retry, not a page."""
    pager = FakeNotifier(faults=[ValueError("a bug")])
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        await it.say(change(Change.FIRED))
        await it.settle(5)
        assert pager.told == [("firing", "Slow fired")]
        assert it.count("tocsin_alerting_retries_total", **_channel(), reason="error") == 1


async def test_older_news_gives_way_to_newer(tmp_path: Path) -> None:
    """While a receiver is down only the newest firing message of an incident waits; what ended in between is in it."""
    pager = FakeNotifier(faults=[None, *[AWAY] * 24])
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        await it.say(change(Change.FIRED, endpoint="/a"), change(Change.FIRED, endpoint="/b"))
        await it.settle(40)
        await it.say(change(Change.RESOLVED, endpoint="/b"))
        await it.settle(5)
        await it.say(change(Change.FIRED, endpoint="/c"))
        await it.settle(100)
        assert len(pager.sent) == 2
        told = [(view.labels["endpoint"], view.status.value) for view in pager.sent[1][1].alerts]
        assert told == [("/a", "firing"), ("/c", "firing"), ("/b", "resolved")]
        assert [reason for _, _, reason in await outcomes(it)] == ["", "superseded", ""]


async def test_escalation_to_another_route_adds_its_receiver(tmp_path: Path) -> None:
    """An alert that rises to another route stays with the receiver that has its incident; the new one is added."""
    team, boss = FakeNotifier(), FakeNotifier()
    child = Node(receiver="boss", group_by=("alertname",), matchers=parse('severity="critical"'))
    tree = Node(receiver="oncall", group_by=("alertname",), children=(child,))
    equipped = equipment({ONCALL: team, ChannelKey("boss", "pagerduty[0]"): boss}, tree)
    async with desk(tmp_path / "a.sqlite", equipped) as it:
        await it.say(change(Change.FIRED, level=Level.WARNING))
        await it.settle(1)
        assert (len(team.sent), len(boss.sent)) == (1, 0)
        await it.say(change(Change.RAISED, level=Level.CRITICAL))
        await it.settle(1)
        assert (len(team.sent), len(boss.sent)) == (2, 1)
        await it.say(change(Change.LOWERED, level=Level.WARNING))
        await it.settle(40)
        await it.say(change(Change.RESOLVED))
        await it.settle(1)
        assert [status for status, _ in team.told] == ["firing", "firing", "firing", "resolved"]
        assert [status for status, _ in boss.told] == ["firing", "firing", "resolved"]


async def test_escalation_within_a_receiver_keeps_one_incident(tmp_path: Path) -> None:
    """Two routes to one receiver, even grouped differently, are one incident of an alert."""
    team = FakeNotifier()
    child = Node(receiver="oncall", group_by=("alertname", "endpoint"), matchers=parse('severity="critical"'))
    tree = Node(receiver="oncall", group_by=("alertname",), children=(child,))
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: team}, tree)) as it:
        await it.say(change(Change.FIRED, level=Level.WARNING, endpoint="/a"))
        await it.settle(1)
        await it.say(change(Change.RAISED, level=Level.CRITICAL, endpoint="/a"))
        await it.settle(1)
        assert len({message.incident for _, message in team.sent}) == 1


async def test_lost_data_is_one_update_and_no_resolve(tmp_path: Path) -> None:
    """An alert whose data is gone keeps its incident open; one update says so."""
    pager = FakeNotifier()
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        await it.say(change(Change.FIRED))
        await it.settle(60)
        await it.say(change(Change.DATA_LOST))
        await it.settle(600)
        assert pager.told == [("firing", "Slow fired"), ("firing", "Slow data-lost")]
        assert pager.sent[1][1].alerts[0].value is None


async def test_group_wait_collects(tmp_path: Path) -> None:
    """A group waits for company as long as group_wait says, and a spike that ends before pages nobody."""
    pager = FakeNotifier()
    tree = Node(receiver="oncall", group_by=("alertname",), timers=Timers(wait=_seconds(30)))
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager}, tree)) as it:
        await it.say(change(Change.FIRED, "Spike"))
        await it.say(change(Change.FIRED, endpoint="/a"))
        await it.settle(10)
        await it.say(change(Change.FIRED, endpoint="/b"))
        await it.say(change(Change.RESOLVED, "Spike"))
        await it.settle(19)
        assert pager.sent == []
        await it.settle(2)
        assert [len(message.alerts) for _, message in pager.sent] == [2]
        assert it.count("tocsin_alerting_flushes_total", notice="never-announced") == 1


async def test_restart_sends_what_waited_and_nothing_twice(tmp_path: Path) -> None:
    """After a restart what was pending goes out under its old incident; what was sent does not go out again."""
    path, pager, slack = tmp_path / "a.sqlite", FakeNotifier(), FakeNotifier(faults=[AWAY] * 50)
    async with desk(path, equipment({ONCALL: pager, SLACK: slack})) as it:
        await it.say(change(Change.FIRED))
        await it.settle(3)
        incident = pager.sent[0][1].incident
    pager_after, slack_after = FakeNotifier(), FakeNotifier()
    async with desk(path, equipment({ONCALL: pager_after, SLACK: slack_after})) as it:
        await it.settle(10)
        assert pager_after.tried == []
        assert [message.incident for _, message in slack_after.sent] == [incident]
        await it.say(change(Change.RESOLVED))
        await it.settle(1)
        assert [message.incident for _, message in pager_after.sent] == [incident]
        assert [status for status, _ in slack_after.told] == ["firing", "resolved"]


async def test_transition_stored_before_a_crash_is_sent_after_it(tmp_path: Path) -> None:
    """A process that dies between storing a transition and flushing its group pages after the restart."""
    path, pager = tmp_path / "a.sqlite", FakeNotifier()
    async with desk(path, equipment({ONCALL: FakeNotifier()}), running=False) as it:
        await it.say(change(Change.FIRED))
    async with desk(path, equipment({ONCALL: pager})) as it:
        await it.settle(1)
        assert pager.told == [("firing", "Slow fired")]


async def test_retry_after_holds_over_a_restart(tmp_path: Path) -> None:
    """What a service asked for is honoured by the next process, too."""
    path, pager = tmp_path / "a.sqlite", FakeNotifier()
    throttled = FakeNotifier(faults=[Unreachable("slow down", retry_after_s=600.0)])
    async with desk(path, equipment({ONCALL: throttled})) as it:
        await it.say(change(Change.FIRED))
        await it.settle(1)
    async with desk(path, equipment({ONCALL: pager})) as it:
        await it.settle(500)
        assert pager.tried == []
        await it.settle(200)
        assert len(pager.sent) == 1


async def test_reload_adds_a_receiver_and_lets_another_go(tmp_path: Path) -> None:
    """Alerts that are firing reach a receiver that is new; what waits for one that is gone is named, not sent."""
    old, new = FakeNotifier(faults=[AWAY] * 50), FakeNotifier()
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: old})) as it:
        await it.say(change(Change.FIRED))
        await it.settle(3)
        tree = Node(receiver="night", group_by=("alertname",))
        await it.dispatcher.equip(equipment({ChannelKey("night", "pagerduty[0]"): new}, tree))
        await it.settle(60)
        assert new.told == [("firing", "Slow fired")]
        assert old.closed
        assert await outcomes(it) == [("pagerduty[0]", "suppressed", "receiver-removed"), ("pagerduty[0]", "sent", "")]


async def test_reload_with_the_same_receivers_says_nothing(tmp_path: Path) -> None:
    """A reload that changes nothing for an incident does not tell it again."""
    pager = FakeNotifier()
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        await it.say(change(Change.FIRED))
        await it.settle(1)
        await it.dispatcher.equip(equipment({ONCALL: pager}))
        await it.settle(60)
        assert len(pager.sent) == 1


async def test_reload_while_sending_finishes_what_is_on_its_way(tmp_path: Path) -> None:
    """A notifier that is replaced is closed only when its last message is through, and that is not sent twice."""
    hang = asyncio.Event()
    old, new = FakeNotifier(hang=hang), FakeNotifier()
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: old})) as it:
        await it.say(change(Change.FIRED))
        await it.settle(1)
        await it.dispatcher.equip(equipment({ONCALL: new}))
        await it.settle(1)
        assert not old.closed
        hang.set()
        await it.settle(1)
        assert old.closed
        assert (len(old.sent), new.tried) == (1, [])


async def test_nobody_is_told_without_receivers(tmp_path: Path) -> None:
    """Without notify.yml alerts are kept, and told when receivers come."""
    pager = FakeNotifier()
    async with desk(tmp_path / "a.sqlite", Equipment()) as it:
        await it.say(change(Change.FIRED))
        await it.settle(5)
        assert [kept.alert.rule for kept in await it.memory.alerts()] == ["Slow"]
        await it.dispatcher.equip(equipment({ONCALL: pager}))
        await it.settle(1)
        assert pager.told == [("firing", "Slow fired")]


async def test_evaluations_that_come_together_are_all_stored(tmp_path: Path) -> None:
    """Recording is safe from many tasks at once, and each returns only when its own evaluation is stored."""
    pager = FakeNotifier()
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        names = [f"A{number}" for number in range(30)]

        async def record(name: str) -> None:
            await it.dispatcher.record(evaluation(change(Change.FIRED, name)), now=it.clock.now())
            assert name in {kept.alert.rule for kept in await it.memory.alerts()}

        await asyncio.gather(*(record(name) for name in names))
        await it.settle(1)
        assert sorted(summary for _, summary in pager.told) == sorted(f"{name} fired" for name in names)


async def test_saved_and_forgotten_alerts_without_transitions(tmp_path: Path) -> None:
    """An evaluation may only save or forget alerts; nobody is told."""
    pager = FakeNotifier()
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        alert = replace(change(Change.FIRED).alert, labels=labels_of({"alertname": "Quiet"}))
        quiet = replace(evaluation(change(Change.FIRED)), saved=(alert,), transitions=())
        await it.dispatcher.record(quiet, now=it.clock.now())
        assert [kept.alert for kept in await it.memory.alerts()] == [alert]
        await it.dispatcher.record(replace(quiet, saved=(), forgotten=(alert.fingerprint,)), now=it.clock.now())
        assert list(await it.memory.alerts()) == []
        assert pager.tried == []


def break_memory(it: Desk, times: int) -> None:
    writer = it.memory._writer
    assert isinstance(writer, InlineWriter)
    writer.faults += [sqlite3.OperationalError("disk is full")] * times


async def test_what_cannot_be_recorded_has_not_happened(tmp_path: Path) -> None:
    """A full disk makes recording raise; nothing is told and nothing kept until it is recorded again."""
    pager = FakeNotifier()
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        break_memory(it, 1)
        with pytest.raises(MemoryFailed, match="disk is full"):
            await it.say(change(Change.FIRED))
        await it.settle(60)
        assert pager.tried == []
        await it.say(change(Change.FIRED))
        await it.settle(1)
        assert pager.told == [("firing", "Slow fired")]


async def test_flush_waits_for_a_memory_that_fails(tmp_path: Path) -> None:
    """A flush that cannot be stored sends nothing and is tried again."""
    pager = FakeNotifier()
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        await it.dispatcher.record(evaluation(change(Change.FIRED, at=it.clock.now())), now=it.clock.now())
        break_memory(it, 3)
        await it.settle(2)
        assert pager.tried == []
        await it.settle(5)
        assert pager.told == [("firing", "Slow fired")]
        assert it.count("tocsin_alerting_memory_failures_total") == 3


async def test_mark_that_fails_does_not_send_again(tmp_path: Path) -> None:
    """What was sent but could not be marked is marked later, and not sent a second time."""
    hang = asyncio.Event()
    pager = FakeNotifier(hang=hang)
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        await it.say(change(Change.FIRED))
        await it.settle(1)
        break_memory(it, 3)
        hang.set()
        await it.settle(10)
        assert len(pager.tried) == 1
        assert await outcomes(it) == [("pagerduty[0]", "sent", "")]


def _channel() -> dict[str, str]:
    return {"receiver": ONCALL.receiver, "notifier": ONCALL.notifier}


def _seconds(count: float) -> timedelta:
    return timedelta(seconds=count)
