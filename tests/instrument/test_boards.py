"""A real shop and a real device fill the boards that ship: each panel of theirs, and with what really happened.

The shop is served by uvicorn and visited over HTTP, the collector is a process with the embedded store, and every query
of every board is asked there. What the shop sent is kept, counted again in Python, and compared.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
import uvicorn

from foundation.clock import SystemClock
from tests.fakes.polling import until
from tests.fakes.process import Running, start, tocsin
from tests.fakes.telemetry import HOUR_S, NS
from tests.grafana.counting import OVER_TIME, VALUES, Hour, Point, read
from tests.grafana.reading import ONE, Asked, expand, queries, seconds
from tests.instrument.test_examples import EXAMPLES
from tocsin.doctor.apps import QUERY
from tocsin_instrument import Settings, Telemetry
from tocsin_instrument.transport import Answer, HttpTransport

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

CONFIG = "collector: {tokens: open, json: {integers: [uptime_s]}, host: {every: 1s}, health: {every: 1s}}\n"
VISITORS = ("ann", "bob", "eve")
CARDS = ("good", "good", "declined", "good", "lost", "good")

NOT_FROM_AN_APP = {
    ("alerts", ""): "alerting writes alert_event, and no rule watches here",
    ("", "Alerts"): "as above: the annotation of every board",
    ("overview", "Alerts firing"): "as above",
    ("overview", "Rules that fired"): "as above",
    ("overview", "Devices silent"): "a device is silent a minute after it was heard, and this one is not",
    ("devices", "Silent"): "as above",
    ("devices", "Low battery"): "the battery is full",
    ("devices", "Weak signal"): "the signal is strong",
    ("business", "Orders a week before"): "the shop opened today",
    ("business", "Revenue a week before"): "as above",
    ("business", "Orders a minute, a week before"): "as above",
    ("device", "Power and air"): "this device measures climate alone",
    ("pipeline", "Rejected"): "nothing was refused",
    ("pipeline", "Rejected by reason"): "as above",
    ("pipeline", "Wrong tokens"): "no token is asked for",
}
"""(board, panel) -> why this stack gives it nothing to show; an empty name stands for all."""

NOT_COMPARED = {
    ("slo", "ShopAnswers: budget lasts"): "its windows of six hours may part a test in two",
    ("slo", "CheckoutWorks: budget lasts"): "as above",
    ("overview", "Behind"): "the collector's own, which nobody counts again",
    ("device", ""): "its figures are those of another device; looked at one by one below",
}
UP = ("devices", "Up")
OF_AN_APP = ("overview", "red", "endpoint", "slo", "business", "devices")


class Kept(HttpTransport):
    """The real transport, and a copy of each body that was taken."""

    def __init__(self, settings: Settings, bodies: list[bytes]) -> None:
        super().__init__(settings)
        self._bodies = bodies

    def send(self, body: bytes) -> Answer:
        answer = super().send(body)
        if answer.status == 204:
            self._bodies.append(body)
        return answer


def example(name: str) -> ModuleType:
    """A script of the examples, as a module."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@asynccontextmanager
async def open_shop(url: str, bodies: list[bytes]) -> AsyncIterator[str]:
    """The example's shop, served; what it told is sent when it closes."""
    telemetry = Telemetry(Settings("shop", "1.4", url=url, every_s=0.2), transport=lambda one: Kept(one, bodies))
    served = uvicorn.Server(uvicorn.Config(example("whole_shop").shop(telemetry), port=0, log_level="critical"))
    task = asyncio.create_task(served.serve(), name="shop")
    try:
        await until(lambda: served.started, what="the shop to open")
        yield f"http://127.0.0.1:{served.servers[0].sockets[0].getsockname()[1]}"
    finally:
        served.should_exit = True
        await task


async def visit(shop: str) -> None:
    """Three visitors look around, some cards are good, and one visitor goes astray and finds a fault."""
    async with aiohttp.ClientSession(shop, connector=aiohttp.TCPConnector(force_close=True)) as http:
        for visitor in VISITORS:
            for path in ("/", "/products/kettle", "/products/teapot"):
                async with http.get(path, params={"user": visitor}) as reply:
                    assert reply.status == 200
        for card in CARDS:
            async with http.post("/checkout", params={"product": "kettle", "card": card}) as reply:
                assert reply.status == {"good": 200, "declined": 402, "lost": 500}[card]
        for product, status in (("spoon", 404), ("samovar", 500)):
            async with http.get(f"/products/{product}", params={"user": "ann"}) as reply:
                assert reply.status == status


async def run_device(address: str) -> list[Point]:
    """A turn of the example, set up as one would on a board; what it said."""
    device = example("device")
    host, _, port = address.rpartition(":")
    device.HOST, device.PORT, device.DEVICE = host, int(port), ONE["tocsin-device"]["device"]
    device.keep(0)
    said = [
        Point(one["time"] / 1000, one["tags"] | one["fields"] | {"of": one["measurement"]}) for one in device.waiting
    ]
    await asyncio.to_thread(device.push)
    assert device.waiting == []
    return said


@asynccontextmanager
async def collecting(folder: Path) -> AsyncIterator[Running]:
    """A collector with the embedded store, which tells of its host and itself."""
    (folder / "tocsin.yml").write_text(CONFIG)
    running = start(tocsin("collector", "--config", str(folder / "tocsin.yml")), folder / "state")
    try:
        await running.ready("collector")
        yield running
    finally:
        running.end()


async def ask(http: aiohttp.ClientSession, text: str) -> list[dict[str, Any]]:
    """The series of an answer."""
    async with http.get(f"/query?{urlencode({'db': 'telemetry', 'epoch': 'ns', 'q': text})}") as answer:
        (result,) = json.loads(await answer.read())["results"]
    assert "error" not in result, (text, result)
    series: list[dict[str, Any]] = result.get("series", [])
    return series


def named(asked: Asked) -> tuple[str, str]:
    return asked.board.removeprefix("tocsin-"), asked.where


def excepted(name: tuple[str, str], reasons: dict[tuple[str, str], str]) -> bool:
    return not reasons.keys().isdisjoint({name, (name[0], ""), ("", name[1])})


def text_of(asked: Asked, end_s: int, window_s: int) -> str:
    """The query over the hour that ends then, or over what its panel looks at."""
    until_s = end_s - (seconds(asked.shift) if asked.shift else 0)
    span_s = seconds(asked.window) if asked.window else HOUR_S
    span = {"from_ms": (until_s - span_s) * 1000, "to_ms": until_s * 1000}
    return expand(asked.text, window_s=window_s, picked=ONE.get(asked.board), **span)


def panel_of(asked: Asked) -> tuple[str, str]:
    """Its board, and its name without the letter of one query of several."""
    board, where = named(asked)
    return board, re.sub(r" [A-J]$", "", where)


async def filled(http: aiohttp.ClientSession, wanted: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of the panels, variables and annotations that have a value now, by one of their queries."""
    found: set[tuple[str, str]] = set()
    for asked in queries():
        panel = panel_of(asked)
        if panel in wanted - found:
            series = await ask(http, text_of(asked, SystemClock().now_ns() // NS + 1, 1))
            if any(cell is not None for one in series for row in one["values"] for cell in row[1:]):
                found.add(panel)
    return found


async def test_an_app_and_a_device_fill_the_boards(tmp_path: Path) -> None:
    """Each panel has something to show but those that are listed with their reason, and its figures are right."""
    bodies: list[bytes] = []
    async with collecting(tmp_path) as collector:
        url = collector.url("collector")
        async with open_shop(url, bodies) as shop:
            await visit(shop)
        device = await run_device(collector.listening()["collector"])
        end_s = SystemClock().now_ns() // NS // 60 * 60 + 120
        async with aiohttp.ClientSession(url) as http:

            async def is_stored() -> bool:
                orders = await ask(http, "SELECT count(amount) FROM shop_order")
                beats = await ask(http, "SELECT count(battery_pct) FROM device_status")
                return bool(orders and beats) and orders[0]["values"][0][1] == len(CARDS) - 1

            await until(is_stored, what="all orders and the heartbeat to be stored")

            missing = {panel_of(asked) for asked in queries()}

            async def is_filled() -> bool:
                missing.difference_update(await filled(http, missing))
                if UP in missing:  # it looks at the last minute alone
                    device.extend(await run_device(collector.listening()["collector"]))
                return all(excepted(panel, NOT_FROM_AN_APP) for panel in missing)

            try:
                await until(is_filled, what="every panel to have data")
            except AssertionError:
                assert {panel for panel in missing if not excepted(panel, NOT_FROM_AN_APP)} == set()
            stale = {
                reason for reason in NOT_FROM_AN_APP if not any(excepted(panel, {reason: ""}) for panel in missing)
            }
            assert stale == set()
            await compare(http, read(b"\n".join(bodies), end_s), device)


async def compare(http: aiohttp.ClientSession, hour: Hour, device: list[Point]) -> None:
    """What happened, what the shop said, and what the boards and the doctor find are one."""
    views, orders = hour.of("page_view"), hour.of("shop_order")
    assert len(hour.of("http_request")) == 3 * len(VISITORS) + len(CARDS) + 2
    assert (len(views), {one.of["user"] for one in views}) == (3 * len(VISITORS), set(VISITORS))
    assert [one.of["failed"] for one in orders] == [0, 0, 1, 0, 0]
    assert sum(one.of["amount"] for one in orders if not one.of["failed"]) == 4 * 39.5
    assert hour.of("inventory")[-1].of["quantity"] == 20 - 4
    assert [one.of["release"] for one in hour.of("deploy")] == ["1.4"]
    for one in device:
        hour.points[one.of["of"]].append(one)

    asked = {named(one): one for one in queries() if one.kind == "panel"}
    compared = 0
    for where, count in VALUES.items():
        if where[0] in OF_AN_APP and not excepted(where, NOT_FROM_AN_APP | NOT_COMPARED):
            expected = {key: value if isinstance(value, list) else [value] for key, value in count(hour).items()}
            found = await ask(http, text_of(asked[where], hour.end_s, 60))
            shown = {tuple(one.get("tags", {}).values()): one["values"][0][1:] for one in found}
            assert shown == {key: pytest.approx(value) for key, value in expected.items()}, where
            compared += 1
    for where, line in OVER_TIME.items():
        if where[0] in OF_AN_APP and not excepted(where, NOT_FROM_AN_APP | NOT_COMPARED):
            shown = {}
            for one in await ask(http, text_of(asked[where], hour.end_s, 60)):
                key = tuple(one.get("tags", {}).values())
                shown[key] = {row[0] // NS: row[1] for row in one["values"] if row[1]}
            lines = {key: {at: value for at, value in drawn.items() if value} for key, drawn in line(hour).items()}
            assert {key: value for key, value in shown.items() if value} == {
                key: pytest.approx(value) for key, value in lines.items() if value
            }, where
            compared += 1
    assert compared > 30
    (lost,) = await ask(http, QUERY)
    assert lost["tags"]["service"] == "shop"
    assert lost["values"][0][1:] == [0, 0, 0]
    (battery,) = await ask(http, text_of(asked["device", "Battery"], hour.end_s, 60))
    assert battery["values"][0][1] == 100.0
