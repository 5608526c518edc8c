"""The examples as a user runs them: each a process of its own, a real collector, real requests, and what is stored."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from urllib.parse import urlencode

import aiohttp
import pytest

from foundation.clock import SystemClock
from tests.fakes.polling import until
from tests.fakes.process import ROOT, Running, start, tocsin
from tests.grafana.reading import BOARDS, expand, panels

EXAMPLES = ROOT / "instrument" / "examples"
SHOPS = ("flask", "fastapi", "django", "aiohttp")
ASKED = [("GET", "/orders/7"), ("GET", "/orders/8"), ("GET", "/orders/10"), ("GET", "/nowhere"), ("POST", "/checkout")]
TOLD = [
    ("/checkout", "POST", "500", 1, "RuntimeError"),
    ("/orders/{number}", "GET", "200", 0, None),
    ("/orders/{number}", "GET", "200", 0, None),
    ("/orders/{number}", "GET", "404", 0, None),
    ("unmatched", "GET", "404", 0, None),
]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A collector with the embedded store, in a process of its own."""
    folder = tmp_path_factory.mktemp("instrument")
    (folder / "tocsin.yml").write_text("collector: {tokens: open, host: {enabled: false}, health: {enabled: false}}\n")
    running = start(tocsin("collector", "--config", str(folder / "tocsin.yml")), folder / "state")
    try:
        asyncio.run(running.ready("collector"))
        yield running
    finally:
        running.end()


@pytest.fixture(scope="module")
def shops(collector: Running) -> Iterator[dict[str, str]]:
    """All example shops at once, by their address."""
    addresses: dict[str, str] = {}
    with ExitStack() as ended:
        for name in SHOPS:
            port = ended.enter_context(kept_port())
            env = environment(collector) | {"PORT": str(port), "TOCSIN_SERVICE": f"{name}-shop"}
            script = [sys.executable, str(EXAMPLES / f"{name}_shop.py")]
            ended.callback(start(script, collector.state.with_name(name), env=env).end)
            addresses[name] = f"http://127.0.0.1:{port}"
        yield addresses


@contextmanager
def kept_port() -> Iterator[int]:
    """A port that no client and no server is given meanwhile, but whoever asks for it by number to listen there."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])


def environment(collector: Running) -> dict[str, str]:
    """Where the examples push, and the release that they say they are."""
    return {
        "TOCSIN_URL": collector.url("collector"),
        "TOCSIN_RELEASE": "1.4",
        "PYTHONPATH": str(ROOT / "instrument"),
        "PYTHONWARNINGS": "ignore",
    }


async def ask(collector: Running, text: str) -> list[dict[str, object]]:
    """The rows of a query, by column."""
    async with aiohttp.ClientSession() as http:
        url = f"{collector.url('collector')}/query?{urlencode({'db': 'telemetry', 'epoch': 'ms', 'q': text})}"
        async with http.get(url) as answer:
            body = json.loads(await answer.read())
    assert "results" in body, body
    (result,) = body["results"]
    return [
        dict(zip(series["columns"], row, strict=True)) | series.get("tags", {})
        for series in result.get("series", [])
        for row in series["values"]
    ]


async def visit(address: str) -> None:
    """Ask for each page once; the first time as soon as the shop opens."""
    async with aiohttp.ClientSession() as http:

        async def is_open() -> bool:
            try:
                async with http.get(f"{address}{ASKED[0][1]}"):
                    return True
            except aiohttp.ClientConnectionError:
                return False

        await until(is_open, seconds=60, what=f"{address} to open")
        for method, path in ASKED[1:]:
            async with http.request(method, address + path) as answer:
                await answer.read()


@pytest.mark.parametrize("name", SHOPS)
async def test_a_shop_in_each_framework_tells_the_same(name: str, shops: Mapping[str, str], collector: Running) -> None:
    """Template, status, error and exception of five requests, whatever the framework."""
    await visit(shops[name])
    text = f"SELECT * FROM http_request WHERE service = '{name}-shop'"  # noqa: S608 - a name of our own

    async def stored() -> list[dict[str, object]]:
        rows = await ask(collector, text)
        return rows if len(rows) >= len(ASKED) else []

    rows = await until(stored, what="five requests to be stored")
    told = [tuple(row.get(column) for column in ("endpoint", "method", "status", "error", "exception")) for row in rows]
    assert sorted(told, key=str) == TOLD
    assert all(float(str(row["duration_ms"])) > 0 for row in rows)


async def test_the_board_of_response_times_is_filled(shops: Mapping[str, str], collector: Running) -> None:
    """By the very queries that Grafana and the console ask."""
    await visit(shops["aiohttp"])
    now_ms = SystemClock().now_ns() // 1_000_000
    span = {"from_ms": now_ms - 3_600_000, "to_ms": now_ms + 60_000}
    asked = {
        panel["title"]: [expand(target["query"], **span) for target in panel["targets"]]
        for panel in panels(BOARDS["tocsin-red"])
        if panel.get("targets")
    }
    assert len(asked) > 3

    async def empty() -> list[str]:
        return [title for title, texts in asked.items() if not [text for text in texts if await ask(collector, text)]]

    async def filled() -> bool:
        return not await empty()

    try:
        await until(filled, what="all panels to have data")
    except AssertionError:
        assert await empty() == []


async def test_a_device_with_plain_sockets_is_heard(collector: Running) -> None:
    """As it would run on a board: one turn, one reading."""
    address = collector.listening()["collector"]
    process = await asyncio.create_subprocess_exec(sys.executable, str(EXAMPLES / "device.py"), address, "1")
    assert await process.wait() == 0

    async def stored() -> list[dict[str, object]]:
        return await ask(collector, "SELECT temperature_c FROM device_reading WHERE device = 'greenhouse-1'")

    (row,) = await until(stored, what="the reading")
    assert row["temperature_c"] == 20.0


async def test_a_script_with_curl_is_heard_and_fails_aloud(collector: Running) -> None:
    """Exit code 0 when it was taken; an error with the collector's words when not."""
    script = str(EXAMPLES / "reading.sh")
    env = {"PATH": os.environ["PATH"], **environment(collector)}
    process = await asyncio.create_subprocess_exec(script, "attic", "21.5", env=env)
    assert await process.wait() == 0

    async def stored() -> list[dict[str, object]]:
        return await ask(collector, "SELECT temperature_c FROM device_reading WHERE device = 'attic'")

    (row,) = await until(stored, what="the reading")
    assert row["temperature_c"] == 21.5
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(script, "attic", "warm", env=env, stdout=pipe, stderr=pipe)
    output, _ = await process.communicate()
    assert process.returncode != 0
    assert b"unable to parse" in output
