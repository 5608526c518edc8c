"""Calendars: Alertmanager's time intervals and iCal files, on the wall of their place."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from alerting.muting.calendar import Calendar, CalendarConfig, IntervalConfig, TimeRangeConfig

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = IntervalConfig(
    times=(TimeRangeConfig(start_time="09:00", end_time="17:00"),),
    weekdays=("monday:friday",),
    location="Europe/Berlin",
)
EVENTS = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//tests//tests
BEGIN:VEVENT
UID:1
DTSTART;VALUE=DATE:20261225
DTEND;VALUE=DATE:20261227
SUMMARY:Closed
END:VEVENT
BEGIN:VEVENT
UID:2
DTSTART:20261110T220000
DTEND:20261110T233000
RRULE:FREQ=WEEKLY;BYDAY=TU
SUMMARY:Maintenance
END:VEVENT
END:VCALENDAR
"""


def calendar(*intervals: IntervalConfig) -> Calendar:
    return Calendar(CalendarConfig(name="hours", time_intervals=intervals))


def berlin(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=BERLIN).astimezone(UTC)  # type: ignore[misc, arg-type]  # year to minute


@pytest.mark.parametrize(
    ("interval", "covered", "not_covered"),
    [
        (OFFICE, [(2026, 11, 20, 9, 0), (2026, 11, 20, 16, 59)], [(2026, 11, 20, 17, 0), (2026, 11, 21, 12, 0)]),
        (IntervalConfig(days_of_month=("-1",)), [(2026, 2, 28, 12, 0)], [(2026, 2, 27, 12, 0), (2026, 3, 1, 12, 0)]),
        (IntervalConfig(days_of_month=("20:-1",)), [(2026, 2, 28, 12, 0)], [(2026, 2, 19, 12, 0)]),
        (IntervalConfig(days_of_month=("30:31",)), [(2026, 3, 31, 12, 0)], [(2026, 2, 28, 12, 0)]),
        (IntervalConfig(months=("may:august", "12")), [(2026, 8, 9, 9, 9), (2026, 12, 9, 9, 9)], [(2026, 9, 9, 9, 9)]),
        (IntervalConfig(years=("2026",)), [(2026, 6, 1, 0, 0)], [(2027, 6, 1, 0, 0)]),
        (IntervalConfig(weekdays=("sunday",)), [(2026, 11, 22, 12, 0)], [(2026, 11, 23, 12, 0)]),
    ],
)
def test_interval_is_what_meets_all_its_keys(
    interval: IntervalConfig, covered: list[tuple[int, ...]], not_covered: list[tuple[int, ...]]
) -> None:
    """Times are from start to before the end, ranges hold both ends, days count from the end of the month too."""
    hours = calendar(interval)
    assert [hours.covers(berlin(*moment)) for moment in covered] == [True] * len(covered)
    assert [hours.covers(berlin(*moment)) for moment in not_covered] == [False] * len(not_covered)


def test_daylight_saving_moves_the_interval_with_the_wall() -> None:
    """09:00 in Berlin is 08:00 UTC in winter and 07:00 UTC in summer; 02:30 comes twice when the clock goes back."""
    hours = calendar(OFFICE)
    assert not hours.covers(datetime(2026, 3, 27, 7, 30, tzinfo=UTC))
    assert hours.covers(datetime(2026, 3, 30, 7, 30, tzinfo=UTC))
    night = calendar(
        IntervalConfig(times=(TimeRangeConfig(start_time="02:00", end_time="03:00"),), location="Europe/Berlin")
    )
    skipped = [datetime(2026, 3, 29, 1, minute, tzinfo=UTC) for minute in (0, 30)]
    assert [night.covers(moment) for moment in skipped] == [False, False]
    twice = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1)]
    assert [night.covers(moment) for moment in twice] == [True, True]


def test_says_when_it_changes() -> None:
    """To the minute where that is within the hour, else within about an hour."""
    hours = calendar(OFFICE)
    assert hours.changes(berlin(2026, 11, 20, 16, 20) + timedelta(seconds=30)) == berlin(2026, 11, 20, 17, 0)
    assert hours.changes(berlin(2026, 11, 20, 8, 59)) == berlin(2026, 11, 20, 9, 0)
    noon = berlin(2026, 11, 20, 12, 0)
    assert timedelta(0) < hours.changes(noon) - noon <= timedelta(minutes=61)


def test_events_of_an_ical_file(tmp_path: Path) -> None:
    """Whole days and what repeats, in the calendar's own zone where the file names none."""
    path = tmp_path / "closed.ics"
    path.write_bytes(EVENTS.replace("\n", "\r\n").encode())
    closed = Calendar(CalendarConfig(name="closed", ical=path, location="Europe/Berlin"))
    inside = [(2026, 12, 25, 0, 0), (2026, 12, 26, 23, 59), (2026, 11, 17, 22, 0), (2026, 11, 24, 23, 29)]
    outside = [(2026, 12, 24, 23, 59), (2026, 12, 27, 0, 0), (2026, 11, 17, 21, 59), (2026, 11, 17, 23, 30)]
    assert [closed.covers(berlin(*moment)) for moment in inside] == [True] * len(inside)
    assert [closed.covers(berlin(*moment)) for moment in outside] == [False] * len(outside)


def test_file_that_is_none_is_refused(tmp_path: Path) -> None:
    """With its path and what is wrong."""
    path = tmp_path / "closed.ics"
    with pytest.raises(ValueError, match=r"closed\.ics: No such file"):
        Calendar(CalendarConfig(name="closed", ical=path))
    path.write_text("nothing of the kind")
    with pytest.raises(ValueError, match=r"closed\.ics is no iCal file"):
        Calendar(CalendarConfig(name="closed", ical=path))


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"weekdays": ("mon",)}, "monday:friday"),
        ({"weekdays": ("friday:monday",)}, "is no range"),
        ({"days_of_month": ("0",)}, "is no range"),
        ({"days_of_month": ("-1:5",)}, "is no range"),
        ({"days_of_month": ("32",)}, "is no range"),
        ({"months": ("13",)}, "january:may"),
        ({"years": ("soon",)}, "2026:2027"),
        ({"location": "Mars/Olympus"}, "Europe/Berlin"),
    ],
)
def test_what_is_no_interval_is_refused(keys: dict[str, object], told: str) -> None:
    """The error says how it is written."""
    with pytest.raises(ValueError, match=told):
        IntervalConfig(**keys)  # type: ignore[arg-type]  # each case gives one key


@pytest.mark.parametrize(
    ("start", "end"), [("9:00", "17:00"), ("24:01", "24:00"), ("17:00", "09:00"), ("10:60", "11:00")]
)
def test_what_is_no_time_of_day_is_refused(start: str, end: str) -> None:
    """Two digits each, up to 24:00, and the start before the end."""
    with pytest.raises(ValueError, match=r"time of day|is not before"):
        TimeRangeConfig(start_time=start, end_time=end)


def test_a_calendar_needs_times() -> None:
    """One without any would mute nobody and look as if it did."""
    with pytest.raises(ValueError, match="has no times"):
        CalendarConfig(name="empty")
