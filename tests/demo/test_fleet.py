"""The simulated devices: spread over time, deterministic, complete, and silent only where the line is cut."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from demo.faults import Faults, Kind
from demo.fleet import SILENT_SITE, SITES, Fleet, Report

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
S = 1_000_000_000
START_NS = int(START.timestamp()) * S
EVERY = timedelta(seconds=15)


def lived(seconds: int, faults: Faults | None = None, *, seed: int = 7, step_ns: int = S // 4) -> list[Report]:
    fleet = Fleet(seed, 300, EVERY)
    return [
        report
        for at in range(START_NS, START_NS + seconds * S, step_ns)
        for report in fleet.reports(at, at + step_ns, faults or Faults())
    ]


def test_the_same_seed_reports_the_same() -> None:
    """A fleet is made of its seed alone."""
    assert lived(30) == lived(30)
    assert lived(30) != lived(30, seed=8)


def test_every_device_reports_once_a_period() -> None:
    """300 devices each report exactly four times in a minute, at a distance of exactly 15 s."""
    reports = lived(60)

    assert Counter(report.device for report in reports) == dict.fromkeys({r.device for r in reports}, 4)
    assert len({report.device for report in reports}) == 300
    one = [report.at_ns for report in reports if report.device == reports[0].device]
    assert [later - sooner for sooner, later in pairwise(one)] == [15 * S] * 3


def test_reports_are_spread_over_the_period() -> None:
    """No second of a period carries more than a fifth of the fleet, so devices do not stampede."""
    per_second = Counter(report.at_ns // S for report in lived(15))

    assert max(per_second.values()) < 60


def test_a_report_holds_a_reading_and_a_status_with_the_tables_names() -> None:
    """Each report carries device_reading (device, site, kind) and device_status (device, site, firmware), in ms."""
    loose = sorted({report.device for report in lived(15)}, key=lambda name: name.rpartition("-")[2])[7]
    for report in lived(15):
        reading, status = report.items
        assert reading["measurement"] == "device_reading"
        assert set(reading["tags"]) == {"device", "site", "kind"}
        assert reading["fields"]
        assert all(isinstance(value, float) for value in reading["fields"].values()) or report.device == loose
        assert status["measurement"] == "device_status"
        assert set(status["tags"]) == {"device", "site", "firmware"}
        assert set(status["fields"]) == {"battery_pct", "rssi_dbm", "uptime_s"}
        assert isinstance(status["fields"]["uptime_s"], int)
        assert reading["time"] == status["time"] == report.at_ns // 1_000_000


def test_temperature_and_humidity_are_measured() -> None:
    """The quantities that the boards draw occur and are plausible."""
    climates = [r.items[0]["fields"] for r in lived(15) if r.items[0]["tags"]["kind"] == "climate"]

    assert climates
    assert all(5 < fields["temperature_c"] < 40 and 10 < fields["humidity_pct"] < 90 for fields in climates)


def test_batteries_drain_and_are_replaced() -> None:
    """Over five days a battery goes down, is replaced before it is empty, and never leaves 0 to 100."""
    fleet = Fleet(7, 10, timedelta(minutes=30))
    levels: dict[str, list[float]] = {}
    for report in fleet.reports(START_NS, START_NS + 5 * 86_400 * S, Faults()):
        levels.setdefault(report.device, []).append(report.items[1]["fields"]["battery_pct"])

    assert all(0 < level <= 100 for values in levels.values() for level in values)
    assert any(later > sooner for values in levels.values() for sooner, later in pairwise(values))
    assert all(values[1] <= values[0] for values in levels.values())


def test_silence_cuts_one_site_and_no_other() -> None:
    """Under `silence` one site says nothing; every other site is heard as before."""
    silent = lived(30, Faults({Kind.SILENCE: START + timedelta(minutes=1)}))

    assert {report.items[0]["tags"]["site"] for report in silent} == set(SITES) - {SILENT_SITE}


def test_silence_ends_by_itself() -> None:
    """Once the fault is over every device of the site is heard again within one period."""
    reports = lived(30, Faults({Kind.SILENCE: START + timedelta(seconds=15)}))
    heard = {report.device for report in reports if report.items[0]["tags"]["site"] == SILENT_SITE}

    assert len(heard) in (300 // len(SITES), 300 // len(SITES) + 1)
    assert all(r.at_ns > START_NS + 15 * S for r in reports if r.device in heard)


def test_one_device_now_and_then_says_words_instead_of_a_temperature() -> None:
    """A loose probe, for the collector to refuse: always the same device, and seldom."""
    odd = [report.device for report in lived(900) if isinstance(report.items[0]["fields"].get("temperature_c"), str)]

    assert len(set(odd)) == 1
    assert 1 <= len(odd) < 20
