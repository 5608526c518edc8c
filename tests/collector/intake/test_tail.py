"""The live tail over a WebSocket: what is acknowledged is shown, within bounds, and nobody waits for a follower."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.fakes.intake import RunningIntake, running_intake
from tests.fakes.polling import until

PATH = "/api/v1/tail"
OPEN = "127.0.0.1:0"


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[RunningIntake]:
    async with running_intake(tmp_path) as one:
        yield one


async def said(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    """The next message."""
    message = await socket.receive(timeout=20)
    assert message.type is aiohttp.WSMsgType.TEXT, message
    content: dict[str, Any] = json.loads(message.data)
    return content


async def test_an_acknowledged_line_is_shown_as_it_is_stored(running: RunningIntake):
    """With its timestamp in nanoseconds, its bucket and its source."""
    async with running.session.ws_connect(f"{running.url}{PATH}") as socket:
        assert (await running.post("/api/v2/write?precision=s", b"room,site=a t=1 7\n")).status == 204
        assert await said(socket) == {
            "bucket": "telemetry",
            "source": "host:127.0.0.1",
            "lines": ["room,site=a t=1 7000000000"],
        }


async def test_only_what_fits_every_filter_is_shown(running: RunningIntake):
    """Measurement, tags (repeated), field, bucket and source narrow together."""
    query = "?measurement=room&tag=site=a&tag=kind=x%20y&field=t&bucket=b&source=host:127.0.0.1"
    async with running.session.ws_connect(f"{running.url}{PATH}{query}") as socket:
        wanted = "room,site=a,kind=x\\ y t=1 1"
        others = ["room,site=a t=1 1", "room,kind=x\\ y,site=ab t=1 1", "rooms,site=a,kind=x\\ y t=1 1"]
        others += ["room,site=a,kind=x\\ y u=1 1"]
        assert (await running.post("/api/v2/write", wanted.encode())).status == 204
        assert (await running.post("/api/v2/write?bucket=b", "\n".join([*others, wanted]).encode())).status == 204
        assert (await said(socket))["lines"] == [wanted]


async def test_refused_lines_are_shown_to_who_asks_for_them(running: RunningIntake):
    """With the reason beside each; a line that is no text comes in base64."""
    async with running.session.ws_connect(f"{running.url}{PATH}?rejected=true") as socket:
        assert (await running.post("/api/v2/write", b"broken\nm f=\xff 1\n")).status == 400
        shown = (await said(socket))["rejected"]
        assert [(one.get("line"), one.get("line_base64"), one["cause"]) for one in shown] == [
            ("broken", None, "syntax"),
            (None, "bSBmPf8gMQ==", "syntax"),
        ]
        assert "missing fields" in shown[0]["reason"]


async def test_who_goes_is_forgotten(running: RunningIntake):
    """However a follower ends, its place is free again."""
    for _ in range(3):
        socket = await running.session.ws_connect(f"{running.url}{PATH}")
        assert running.count("tocsin_tail_followers") == 1
        await socket.close()
        await until(lambda: running.count("tocsin_tail_followers") == 0, seconds=20, what="no follower")


async def test_a_stop_tells_followers(tmp_path: Path):
    """They get code 1001 and can come back to the next process."""
    async with running_intake(tmp_path) as running:
        assert running.intake is not None
        socket = await running.session.ws_connect(f"{running.url}{PATH}")
        stopped = asyncio.create_task(running.intake.stop())
        message = await socket.receive(timeout=20)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1001)
        await stopped
