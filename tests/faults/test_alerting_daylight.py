"""The wall clock changes for summer or winter while a calendar mutes: pages are released at the right instant."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerting.alert import Change
from alerting.dispatcher import Equipment
from alerting.muting.calendar import Calendar, CalendarConfig, IntervalConfig, TimeRangeConfig
from alerting.routing.tree import Node, Timers
from tests.alerting.alarm import VIRTUAL
from tests.alerting.desk import ONCALL, change, desk
from tests.fakes.loop_clock import LoopClock
from tests.fakes.notifier import FakeNotifier

pytestmark = VIRTUAL

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
EVENT = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//tests//tests
BEGIN:VEVENT
UID:1
DTSTART:20260101T000000
DTEND:20260101T023000
RRULE:FREQ=DAILY
SUMMARY:Night
END:VEVENT
END:VCALENDAR
"""


def by_interval(zone: str, _: Path) -> Calendar:
    night = IntervalConfig(times=(TimeRangeConfig(start_time="00:00", end_time="02:30"),), location=zone)
    return Calendar(CalendarConfig(name="night", time_intervals=(night,)))


def by_event(zone: str, folder: Path) -> Calendar:
    path = folder / "night.ics"
    path.write_bytes(EVENT.replace("\n", "\r\n").encode())
    return Calendar(CalendarConfig(name="night", ical=path, location=zone))


def utc(month: int, day: int, hour: int, minute: int) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


SPRING = [
    (by_interval, BERLIN, utc(3, 29, 0, 0), utc(3, 29, 1, 0)),
    (by_interval, NEW_YORK, utc(3, 8, 6, 0), utc(3, 8, 7, 0)),
    (by_interval, LORD_HOWE, utc(10, 3, 15, 0), utc(10, 3, 15, 30)),
    (by_event, BERLIN, utc(3, 29, 0, 0), utc(3, 29, 1, 30)),
    (by_event, NEW_YORK, utc(3, 8, 6, 0), utc(3, 8, 7, 30)),
    (by_event, LORD_HOWE, utc(10, 3, 15, 0), utc(10, 3, 15, 30)),
]
"""02:30 never comes in Berlin and New York: an interval ends with the jump, an event when 02:30 would have been."""
AUTUMN = [
    (by_interval, BERLIN, utc(10, 24, 23, 0), utc(10, 25, 0, 30)),
    (by_interval, BERLIN, utc(10, 25, 1, 10), utc(10, 25, 1, 30)),
    (by_interval, NEW_YORK, utc(11, 1, 5, 10), utc(11, 1, 7, 30)),
    (by_interval, LORD_HOWE, utc(4, 4, 14, 0), utc(4, 4, 16, 0)),
    (by_event, BERLIN, utc(10, 24, 23, 0), utc(10, 25, 0, 30)),
    (by_event, BERLIN, utc(10, 25, 1, 10), utc(10, 25, 1, 10)),
    (by_event, NEW_YORK, utc(11, 1, 5, 10), utc(11, 1, 7, 30)),
    (by_event, NEW_YORK, utc(11, 1, 6, 10), utc(11, 1, 7, 30)),
    (by_event, LORD_HOWE, utc(4, 4, 14, 0), utc(4, 4, 16, 0)),
]
"""02:30 comes twice in Berlin: an interval covers both times before it, an event ends with the first."""


@pytest.mark.parametrize(("made", "zone", "fires_at", "told_at"), [*SPRING, *AUTUMN])
async def test_a_page_is_held_for_as_long_as_the_wall_says(
    tmp_path: Path, made: Callable[[str, Path], Calendar], zone: str, fires_at: datetime, told_at: datetime
) -> None:
    """What fires by night is told at 02:30 by the clock on the wall, and what ends by night is told to nobody."""
    pager, clock = FakeNotifier(), LoopClock(fires_at)
    equipped = Equipment(
        tree=Node(receiver="oncall", group_by=("alertname",), timers=Timers(mute=("night",))),
        receivers=frozenset({"oncall"}),
        calendars={"night": made(zone, tmp_path)},
        notifiers={ONCALL: pager},
    )
    async with desk(tmp_path / "a.sqlite", equipped, clock=clock) as it:
        await it.say(change(Change.FIRED))
        if told_at > fires_at:
            await it.say(change(Change.FIRED, "Brief"))
            await it.settle(60)
            await it.say(change(Change.RESOLVED, "Brief"))
            await it.settle((told_at - clock.now()).total_seconds() - 1)
            assert pager.tried == []
        await it.settle(2)
        assert pager.told == [("firing", "Slow fired")]
        ((at, _),) = pager.sent
        assert timedelta(0) <= at - told_at < timedelta(seconds=1)
