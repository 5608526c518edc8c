"""The live tail over a WebSocket: what is acknowledged is shown, within bounds, and nobody waits for a follower."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from collector.intake.http import IntakeConfig
from collector.tail import TailConfig
from collector.tokens import Scope
from tests.fakes.intake import RunningIntake, running_intake
from tests.fakes.polling import until

PATH = "/api/v1/tail"
OPEN = "127.0.0.1:0"


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[RunningIntake]:
    async with running_intake(tmp_path) as one:
        yield one


async def said(following: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    """The next message."""
    message = await following.receive(timeout=60)
    assert message.type is aiohttp.WSMsgType.TEXT, message
    content: dict[str, Any] = json.loads(message.data)
    return content


async def test_an_acknowledged_line_is_shown_as_it_is_stored(running: RunningIntake):
    """With its timestamp in nanoseconds, its bucket and its source."""
    async with running.session.ws_connect(f"{running.url}{PATH}") as following:
        assert (await running.post("/api/v2/write?precision=s", b"room,site=a t=1 7\n")).status == 204
        assert await said(following) == {
            "bucket": "telemetry",
            "source": "host:127.0.0.1",
            "lines": ["room,site=a t=1 7000000000"],
        }


async def test_only_what_fits_every_filter_is_shown(running: RunningIntake):
    """Measurement, tags (repeated), field, bucket and source narrow together."""
    query = "?measurement=room&tag=site=a&tag=kind=x%20y&field=t&bucket=b&source=host:127.0.0.1"
    async with running.session.ws_connect(f"{running.url}{PATH}{query}") as following:
        wanted = "room,site=a,kind=x\\ y t=1 1"
        others = ["room,site=a t=1 1", "room,kind=x\\ y,site=ab t=1 1", "rooms,site=a,kind=x\\ y t=1 1"]
        others += ["room,site=a,kind=x\\ y u=1 1"]
        assert (await running.post("/api/v2/write", wanted.encode())).status == 204
        assert (await running.post("/api/v2/write?bucket=b", "\n".join([*others, wanted]).encode())).status == 204
        assert (await said(following))["lines"] == [wanted]


async def test_refused_lines_are_shown_to_who_asks_for_them(running: RunningIntake):
    """With the reason beside each; a line that is no text comes in base64."""
    async with running.session.ws_connect(f"{running.url}{PATH}?rejected=true") as following:
        assert (await running.post("/api/v2/write", b"broken\nm f=\xff 1\n")).status == 400
        shown = (await said(following))["rejected"]
        assert [(one.get("line"), one.get("line_base64"), one["cause"]) for one in shown] == [
            ("broken", None, "syntax"),
            (None, "bSBmPf8gMQ==", "syntax"),
        ]
        assert "missing fields" in shown[0]["reason"]


async def test_who_goes_is_forgotten(running: RunningIntake):
    """However a follower ends, its place is free again."""
    for _ in range(3):
        following = await running.session.ws_connect(f"{running.url}{PATH}")
        assert running.count("tocsin_tail_followers") == 1
        await following.close()
        await until(lambda: running.count("tocsin_tail_followers") == 0, seconds=20, what="no follower")


async def test_a_stop_tells_followers(tmp_path: Path):
    """They get code 1001 and can come back to the next process."""
    async with running_intake(tmp_path) as running:
        assert running.intake is not None
        following = await running.session.ws_connect(f"{running.url}{PATH}")
        stopped = asyncio.create_task(running.intake.stop())
        message = await following.receive(timeout=60)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1001)
        await stopped


async def turned_away(running: RunningIntake, query: str = "", **headers: str) -> tuple[int, str]:
    """Status and words of the refusal."""
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await running.session.ws_connect(f"{running.url}{PATH}{query}", headers=headers)
    assert caught.value.headers is not None
    return caught.value.status, caught.value.headers["X-Influxdb-Error"]


async def test_one_follower_too_many_is_told(tmp_path: Path):
    """503 names the setting; the place is free again when another goes."""
    config = IntakeConfig(listen=OPEN, tokens="open", tail=TailConfig(followers=1))
    async with running_intake(tmp_path, config) as running:
        first = await running.session.ws_connect(f"{running.url}{PATH}")
        status, words = await turned_away(running)
        assert status == 503
        assert "collector.tail.followers" in words
        assert running.count("tocsin_tail_turned_away_total", reason="full") == 1
        await first.close()
        await until(lambda: running.count("tocsin_tail_followers") == 0, seconds=20, what="no follower")
        await (await running.session.ws_connect(f"{running.url}{PATH}")).close()


@pytest.mark.parametrize(
    ("query", "complaint"),
    [("?mesurement=m", 'unknown filter "mesurement"'), ("?tag=a", "tag=KEY=VALUE"), ("?tag=a=", "tag=KEY=VALUE")],
)
async def test_a_filter_that_cannot_be_meant_is_told(running: RunningIntake, query: str, complaint: str):
    """A mistyped filter would show everything."""
    status, words = await turned_away(running, query)
    assert status == 400
    assert complaint in words


async def test_a_plain_request_is_told_what_this_is(running: RunningIntake):
    """A browser or curl gets an answer that helps, and the connection goes on."""
    answer = await running.ask("GET", PATH)
    assert answer.status == 400
    assert "tocsin tail" in json.loads(answer.body)["message"]
    assert running.count("tocsin_tail_followers") == 0


async def test_pages_of_other_sites_cannot_follow(running: RunningIntake):
    """A browser would let any page read along."""
    status, words = await turned_away(running, Origin="http://evil.example")
    assert (status, words) == (403, "a page of another site cannot follow the tail")
    own = running.url.removeprefix("http://")
    async with running.session.ws_connect(f"{running.url}{PATH}", headers={"Origin": f"http://{own}"}):
        assert running.count("tocsin_tail_followers") == 1


async def test_a_token_sees_its_own_buckets_while_it_lasts(tmp_path: Path):
    """Scope read; lines of other buckets stay hidden; when it is revoked the tail ends with code 1008."""
    async with running_intake(tmp_path, IntakeConfig(listen=OPEN, tokens="required")) as running:
        eye = running.tokens.create("eye", frozenset({Scope.READ}), frozenset({"home"})).reveal()
        device = running.tokens.create("device", frozenset({Scope.WRITE})).reveal()
        assert (await turned_away(running))[0] == 401
        assert (await turned_away(running, Authorization=f"Token {device}"))[0] == 403
        assert (await turned_away(running, "?bucket=other", Authorization=f"Token {eye}"))[0] == 403

        async with running.session.ws_connect(f"{running.url}{PATH}?p={eye}") as following:
            for bucket in ("other", "home"):
                path = f"/api/v2/write?bucket={bucket}"
                assert (await running.post(path, b"m f=1 1\n", Authorization=f"Token {device}")).status == 204
            assert (await said(following))["bucket"] == "home"
            running.tokens.revoke("eye")
            message = await following.receive(timeout=60)
            assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1008)
        assert running.count("tocsin_tail_turned_away_total", reason="token") == 1


async def test_a_follower_that_takes_nothing_is_cut_off(tmp_path: Path):
    """Its socket is reset after the patience, so a stalled client holds neither a place nor memory for ever."""
    async with running_intake(tmp_path) as running:
        assert running.intake is not None
        running.intake._following._patience_s = 0.05
        address = urlsplit(running.url)
        with socket.create_connection((address.hostname, address.port)) as stalled:
            stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stalled.sendall(
                b"GET /api/v1/tail HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            await until(lambda: running.count("tocsin_tail_followers") == 1, seconds=20, what="the follower")
            body = b"".join(b'm s="%s" %d\n' % (b"x" * 900, number) for number in range(1000))

            async def cut_off() -> bool:
                assert (await running.post("/api/v2/write", body)).status == 204
                return running.count("tocsin_tail_turned_away_total", reason="stalled") == 1

            await until(cut_off, seconds=30, what="the end of patience")
            await until(lambda: running.count("tocsin_tail_followers") == 0, seconds=20, what="no follower")


async def test_followers_stay_over_a_reload_while_they_may(running: RunningIntake):
    """A changed configuration cuts nobody off, unless it asks for a token that the follower has not."""
    assert running.intake is not None
    pipeline = running.intake._door._pipeline
    async with running.session.ws_connect(f"{running.url}{PATH}") as following:
        running.intake.adopt(IntakeConfig(listen=OPEN, tokens="open", tail=TailConfig(followers=1)), pipeline)
        assert (await running.post("/api/v2/write", b"m f=1 1\n")).status == 204
        assert (await said(following))["lines"] == ["m f=1 1"]

        running.intake.adopt(IntakeConfig(listen=OPEN, tokens="required"), pipeline)
        message = await following.receive(timeout=20)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1008)


async def test_tokens_that_cannot_be_read_are_no_lasting_refusal(tmp_path: Path):
    """The tail ends with code 1013: whoever follows may come back, and will be asked again."""
    async with running_intake(tmp_path, IntakeConfig(listen=OPEN, tokens="required")) as running:
        eye = running.tokens.create("eye", frozenset({Scope.READ})).reveal()
        async with running.session.ws_connect(f"{running.url}{PATH}?p={eye}") as following:
            await asyncio.to_thread((tmp_path / "tokens.json").write_text, "{")
            running.clock.advance(timedelta(seconds=5))
            message = await following.receive(timeout=30)
            assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1013)
