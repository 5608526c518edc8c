"""Windows of GROUP BY time(), in Python and in SQL."""

import random
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import duckdb
import pytest

from influxql.literals import MAX_TIME, MIN_TIME
from influxql.translate.statement import select_sql
from influxql.translate.timegroup import window_sql
from influxql.window import Window

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * SECOND


def test_windows_start_at_multiples_since_1970() -> None:
    """Windows are multiples of the interval, moved by the offset, also before 1970."""
    assert list(Window(25 * SECOND).starts(7 * SECOND, 60 * SECOND)) == [0, 25 * SECOND, 50 * SECOND]
    assert Window(25 * SECOND, 5 * SECOND).start(0) == -20 * SECOND
    assert Window(25 * SECOND, -5 * SECOND).start(0) == -5 * SECOND
    assert Window(10 * SECOND).start(-1) == -10 * SECOND


def test_days_follow_the_clock_of_the_zone() -> None:
    """A day in a zone lasts from midnight to midnight there, 23 hours in spring and 25 in autumn."""
    days = list(Window(DAY, 0, BERLIN).starts(at("2020-03-28T12:00:00+01:00"), at("2020-03-30T12:00:00+02:00")))
    assert days == [at("2020-03-28T00:00:00+01:00"), at("2020-03-29T00:00:00+01:00"), at("2020-03-30T00:00:00+02:00")]
    autumn = list(Window(DAY, 0, BERLIN).starts(at("2020-10-25T01:00:00+02:00"), at("2020-10-26T12:00:00+01:00")))
    assert autumn == [at("2020-10-25T00:00:00+02:00"), at("2020-10-26T00:00:00+01:00")]


def test_most_windows() -> None:
    """Who wants only some windows gets the first of them, however long the range is."""
    assert list(Window(1).starts(0, 10**18, 3)) == [0, 1, 2]
    assert len(list(Window(HOUR, 0, BERLIN).starts(0, 10**18, 3))) == 3


@pytest.mark.parametrize(
    ("interval", "offset"), [(HOUR, 0), (HOUR, 7 * SECOND), (HOUR, -7 * SECOND), (36_500 * DAY, 0)]
)
def test_the_first_and_the_last_window_there_are(interval: int, offset: int) -> None:
    """The one that begins before the first nanosecond starts with it; no number is left behind at either end."""
    window = Window(interval, offset)
    second = window.following(MIN_TIME)
    assert (second - offset) % interval == 0
    assert list(window.starts(MIN_TIME, second + interval)) == [MIN_TIME, second, second + interval]
    with duckdb.connect() as connection:
        for time in (MIN_TIME, MIN_TIME + 1, second - 1, second, -1, 0, MAX_TIME):
            sql = select_sql([window_sql(window, MIN_TIME, MAX_TIME)], "(SELECT $t::BIGINT AS time)")
            assert connection.execute(sql, {"t": time}).fetchone() == (window.start(time),)


ZONES = [UTC, BERLIN, ZoneInfo("America/St_Johns"), ZoneInfo("Asia/Kolkata")]
INTERVALS = [7 * SECOND, 60 * SECOND, HOUR, 6 * HOUR, DAY, 7 * DAY]


@pytest.mark.parametrize("zone", ZONES, ids=str)
@pytest.mark.parametrize("interval", INTERVALS)
def test_sql_agrees(zone: ZoneInfo, interval: int) -> None:
    """The window that SQL computes for a row is the one that Python computes, in every zone, on both sides of 1970."""
    luck = random.Random(f"{zone} {interval}")  # noqa: S311 - the same cases every time
    change = at("2026-03-29T01:00:00+00:00")
    with duckdb.connect() as connection:
        for time in (change, change + HOUR, change + 20 * HOUR):
            window = Window(interval, 0, zone)
            sql = select_sql([window_sql(window, time, time)], "(SELECT $t::BIGINT AS time)")
            assert connection.execute(sql, {"t": time}).fetchone() == (window.start(time),)
        for _ in range(20):
            time = luck.randrange(at("1969-01-01T00:00:00+00:00"), at("2030-01-01T00:00:00+00:00"))
            window = Window(interval, luck.randrange(-3, 4) * SECOND, zone)
            reach = luck.randrange(400) * DAY * luck.randrange(2)
            sql = select_sql([window_sql(window, time - reach, time + reach)], "(SELECT $t::BIGINT AS time)")
            assert connection.execute(sql, {"t": time}).fetchone() == (window.start(time),)
