"""What a group says and when, dispatcher and sender together, over a real SQLite file, in virtual time."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from alerting.alert import Change, Level, labels_of
from alerting.lane import ChannelKey
from alerting.memory.contract import Committed, Decision, MemoryFailed
from alerting.notify.contract import Unreachable
from alerting.routing.matchers import parse
from alerting.routing.tree import Node, Timers
from tests.alerting.alarm import VIRTUAL
from tests.alerting.desk import ONCALL, T0, break_memory, change, desk, equipment, evaluation
from tests.fakes.notifier import FakeNotifier

pytestmark = VIRTUAL

SLACK = ChannelKey("oncall", "slack[0]")
AWAY = Unreachable("away")


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


def _seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


async def test_a_storm_is_taken_in_portions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More alerts at once than one transaction is to hold: some after the others, each told once, none waits longer."""
    monkeypatch.setattr("alerting.recording.MOST_ALERTS", 3)
    monkeypatch.setattr("alerting.dispatcher.MOST_ALERTS", 3)
    pager = FakeNotifier()
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        sizes: list[int] = []
        commit = it.memory.commit

        async def counted(decision: Decision, *, now: datetime) -> Committed:
            sizes.append(
                len(decision.alerts) + sum(len(one.group.members) for one in decision.groups if not one.members)
            )
            return await commit(decision, now=now)

        monkeypatch.setattr(it.memory, "commit", counted)
        storm = [[change(Change.FIRED, f"R{rule}", host=f"h{host}") for host in "ab"] for rule in range(4)]
        await asyncio.gather(*(it.say(*changes) for changes in storm))
        await it.settle()
        assert sorted(words for _, words in pager.told) == sorted(f"R{rule} fired" for rule in range(4))
        assert max(sizes) <= 3
        assert len(sizes) >= 8
