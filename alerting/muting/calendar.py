"""Calendars: named times at which a route is not told, or only then is.

Written as Alertmanager's `time_intervals` (times of day, weekdays, days of the month, months, years, each in its own
time zone), or as an iCal file whose events are the times (on-call off days, holidays). Times are those on the wall in
`location`: an hour that daylight saving skips never comes, one that it repeats comes twice. An event goes from its
start to its end, each once: where a time comes twice, the first is meant.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events  # type: ignore[import-untyped]  # has no types

_DAY_MINUTES = 24 * 60
_TIME = re.compile(r"([01]\d|2[0-4]):([0-5]\d)")
_WEEKDAYS = {name.lower(): number for number, name in enumerate(calendar.day_name)}
_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
_LAST_YEAR = 9999
_AHEAD = timedelta(hours=1)
"""How far ahead a calendar says when it changes; who asks again by then misses nothing."""
_MINUTE = timedelta(minutes=1)
_MOST_SEEN = 50
_DAY = timedelta(days=1)
_Span = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeRangeConfig:
    """`start_time` <= time of day < `end_time`, as `HH:MM`; `24:00` is the end of the day."""

    start_time: str
    end_time: str

    def __post_init__(self) -> None:
        if _minute(self.start_time) >= _minute(self.end_time):
            raise ValueError(f"start_time {self.start_time} is not before end_time {self.end_time}; split it at 24:00")


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalConfig:
    """Times that meet every key that is given. Ranges are written `monday:friday`, `1:5` or `-3:-1` (from the end of
    the month), `may:august`, `2026:2027`. `location` is an IANA time zone.
    """

    times: tuple[TimeRangeConfig, ...] = ()
    weekdays: tuple[str, ...] = ()
    days_of_month: tuple[str, ...] = ()
    months: tuple[str, ...] = ()
    years: tuple[str, ...] = ()
    location: str = "UTC"

    def __post_init__(self) -> None:
        _zone(self.location)
        self.spans()

    def spans(self) -> tuple[tuple[_Span, ...], ...]:
        """Weekdays, days of the month, months, years: first and last of each range. Raises ValueError."""
        return (
            tuple(_span(text, "weekdays", _WEEKDAYS, 0, 6) for text in self.weekdays),
            tuple(_days(text) for text in self.days_of_month),
            tuple(_span(text, "months", _MONTHS, 1, 12) for text in self.months),
            tuple(_span(text, "years", {}, 1, _LAST_YEAR) for text in self.years),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarConfig:
    """A name for times: those of any of `time_intervals`, and of any event of the iCal file `ical` (whose times without
    a zone, and days, are those of `location`).
    """

    name: str
    time_intervals: tuple[IntervalConfig, ...] = ()
    ical: Path | None = None
    location: str = "UTC"

    def __post_init__(self) -> None:
        _zone(self.location)
        if not self.time_intervals and self.ical is None:
            raise ValueError("has no times; give time_intervals, or an iCal file with ical")


class Calendar:
    """The times of one name. Reads its file once, here. Raises ValueError for one that is no iCal."""

    def __init__(self, config: CalendarConfig) -> None:
        self.name = config.name
        self._intervals = tuple(_Interval(one) for one in config.time_intervals)
        self._zone = _zone(config.location)
        self._events = None if config.ical is None else _read(config.ical)
        self._seen: dict[date, list[tuple[datetime, datetime]]] = {}

    def covers(self, now: datetime) -> bool:
        """Whether the minute of `now` is one of its times."""
        minute = now.replace(second=0, microsecond=0)
        return any(interval.covers(minute) for interval in self._intervals) or self._event_at(minute)

    def changes(self, now: datetime) -> datetime:
        """When to ask again: the next full minute at which the answer is another, an hour from now at the latest."""
        covered = self.covers(now)
        at = now.replace(second=0, microsecond=0)
        while at <= now + _AHEAD:
            at += _MINUTE
            if self.covers(at) != covered:
                break
        return at

    def _event_at(self, minute: datetime) -> bool:
        return any(start < minute + _MINUTE and minute < end for start, end in self._events_of(minute.date()))

    def _events_of(self, day: date) -> Sequence[tuple[datetime, datetime]]:
        """Start and end of the events about a day of UTC. Remembered for a while: unfolding what repeats takes long.

        Unfolded with a day to spare on either side and compared in UTC, where no hour comes twice.
        """
        if self._events is None:
            return ()
        if day not in self._seen:
            if len(self._seen) >= _MOST_SEEN:
                self._seen.clear()
            noon = datetime.combine(day, time(12), self._zone)
            found = self._events.between(noon - 2 * _DAY, noon + 2 * _DAY)
            self._seen[day] = [(self._utc(one["DTSTART"].dt), self._utc(one["DTEND"].dt)) for one in found]
        return self._seen[day]

    def _utc(self, moment: date) -> datetime:
        """A day, or a time with or without a zone, as it stands in the file."""
        if not isinstance(moment, datetime):
            moment = datetime.combine(moment, time())
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=self._zone)).astimezone(UTC)


class _Interval:
    def __init__(self, config: IntervalConfig) -> None:
        self._zone = _zone(config.location)
        self._times = tuple((_minute(one.start_time), _minute(one.end_time)) for one in config.times)
        self._weekdays, self._days, self._months, self._years = config.spans()

    def covers(self, now: datetime) -> bool:
        local = now.astimezone(self._zone)
        minute = local.hour * 60 + local.minute
        return (
            (not self._times or any(start <= minute < end for start, end in self._times))
            and _within(local.weekday(), self._weekdays)
            and (not self._days or _is_day(local, self._days))
            and _within(local.month, self._months)
            and _within(local.year, self._years)
        )


def _within(value: int, spans: Sequence[_Span]) -> bool:
    return not spans or any(first <= value <= last for first, last in spans)


def _is_day(local: datetime, spans: Sequence[_Span]) -> bool:
    """Days that a month does not have are cut to those that it has; -1 is its last."""
    length = calendar.monthrange(local.year, local.month)[1]
    for first, last in spans:
        begin = first if first > 0 else max(length + 1 + first, 1)
        end = min(last, length) if last > 0 else length + 1 + last
        if begin <= local.day <= end:
            return True
    return False


def _minute(text: str) -> int:
    found = _TIME.fullmatch(text)
    minute = int(found[1]) * 60 + int(found[2]) if found else _DAY_MINUTES + 1
    if minute > _DAY_MINUTES:
        raise ValueError(f"{text!r} is no time of day; write it as in 09:00, up to 24:00")
    return minute


def _span(text: str, what: str, names: Mapping[str, int], least: int, most: int) -> _Span:
    first, colon, last = text.lower().partition(":")
    span = (_number(first, names), _number(last if colon else first, names))
    if not least <= span[0] <= span[1] <= most:
        example = f"{next(iter(names))}:{list(names)[4]}" if names else "2026:2027"
        raise ValueError(f"{what}: {text!r} is no range; write it as in {example}")
    return span


def _number(text: str, names: Mapping[str, int]) -> int:
    text = text.strip()
    return names.get(text, int(text) if text.isascii() and text.isdigit() and len(text) <= len("9999") else -1)


def _days(text: str) -> _Span:
    first, colon, last = text.partition(":")
    try:
        span = (int(first), int(last if colon else first))
    except ValueError:
        span = (0, 0)
    in_order = span[0] <= span[1] or (span[0] > 0 > span[1])
    if 0 in span or max(map(abs, span)) > calendar.monthrange(2000, 1)[1] or not in_order or (span[0] < 0 < span[1]):
        raise ValueError(f"days_of_month: {text!r} is no range; write it as in 1:5, or -3:-1 for the last three days")
    return span


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"location: {name!r} is no time zone; write one as in Europe/Berlin") from error


def _read(path: Path) -> Any:
    try:
        return recurring_ical_events.of(icalendar.Calendar.from_ical(path.read_bytes()))
    except OSError as error:
        raise ValueError(f"ical: {path}: {error.strerror or error}") from error
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise ValueError(f"ical: {path} is no iCal file: {error}") from error
