"""Very many alerts firing at once: what the product keeps in memory, and how soon it has them back after a restart.

It runs in one process on its core: collector, embedded store, evaluator, dispatcher, console. Lines break the
thresholds of `--rules` rules on `--series` series each, 100 000 alerts by default, grouped by rule; they are told to a
PagerDuty in another process. When the last message is marked, resident memory is read; then the process starts anew.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from benchmarks.contract import Wish
from benchmarks.figures import Figure
from benchmarks.process import pin_load, sink, whole

_PATIENCE_S = 600.0
_PAUSE_S = 0.25
_SETTLE_S = 15.0
_MEASUREMENTS = 10
_LINES = 5_000
_CONFIG = """
collector: {tokens: open}
store: {kind: embedded}
alerting: {rules: [rules.yml], notify: notify.yml}
"""
_RULE = """
  - alert: Hot{rule}
    query: SELECT max(celsius) FROM reading_{measurement} WHERE part = 'p{rule}' GROUP BY device, site, part
    over: 1h
    every: 10s
    critical: "> 80"
    labels: {{team: plant}}
    summary: "{{{{ labels.device }}}} of {{{{ labels.site }}}} is at {{{{ value }}}} degrees"
    runbook_url: https://example.org/runbooks/hot
"""
_NOTIFY = """
receivers: [{{name: oncall, pagerduty: [{{routing_key: "{key}", url: "http://{sink}/v2/enqueue"}}]}}]
route: {{receiver: oncall, group_by: [alertname]}}
"""


def measure(wish: Wish) -> Iterator[Figure]:
    """Memory with all of them firing, before and after a restart, and what a list of them costs."""
    pin_load()
    rules, series = (20, 50) if wish.quick else (wish.rules, wish.series)
    with sink() as pager, tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name:
        folder = Path(name)
        text = "".join(_RULE.format(rule=rule, measurement=rule % _MEASUREMENTS) for rule in range(rules))
        (folder / "rules.yml").write_text(f"rules:{text}", encoding="utf-8")
        (folder / "notify.yml").write_text(_NOTIFY.format(key="0" * 32, sink=pager), encoding="utf-8")
        with whole(folder, _CONFIG) as (address, pid):
            yield from asyncio.run(_fire(folder, address, psutil.Process(pid), rules, series))
        began = time.perf_counter()
        with whole(folder, _CONFIG) as (_, pid):
            yield from asyncio.run(_come_back(folder, psutil.Process(pid), rules * series, began))


async def _fire(folder: Path, address: str, process: psutil.Process, rules: int, series: int) -> list[Figure]:
    empty = process.memory_info().rss
    async with aiohttp.ClientSession() as http:
        for body in _bodies(rules, series):
            async with http.post(f"http://{address}/api/v2/write?bucket=telemetry", data=body) as response:
                response.raise_for_status()
    began = time.perf_counter()
    async with _alerting(folder) as http:
        await _until(http, rules * series)
        lasted_s = time.perf_counter() - began
        await asyncio.sleep(_SETTLE_S)
        held = process.memory_info().rss
        listed_s, listed_bytes = await _list(http)
    return [
        Figure("resident memory before the first alert", empty, "bytes"),
        Figure(f"resident memory, {rules * series} alerts firing", held, "bytes", "< 500 M"),
        Figure("from the last line to the last message marked", lasted_s, "s"),
        Figure("a list of alerts from the API", listed_s, "s"),
        Figure("its size", listed_bytes, "bytes"),
    ]


async def _come_back(folder: Path, process: psutil.Process, alerts: int, began: float) -> list[Figure]:
    async with _alerting(folder) as http:
        await _until(http, alerts)
        lasted_s = time.perf_counter() - began
        await asyncio.sleep(_SETTLE_S)
        held = process.memory_info().rss
    return [
        Figure(f"from a restart until {alerts} alerts are back", lasted_s, "s"),
        Figure("resident memory after the restart", held, "bytes", "< 500 M"),
    ]


@asynccontextmanager
async def _alerting(folder: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """A session with the alerting role, once it is there."""
    path = folder / "state" / "listen.json"
    async with asyncio.timeout(_PATIENCE_S):
        while "alerting" not in (known := json.loads(path.read_text(encoding="utf-8"))):  # noqa: ASYNC110 - a file
            await asyncio.sleep(_PAUSE_S)
    async with aiohttp.ClientSession(f"http://{known['alerting']}") as http:
        yield http


async def _until(http: aiohttp.ClientSession, alerts: int) -> None:
    """Until so many fire and no message waits."""
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            async with http.get("/api/v1/status") as response:
                status: dict[str, Any] = await response.json()
            if status["alerts"]["firing"] >= alerts and not status["notifications"]["pending"]:
                return
            await asyncio.sleep(_PAUSE_S)


async def _list(http: aiohttp.ClientSession) -> tuple[float, int]:
    began = time.perf_counter()
    async with http.get("/api/v1/alerts") as response:
        response.raise_for_status()
        size = len(await response.read())
    return time.perf_counter() - began, size


def _bodies(rules: int, series: int) -> Iterator[bytes]:
    lines = [
        f"reading_{rule % _MEASUREMENTS},device=device-{rule}-{number},site=site-{number % 20},part=p{rule}"
        f" celsius={90 + number % 7}"
        for rule in range(rules)
        for number in range(series)
    ]
    for start in range(0, len(lines), _LINES):
        yield "\n".join(lines[start : start + _LINES]).encode()
