"""Sending: tries again, in order, no faster than asked, and takes back what nobody needs to hear any more."""

import asyncio
from pathlib import Path

from alerting.alert import Change
from alerting.lane import ChannelKey
from alerting.memory.contract import Outcome
from alerting.notify.contract import PartlyRefused, Refusal, Unanswered, Unreachable
from tests.alerting.alarm import VIRTUAL
from tests.alerting.desk import ONCALL, break_memory, change, desk, equipment, outcomes
from tests.fakes.notifier import FakeNotifier

pytestmark = VIRTUAL

SLACK = ChannelKey("oncall", "slack[0]")
AWAY = Unreachable("away")


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
