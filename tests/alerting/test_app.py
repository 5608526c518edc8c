"""The whole role: rule files and notify.yml in, pages out, the API beside it."""

import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from alerting.app import Alerting
from alerting.config import AlertingConfig
from foundation.clock import SystemClock
from store.contract import Series, StatementResult
from store.errors import StoreUnavailable
from tests.fakes.pagerduty import FakePagerDuty
from tests.fakes.polling import until

RULES = """
rules:
  - alert: Slow
    query: SELECT mean(duration_ms) FROM http_request GROUP BY endpoint
    over: 1m
    every: 200ms
    critical: "> 800"
    summary: "{{ labels.endpoint }} takes {{ value }} ms"
"""
NOTIFY = """
receivers:
  - name: oncall
    pagerduty: [{routing_key: 0123456789abcdef0123456789abcdef, url: "URL"}]
route: {receiver: oncall}
"""


@dataclass
class FakeReader:
    """Answers every query with one series; `value` None is an empty answer, `away` a store that does not answer."""

    value: float | None = 100.0
    away: bool = False

    async def query(self, influxql: str, db: str, *, deadline_s: float = 30.0) -> tuple[StatementResult, ...]:
        del influxql, db, deadline_s
        if self.away:
            raise StoreUnavailable("the store is away")
        if self.value is None:
            return (StatementResult(0),)
        series = Series("http_request", ("time", "mean"), [[0, self.value]], {"endpoint": "/pay"})
        return (StatementResult(0, (series,)),)

    async def buckets(self) -> tuple[str, ...]:
        return ("telemetry",)


@dataclass
class Running:
    role: Alerting
    url: str
    http: aiohttp.ClientSession
    published: list[bytes]

    async def get(self, path: str) -> Any:
        async with self.http.get(self.url + path) as response:
            return await response.json()


@contextlib.asynccontextmanager
async def running(folder: Path, reader: FakeReader) -> AsyncIterator[Running]:
    incidents: list[tuple[str, BaseException | None]] = []
    published: list[bytes] = []

    async def publish(lines: bytes) -> None:
        published.append(lines)

    notify = folder / "notify.yml"
    config = AlertingConfig(
        listen="127.0.0.1:0", rules=(folder / "rules" / "*.yml",), notify=notify if notify.exists() else None
    )
    role = Alerting(
        config,
        reader,
        lag=lambda: 0.0,
        state=folder / "var",
        clock=SystemClock(),
        registry=CollectorRegistry(),
        on_incident=lambda name, error: incidents.append((name, error)),
        env=os.environ,
        publish=publish,
    )
    address = await role.start()
    async with aiohttp.ClientSession() as http:
        try:
            yield Running(role, f"http://{address}", http, published)
        finally:
            await role.stop()
    assert incidents == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "shop.yml").write_text(RULES)
    return tmp_path


@pytest.fixture
async def pagerduty(folder: Path) -> AsyncIterator[FakePagerDuty]:
    async with FakePagerDuty() as service:
        (folder / "notify.yml").write_text(NOTIFY.replace("URL", service.url))
        yield service


async def test_breach_pages_and_its_end_resolves(folder: Path, pagerduty: FakePagerDuty) -> None:
    """A value over the threshold triggers an incident; a good value resolves the same one."""
    reader = FakeReader(value=900.0)
    async with running(folder, reader) as it:
        await until(pagerduty.opened, what="a page")
        reader.value = 100.0
        await until(lambda: not pagerduty.opened(), what="the all-clear")
        actions = [(event["event_action"], event["dedup_key"]) for event in pagerduty.events]
        assert [action for action, _ in actions] == ["trigger", "resolve"]
        assert len({key for _, key in actions}) == 1
        history = (await it.get("/api/v1/history"))["history"]
        assert [entry["change"] for entry in history] == ["resolved", "fired"]
        assert [entry["incident"] for entry in history] == [actions[0][1]] * 2
        await until(lambda: len(it.published) == 2, what="alert_event lines")
        assert it.published[0].startswith(b"alert_event,alertname=Slow,severity=critical,state=firing ")
