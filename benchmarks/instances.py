"""Very many alerts firing at once: what the product keeps in memory, and how soon it has them back after a restart.

It runs in one process on its core: collector, embedded store, evaluator, dispatcher, console. All series keep to the
thresholds of `--rules` rules on `--series` series each first, then break them: 100 000 alerts by default, grouped by
rule, told to a PagerDuty in another process. Resident memory is read before, when the last message is marked, and once
the process was started anew.
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
_LISTS = 5
_WELL, _HOT = 20, 90
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
    async with _alerting(folder) as http:
        await _write(address, rules, series, _WELL)
        await _until_known(http, rules * series)
        await asyncio.sleep(_SETTLE_S)
        well = process.memory_info().rss
        await _write(address, rules, series, _HOT)
        began = time.perf_counter()
        await _until(http, rules * series)
        lasted_s = time.perf_counter() - began
        await asyncio.sleep(_SETTLE_S)
        held = process.memory_info().rss
        listed_s, listed_bytes = await _list(http)
    return [
        Figure(f"resident memory, {rules * series} series known, all well", well, "bytes"),
        Figure(f"resident memory, {rules * series} alerts firing", held, "bytes", "< 500 M"),
        Figure("from the last line to the last message marked", lasted_s, "s"),
        Figure("the first thousand of them from the API", listed_s, "s"),
        Figure("its size", listed_bytes, "bytes"),
    ]


async def _come_back(folder: Path, process: psutil.Process, alerts: int, began: float) -> list[Figure]:
    async with _alerting(folder) as http:
        await _until(http, alerts)
        lasted_s, spent = time.perf_counter() - began, process.cpu_times()
        await asyncio.sleep(_SETTLE_S)
        held = process.memory_info().rss
    return [
        Figure(f"from a restart until {alerts} alerts are back", lasted_s, "s"),
        Figure("its CPU time", spent.user + spent.system, "s"),
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


async def _write(address: str, rules: int, series: int, celsius: int) -> None:
    """A line for every series."""
    async with aiohttp.ClientSession() as http:
        for body in _bodies(rules, series, celsius):
            async with http.post(f"http://{address}/api/v2/write?bucket=telemetry", data=body) as response:
                response.raise_for_status()


async def _until_known(http: aiohttp.ClientSession, series: int) -> None:
    """Until the rules have seen so many series."""
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            async with http.get("/api/v1/rules") as response:
                rules: list[dict[str, Any]] = (await response.json())["rules"]
            if sum(rule["series"] for rule in rules) >= series:
                return
            await asyncio.sleep(_PAUSE_S)


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
    """The shortest time of a few, and how many bytes came: an evaluation may be under way."""
    waits, size = [], 0
    for _ in range(_LISTS):
        began = time.perf_counter()
        async with http.get("/api/v1/alerts") as response:
            response.raise_for_status()
            size = len(await response.read())
        waits.append(time.perf_counter() - began)
    return min(waits), size


def _bodies(rules: int, series: int, celsius: int) -> Iterator[bytes]:
    lines = [
        f"reading_{rule % _MEASUREMENTS},device=device-{rule}-{number},site=site-{number % 20},part=p{rule}"
        f" celsius={celsius + number % 7}"
        for rule in range(rules)
        for number in range(series)
    ]
    for start in range(0, len(lines), _LINES):
        yield "\n".join(lines[start : start + _LINES]).encode()
