"""Running alerting takes up another section: other files, another collector; with a fault in them nothing changes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from alerting.app import Alerting
from alerting.config import AlertingConfig
from foundation.clock import SystemClock
from foundation.errors import ConfigError
from foundation.secret import Secret
from foundation.standing import Standing
from foundation.web import Address, Site
from store.contract import Series, StatementResult
from tests.fakes.pagerduty import FakePagerDuty
from tests.fakes.polling import until

RULES = """
rules:
  - alert: NAME
    query: SELECT mean(duration_ms) FROM http_request
    over: 1m
    every: 200ms
    critical: "> 800"
"""
NOTIFY = """
receivers:
  - name: oncall
    pagerduty: [{routing_key: 0123456789abcdef0123456789abcdef, url: "URL"}]
route: {receiver: oncall}
"""


class Breached:
    """A store in which every rule is over its threshold."""

    async def query(self, influxql: str, db: str, *, deadline_s: float = 30.0) -> tuple[StatementResult, ...]:
        del influxql, db, deadline_s
        return (StatementResult(0, (Series("http_request", ("time", "mean"), [[0, 900.0]], {}),)),)

    async def buckets(self) -> tuple[str, ...]:
        return ("telemetry",)


@dataclass
class Collector:
    """A collector in another process: who asked it, with which token, and what it was told."""

    url: str = ""
    asked: int = 0
    tokens: list[str] = field(default_factory=list)

    async def ready(self, _request: web.Request) -> web.Response:
        self.asked += 1
        return web.json_response({"buffer_age_s": 0.0})

    async def write(self, request: web.Request) -> web.Response:
        self.tokens.append(request.headers.get("Authorization", ""))
        return web.Response(status=204)


@contextlib.asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    collector = Collector()
    app = web.Application()
    app.add_routes([web.get("/ready", collector.ready), web.post("/api/v2/write", collector.write)])
    site = Site(app, Address("127.0.0.1", 0), shutdown_s=0.1)
    collector.url = (await site.start()).url
    yield collector
    await site.stop()


@dataclass
class Running:
    role: Alerting
    config: AlertingConfig
    standing: Standing
    url: str
    http: aiohttp.ClientSession

    async def adopt(self, *, console_url: str = "", **changes: Any) -> None:
        take_up = await self.role.prepare(replace(self.config, **changes), console_url=console_url)
        await take_up()

    async def get(self, path: str) -> Any:
        async with self.http.get(self.url + path) as response:
            return await response.json()

    async def names(self) -> list[str]:
        return [rule["name"] for rule in (await self.get("/api/v1/rules"))["rules"]]


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    (tmp_path / "old.yml").write_text(RULES.replace("NAME", "Old"))
    incidents: list[str] = []
    standing = Standing()
    async with collecting() as first, aiohttp.ClientSession() as http:
        config = AlertingConfig(listen="127.0.0.1:0", rules=(tmp_path / "old.yml",), collector=first.url)
        role = Alerting(
            config,
            Breached(),
            lag=None,
            state=tmp_path / "var",
            clock=SystemClock(),
            registry=CollectorRegistry(),
            on_incident=lambda name, _: incidents.append(name),
            env=os.environ,
            standing=standing,
        )
        try:
            yield Running(role, config, standing, f"http://{await role.start()}", http)
        finally:
            await role.stop()
    assert incidents == []


async def test_other_files_are_taken_up(running: Running, tmp_path: Path) -> None:
    """Rules and receivers that the new section names are in force at once: what is firing is paged to them."""
    async with FakePagerDuty() as service:
        (tmp_path / "new.yml").write_text(RULES.replace("NAME", "New"))
        (tmp_path / "notify.yml").write_text(NOTIFY.replace("URL", service.url))
        await running.adopt(rules=(tmp_path / "*w.yml",), notify=tmp_path / "notify.yml", console_url="http://c:1/")

        assert await running.names() == ["New"]
        await until(service.opened, what="a page")
        links = [link["href"] for event in service.events for link in event.get("links", ())]
        assert links
        assert all(link.startswith("http://c:1/alerts") for link in links)


async def test_a_fault_in_another_file_changes_nothing(running: Running, tmp_path: Path) -> None:
    """What the new section names is read before anything is taken up; the old files are still followed afterwards."""
    (tmp_path / "new.yml").write_text(RULES.replace("NAME", "New").replace("every", "evry"))
    with pytest.raises(ConfigError, match=r"new\.yml:6: .*evry"):
        await running.role.prepare(replace(running.config, rules=(tmp_path / "new.yml",)))
    assert await running.names() == ["Old"]

    (tmp_path / "old.yml").write_text(RULES.replace("NAME", "Older"))

    async def followed() -> bool:
        return await running.names() == ["Older"]

    await until(followed, what="the old file to be followed")


async def test_another_collector_is_asked_and_told(running: Running, tmp_path: Path) -> None:
    """The collector's URL and token: from then on that one says how far behind it is and gets the history."""
    async with collecting() as second:
        await running.adopt(collector=second.url, token=Secret("writes"))
        await until(lambda: second.asked > 0, what="the new collector to be asked")
        (tmp_path / "old.yml").write_text(RULES.replace("NAME", "Fresh"))
        await until(lambda: second.tokens, what="a transition to be written")
        assert set(second.tokens) == {"Token writes"}


async def test_the_status_shows_how_the_configuration_of_the_process_stands(running: Running) -> None:
    """Errors of tocsin.yml degrade the status like those of the rules; keys that wait for a restart are listed."""
    running.standing.errors = ("tocsin.yml:1: no",)
    running.standing.waiting = ("collector.listen",)
    status = await running.get("/api/v1/status")
    assert status["status"] == "degraded"
    assert (status["config"]["ok"], status["config"]["errors"]) == (False, ["tocsin.yml:1: no"])
    assert status["config"]["restart_needed"] == ["collector.listen"]

    running.standing.errors = ()
    assert (await running.get("/api/v1/status"))["config"]["ok"] is True
