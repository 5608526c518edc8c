"""The history of alerts on its way into the store."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from alerting.alert import labels_of
from alerting.events import EventLog, line
from alerting.front_door import CollectorAway, FrontDoor, LinesRefused
from alerting.memory.contract import HistoryEntry
from alerting.metrics import EventMetrics
from foundation.line_protocol.parse import parse_line
from foundation.secret import Secret
from foundation.web import Address, Site
from tests.fakes.polling import until

AT = datetime(2026, 1, 1, tzinfo=UTC)
AT_NS = 1_767_225_600_000_000_000


def entry(value: float | None = 912.5, summary: str = "slow", **labels: str) -> HistoryEntry:
    return HistoryEntry(
        at=AT,
        alert_id="id",
        rule="Slow",
        labels=labels_of({"alertname": "Slow", **labels}),
        severity="critical",
        before="pending",
        state="firing",
        change="fired",
        value=value,
        reason="because",
        summary=summary,
        incident="i1",
    )


def test_transition_becomes_a_line_of_alert_event() -> None:
    """The tags are alertname, severity, state and service; the fields value, opened, summary, incident and change."""
    found = parse_line(line(entry(service="shop", endpoint="/a"), 0))
    assert found.measurement == "alert_event"
    assert dict(found.tags) == {"alertname": "Slow", "severity": "critical", "state": "firing", "service": "shop"}
    words = {"summary": "slow", "incident": "i1", "change": "fired"}
    assert dict(found.fields) == {"value": 912.5, "opened": 1, **words}
    assert found.time_ns == AT_NS


def test_the_end_of_an_alert_says_how_long_it_was() -> None:
    """What opens counts 1, what ends counts -1 and carries its length; what neither opens nor ends counts 0."""
    ended = replace(entry(), before="no-data", state="inactive", change="resolved", lasted_s=90.0)
    silent = replace(entry(), before="firing", state="no-data", change="data-lost")
    waiting = replace(entry(), before="inactive", state="pending", change="pending")
    found = [dict(parse_line(line(one, 0)).fields) for one in (ended, silent, waiting)]
    assert [one["opened"] for one in found] == [-1, 0, 0]
    assert found[0]["lasted_s"] == 90.0
    assert "lasted_s" not in found[1]


def test_events_of_one_moment_do_not_overwrite_each_other() -> None:
    """Alerts that differ in labels that are no tags get stamps a nanosecond apart."""
    assert parse_line(line(entry(endpoint="/b"), 7)).time_ns == AT_NS + 7


def test_alert_without_value_or_service_has_neither() -> None:
    """What is not known is left out."""
    found = parse_line(line(entry(value=None), 0))
    assert "service" not in dict(found.tags)
    assert "value" not in dict(found.fields)


def test_hostile_summary_stays_one_line() -> None:
    """Quotes and newlines in a summary survive as they are."""
    hostile = 'say "hi"\nalert_event value=1 \\'
    assert dict(parse_line(line(entry(summary=hostile), 0)).fields)["summary"] == hostile


async def published(publish: object, count: int, outcome: str) -> float:
    """What is counted once `count` entries were offered to a log over `publish`."""
    registry = CollectorRegistry()
    log = EventLog(publish, EventMetrics(registry))  # type: ignore[arg-type]  # any of the callables below

    def counted() -> float:
        return registry.get_sample_value("tocsin_alerting_events_total", {"outcome": outcome}) or 0.0

    running = asyncio.create_task(log.run())
    log.offer([entry()] * count)
    await until(counted, what=outcome)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    return counted()


@pytest.mark.parametrize("error", [LinesRefused("no"), ValueError("a bug")])
async def test_failure_is_counted_and_goes_no_further(error: Exception) -> None:
    """A collector that refuses or breaks costs the history, counted, and nothing else."""

    async def away(lines: bytes) -> None:
        raise error

    assert await published(away, 3, "failed") == 3


@pytest.mark.looptime
async def test_a_collector_that_is_away_gets_the_same_lines_later() -> None:
    """What could not be written is tried again ever later, in order, until it is taken; each retry is counted."""
    registry, taken, refusals = CollectorRegistry(), list[bytes](), 20

    async def publish(lines: bytes) -> None:
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise CollectorAway("away")
        taken.append(lines)
        written.set()

    log, written = EventLog(publish, EventMetrics(registry)), asyncio.Event()
    running = asyncio.create_task(log.run())
    log.offer([entry(1.0)])
    await written.wait()
    written.clear()
    log.offer([entry(2.0)])
    await written.wait()
    assert taken == [line(entry(1.0), 0) + b"\n", line(entry(2.0), 0) + b"\n"]
    assert registry.get_sample_value("tocsin_alerting_events_total", {"outcome": "retried"}) == 20
    assert registry.get_sample_value("tocsin_alerting_events_total", {"outcome": "failed"}) is None
    assert asyncio.get_running_loop().time() > 200
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def test_what_does_not_fit_is_dropped_and_counted() -> None:
    """The queue is bounded at 10 000 lines."""

    async def taken(lines: bytes) -> None:
        del lines

    assert await published(taken, 10_005, "dropped") == 5


@contextlib.asynccontextmanager
async def collector(status: int) -> AsyncIterator[tuple[FrontDoor, list[tuple[str, str, bytes]]]]:
    seen: list[tuple[str, str, bytes]] = []

    async def take(request: web.BaseRequest) -> web.StreamResponse:
        seen.append((request.path_qs, request.headers.get("Authorization", ""), await request.read()))
        return web.Response(status=status)

    site = Site(web.Server(take), Address.parse("127.0.0.1:0"))
    address = await site.start()
    async with aiohttp.ClientSession() as http:
        yield FrontDoor(address.url, Secret("s3cret"), http), seen
    await site.stop()


async def test_lines_go_through_the_front_door() -> None:
    """Lines are written like anybody's: /api/v2/write, nanoseconds, token."""
    async with collector(204) as (door, seen):
        await door.publish(b"a b=1\n")
        assert seen == [("/api/v2/write?bucket=telemetry&precision=ns", "Token s3cret", b"a b=1\n")]


@pytest.mark.parametrize(("status", "error"), [(503, CollectorAway), (429, CollectorAway), (401, LinesRefused)])
async def test_refusals_are_sorted_and_keep_the_secret(status: int, error: type[Exception]) -> None:
    """503 and 429 may pass, 401 will not; the token is in no error."""
    async with collector(status) as (door, _):
        with pytest.raises(error) as caught:
            await door.publish(b"a b=1\n")
        assert "s3cret" not in str(caught.value)


async def test_collector_that_is_gone_is_away() -> None:
    """A refused connection is transient."""
    async with collector(204) as (door, _):
        pass
    async with aiohttp.ClientSession() as http:
        door._session = http
        with pytest.raises(CollectorAway):
            await door.publish(b"a b=1\n")
