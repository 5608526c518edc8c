"""What Alertmanager needs from the POST of alerts to its webhook's requests, where Debian's package is installed.

It stands beside `page`, which measures the same way of Tocsin: many alerts at once, each a group of its own, and one
alert alone. Alertmanager keeps notifications in memory; Tocsin's outbox is synchronised to the disk.
"""

from __future__ import annotations

import asyncio
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import orjson
from aiohttp import web

from benchmarks.contract import Skipped, Wish
from benchmarks.figures import Figure
from benchmarks.process import ALERTMANAGER, alertmanager, pin_load
from foundation.web import Address, Site

_PATIENCE_S = 120.0
_CONFIG = """
route: {{receiver: hook, group_by: ['...'], group_wait: 0s, group_interval: 30s, repeat_interval: 4h}}
receivers: [{{name: hook, webhook_configs: [{{url: "{url}"}}]}}]
"""


class _Hook:
    """Takes every request; counts the alerts that it is told of."""

    def __init__(self) -> None:
        self.alerts = 0
        self.wanted = 0
        self.reached = asyncio.Event()

    def expect(self, alerts: int) -> None:
        self.wanted = self.alerts + alerts
        self.reached.clear()

    async def take(self, request: web.BaseRequest) -> web.StreamResponse:
        self.alerts += len(orjson.loads(await request.read())["alerts"])
        if self.alerts >= self.wanted:
            self.reached.set()
        return web.Response()


def measure(wish: Wish) -> Iterator[Figure]:
    """Alone and in a storm. Raises Skipped where Alertmanager is not installed."""
    if shutil.which(ALERTMANAGER) is None:
        raise Skipped(f"{ALERTMANAGER} is not on the PATH; Debian and Ubuntu have it: apt-get install {ALERTMANAGER}")
    pin_load()
    yield from asyncio.run(_measure(500 if wish.quick else 5_000, 10 if wish.quick else 100))


async def _measure(many: int, rounds: int) -> list[Figure]:
    hook = _Hook()
    site = Site(web.Server(hook.take), Address.parse("127.0.0.1:0"))
    url = (await site.start()).url
    try:
        with (
            tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder,
            alertmanager(Path(folder), _CONFIG.format(url=url)) as address,
        ):
            async with aiohttp.ClientSession(f"http://{address}") as http:
                waits = [await _told(http, hook, f"one{number}", 1) for number in range(-1, rounds)][1:]
                seconds = await _told(http, hook, "many", many)
    finally:
        await site.stop()
    return [
        Figure("Alertmanager: POST of an alert to its webhook, p50", statistics.median(waits), "s"),
        Figure("Alertmanager: POST of an alert to its webhook, worst", max(waits), "s"),
        Figure(f"Alertmanager: {many} alerts at once to its webhook", many / seconds, "notifications/s"),
    ]


async def _told(http: aiohttp.ClientSession, hook: _Hook, name: str, count: int) -> float:
    """Seconds from the request with so many new alerts until the webhook was told of all."""
    hook.expect(count)
    alerts = [{"labels": {"alertname": name, "endpoint": f"/{number}"}} for number in range(count)]
    began = time.perf_counter()
    async with http.post("/api/v2/alerts", json=alerts) as answer:
        answer.raise_for_status()
    async with asyncio.timeout(_PATIENCE_S):
        await hook.reached.wait()
    return time.perf_counter() - began
