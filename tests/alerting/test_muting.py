"""Muting over the whole sending half: a real SQLite file, notifiers that only remember, virtual time."""

from datetime import timedelta
from pathlib import Path

import pytest

from alerting.alert import Change, Level
from alerting.dispatcher import Equipment
from alerting.memory.contract import Outcome
from alerting.muting.calendar import Calendar, CalendarConfig, IntervalConfig, TimeRangeConfig
from alerting.muting.inhibition import InhibitRule
from alerting.muting.silence import Silence, draw_up
from alerting.routing.matchers import parse
from alerting.routing.tree import Node, Timers
from tests.alerting.desk import ONCALL, Desk, change, desk, equipment
from tests.fakes.notifier import FakeNotifier

pytestmark = pytest.mark.looptime


def silence(it: Desk, *matchers: str, seconds: float = 100, name: str = "s1") -> Silence:
    now = it.clock.now()
    ends_at = now + timedelta(seconds=seconds)
    words = {"author": "ann", "comment": "moving house"}
    return draw_up(name, matchers, starts_at=now, ends_at=ends_at, now=now, **words)


async def suppressed(it: Desk) -> list[tuple[str, tuple[str, ...]]]:
    """(reason, what muted) of every message that was held back, in their order."""
    rows = await it.memory.notifications(Outcome.SUPPRESSED)
    return [(row.reason, row.message.muted) for row in sorted(rows, key=lambda row: row.id)]


async def test_silenced_alert_is_told_when_the_silence_ends(tmp_path: Path) -> None:
    """Nobody hears of it meanwhile, what would have been said is kept with the silence's name, once."""
    pager = FakeNotifier()
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        one = silence(it, "alertname=Slow")
        await it.dispatcher.silence(one)
        await it.say(change(Change.FIRED))
        await it.settle(60)
        assert pager.tried == []
        until = f"{one.ends_at:%Y-%m-%d %H:%M} UTC"
        assert await suppressed(it) == [("silenced", (f"1 alert silenced by ann until {until}: moving house",))]
        await it.settle(50)
        assert pager.told == [("firing", "Slow fired")]
        assert len(await suppressed(it)) == 1


async def test_silenced_alert_that_ends_pages_nobody(tmp_path: Path) -> None:
    """Neither its beginning nor its end is told."""
    pager = FakeNotifier()
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        await it.dispatcher.silence(silence(it, "alertname=Slow"))
        await it.say(change(Change.FIRED))
        await it.settle(10)
        await it.say(change(Change.RESOLVED))
        await it.settle(200)
        assert pager.tried == []


async def test_end_of_an_announced_alert_is_told_through_a_silence(tmp_path: Path) -> None:
    """Whoever was paged hears that it is over; a rise is not told."""
    pager = FakeNotifier()
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        await it.say(change(Change.FIRED, level=Level.WARNING))
        await it.settle(1)
        await it.dispatcher.silence(silence(it, "alertname=Slow"))
        await it.say(change(Change.RAISED))
        await it.settle(40)
        assert pager.told == [("firing", "Slow fired")]
        await it.say(change(Change.RESOLVED))
        await it.settle(1)
        assert pager.told == [("firing", "Slow fired"), ("resolved", "Slow resolved")]


async def test_silence_that_is_called_off_lets_its_alerts_be_heard(tmp_path: Path) -> None:
    """At once, not at the next interval."""
    pager = FakeNotifier()
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        one = silence(it, "alertname=Slow", seconds=9000)
        await it.dispatcher.silence(one)
        await it.say(change(Change.FIRED))
        await it.settle(10)
        await it.dispatcher.silence(one.expired(it.clock.now()))
        await it.settle()
        assert pager.told == [("firing", "Slow fired")]


async def test_silence_outlives_a_restart(tmp_path: Path) -> None:
    """Also after a crash, and what it held back is told when it ends."""
    path, pager = tmp_path / "a.sqlite", FakeNotifier()
    async with desk(path, equipment({ONCALL: pager})) as it:
        await it.dispatcher.silence(silence(it, "alertname=Slow"))
        await it.say(change(Change.FIRED))
        await it.settle(10)
    async with desk(path, equipment({ONCALL: pager})) as it:
        assert [one.id for one in it.dispatcher.silences()] == ["s1"]
        await it.settle(60)
        assert pager.tried == []
        await it.settle(60)
        assert pager.told == [("firing", "Slow fired")]


async def test_message_says_what_it_leaves_out(tmp_path: Path) -> None:
    """Of a group of which a part is silenced the rest is told, with the number of the others and why."""
    pager = FakeNotifier()
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        await it.dispatcher.silence(silence(it, "endpoint=b"))
        await it.say(change(Change.FIRED, endpoint="a"), change(Change.FIRED, endpoint="b"))
        await it.settle()
        ((_, message),) = pager.sent
        assert [view.labels["endpoint"] for view in message.alerts] == ["a"]
        (left_out,) = message.muted
        assert left_out.startswith("1 alert silenced by ann until ")


async def test_source_mutes_until_it_ends(tmp_path: Path) -> None:
    """While the database is down, slow pages page nobody; when it is up and they are still slow, they do at once."""
    pager = FakeNotifier()
    rule = InhibitRule(source=parse("alertname=Down"), target=parse("alertname=Slow"), equal=("site",))
    equipped = equipment({ONCALL: pager})
    muting = Equipment(
        tree=equipped.tree, receivers=equipped.receivers, notifiers={ONCALL: pager}, inhibit_rules=(rule,)
    )
    async with desk(tmp_path / "a.sqlite", muting) as it:
        await it.say(change(Change.FIRED, "Down", site="a"))
        await it.say(change(Change.FIRED, site="a"), change(Change.FIRED, site="b"))
        await it.settle(40)
        assert pager.told == [("firing", "Down fired"), ("firing", "Slow fired")]
        assert [view.labels["site"] for view in pager.sent[1][1].alerts] == ["b"]
        assert await suppressed(it) == [("inhibited", ('1 alert inhibited while Down (site="a") is open',))]
        await it.say(change(Change.RESOLVED, "Down", site="a"))
        await it.settle()
        last = next(message for _, message in reversed(pager.sent) if message.group_labels["alertname"] == "Slow")
        assert sorted(view.labels["site"] for view in last.alerts) == ["a", "b"]


async def test_source_that_is_lowered_mutes_no_more(tmp_path: Path) -> None:
    """Where the rule asks for a critical source, what it muted is told as soon as that is but a warning."""
    pager = FakeNotifier()
    rule = InhibitRule(source=parse("alertname=Down,severity=critical"), target=parse("alertname=Slow"))
    equipped = equipment({ONCALL: pager})
    muting = Equipment(
        tree=equipped.tree, receivers=equipped.receivers, notifiers={ONCALL: pager}, inhibit_rules=(rule,)
    )
    async with desk(tmp_path / "a.sqlite", muting) as it:
        await it.say(change(Change.FIRED, "Down"))
        await it.say(change(Change.FIRED))
        await it.settle(40)
        assert pager.told == [("firing", "Down fired")]
        await it.say(change(Change.LOWERED, "Down", level=Level.WARNING))
        await it.settle(1)
        assert ("firing", "Slow fired") in pager.told


async def test_route_is_silent_outside_of_its_hours(tmp_path: Path) -> None:
    """What fires at night is told when the day begins, if it still fires."""
    pager = FakeNotifier()
    day = IntervalConfig(times=(TimeRangeConfig(start_time="00:05", end_time="24:00"),))
    calendar = Calendar(CalendarConfig(name="day", time_intervals=(day,)))
    root = Node(receiver="oncall", group_by=("alertname",), timers=Timers(active=("day",)))
    equipped = Equipment(
        tree=root, receivers=frozenset({"oncall"}), notifiers={ONCALL: pager}, calendars={"day": calendar}
    )
    async with desk(tmp_path / "a.sqlite", equipped) as it:
        assert it.clock.now().time().minute == 0
        await it.say(change(Change.FIRED))
        await it.settle(240)
        assert pager.tried == []
        assert await suppressed(it) == [("calendar", ("1 alert outside of the calendar day",))]
        await it.settle(61)
        assert pager.told == [("firing", "Slow fired")]
