"""Restarts and reloads of the sending half: what waits goes on waiting, and nobody hears twice."""

import asyncio
from pathlib import Path

from alerting.alert import Change
from alerting.dispatcher import Equipment
from alerting.lane import ChannelKey
from alerting.memory.contract import Outcome
from alerting.notify.contract import Unreachable
from alerting.routing.tree import Node
from tests.alerting.alarm import VIRTUAL
from tests.alerting.desk import ONCALL, change, desk, equipment, outcomes
from tests.fakes.notifier import FakeNotifier

pytestmark = VIRTUAL

SLACK = ChannelKey("oncall", "slack[0]")
AWAY = Unreachable("away")


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
