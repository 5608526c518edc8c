"""The alerting process is killed between a page and its all-clear."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.fakes.pagerduty import FakePagerDuty
from tests.fakes.polling import until
from tests.fakes.process import Running, start, tocsin

RULES = """
rules:
  - alert: Slow
    query: SELECT last(duration_ms) FROM http_request GROUP BY endpoint
    over: 10m
    every: 1s
    critical: "> 800"
"""
CONFIG = """
collector: {tokens: open}
store: {kind: embedded}
alerting: {rules: [rules.yml], notify: notify.yml}
"""
NOTIFY = """
receivers: [{name: a, pagerduty: [{routing_key: %s, url: '%s'}]}, {name: nobody}]
route: {receiver: a, routes: [{receiver: nobody, matchers: ['alertname!="Slow"']}]}
"""
"""What alerting says of itself, as that a starved collector does not answer, pages nobody here."""


@pytest.fixture
async def pagerduty(tmp_path: Path) -> AsyncIterator[FakePagerDuty]:
    async with FakePagerDuty() as service:
        (tmp_path / "tocsin.yml").write_text(CONFIG)
        (tmp_path / "rules.yml").write_text(RULES)
        (tmp_path / "notify.yml").write_text(NOTIFY % ("k" * 32, service.url))
        yield service


async def push(collector: Running, duration_ms: int) -> None:
    url = f"{collector.url('collector')}/api/v2/write?bucket=telemetry"
    line = f"http_request,endpoint=/pay duration_ms={duration_ms}"
    async with aiohttp.ClientSession() as http, http.post(url, data=line) as answer:
        assert answer.status == 204


ASKED = {"matchers": ['alertname="Slow"'], "for": "2h", "author": "ann", "comment": "moving the database"}


async def test_a_silence_that_was_acknowledged_outlives_a_kill(tmp_path: Path, pagerduty: FakePagerDuty) -> None:
    """After 201 and kill -9 it is in force: what fires then is kept as silenced, and nobody is paged."""
    config = str(tmp_path / "tocsin.yml")
    collector = start(tocsin("collector", "--config", config), tmp_path / "var")
    alerting = collector
    try:
        await collector.ready("collector")
        alerting = start(tocsin("alerting", "--config", config), tmp_path / "var")
        await alerting.ready("collector", "alerting")
        url = f"{alerting.url('alerting')}/api/v1/silences"
        async with aiohttp.ClientSession() as http, http.post(url, json=ASKED) as answer:
            assert answer.status == 201
            made = (await answer.json())["silence"]["id"]
            alerting.kill()
        alerting = start(tocsin("alerting", "--config", config), tmp_path / "var")
        await push(collector, 900)

        async def reasons() -> list[str]:
            return [row["reason"] for row in (await _get(alerting, "notifications")).get("suppressed", [])]

        assert await until(reasons, seconds=60, what="a message that is held back") == ["silenced"]
        assert [one["id"] for one in (await _get(alerting, "silences?phase=active"))["silences"]] == [made]
    finally:
        alerting.end()
        collector.end()
    assert pagerduty.events == []


async def _get(alerting: Running, path: str) -> Any:
    """What the API answers; nothing while the address of the process that was killed still stands."""
    try:
        async with aiohttp.ClientSession() as http, http.get(f"{alerting.url('alerting')}/api/v1/{path}") as answer:
            return await answer.json()
    except (aiohttp.ClientError, KeyError):
        return {}


async def test_killed_alerting_resolves_its_old_incident(tmp_path: Path, pagerduty: FakePagerDuty) -> None:
    """After kill -9 nobody is paged twice, and the all-clear closes the incident that the dead process opened."""
    config = str(tmp_path / "tocsin.yml")
    collector = start(tocsin("collector", "--config", config), tmp_path / "var")
    alerting = collector
    try:
        await collector.ready("collector")
        alerting = start(tocsin("alerting", "--config", config), tmp_path / "var")
        await alerting.ready("collector", "alerting")
        await push(collector, 900)
        await until(pagerduty.opened, seconds=60, what="a page")
        await asyncio.to_thread(alerting.kill)
        await push(collector, 100)
        alerting = start(tocsin("alerting", "--config", config), tmp_path / "var")
        await until(lambda: not pagerduty.opened(), seconds=60, what="the all-clear")
    finally:
        alerting.end()
        collector.end()
    assert {event["event_action"] for event in pagerduty.events} == {"trigger", "resolve"}
    assert len(pagerduty.incidents) == 1
