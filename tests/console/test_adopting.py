"""A running console takes up another section without closing its socket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from argon2 import PasswordHasher
from prometheus_client import CollectorRegistry

from console.app import Console
from console.config import ConsoleConfig
from foundation.secret import Secret
from foundation.web import Address, Site
from tests.console.running import NOBODY
from tests.fakes.clock import ManualClock


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_everything_but_the_address_is_taken_up(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    """Both URLs, the bucket, the token, the deadline and the folder of boards hold for the next request."""
    asked: list[tuple[str, str | None, str | None]] = []

    async def other_side(request: web.Request) -> web.Response:
        form = await request.post()
        asked.append((request.path, str(form.get("db")), request.headers.get("Authorization")))
        return web.json_response({})

    app = web.Application()
    app.add_routes([web.route("*", "/{path:.*}", other_side)])
    behind = Site(app, Address("127.0.0.1", 0), shutdown_s=0.1)
    url = (await behind.start()).url
    (tmp_path / "mine.json").write_text(json.dumps({"uid": "mine", "panels": []}))
    before = ConsoleConfig(listen="127.0.0.1:0", collector=NOBODY, alerting=NOBODY)
    console = Console(before, registry=CollectorRegistry(), clock=ManualClock(), on_incident=lambda _name, _error: None)
    here = f"http://{await console.start()}"
    try:
        async with http.post(f"{here}/api/query", data={"q": "SELECT x FROM m"}) as reply:
            assert reply.status == 502

        after = replace(before, collector=f"{url}/", alerting=url, bucket="b", token=Secret("reads"), boards=tmp_path)
        take_up = await console.prepare(replace(after, deadline=timedelta(seconds=3)))
        assert asked == []
        await take_up()

        async with http.post(f"{here}/api/query", data={"q": "SELECT x FROM m"}) as reply:
            assert reply.status == 200
        async with http.get(f"{here}/api/alerting/rules") as reply:
            assert reply.status == 200
        async with http.get(f"{here}/api/boards") as reply:
            assert [board["uid"] for board in (await reply.json())["boards"]] == ["mine"]
        assert asked == [("/query", "b", "Token reads"), ("/api/v1/rules", "None", None)]
    finally:
        await console.stop()
        await behind.stop()


async def test_a_new_public_address_decides_whether_cookies_travel_in_clear(http: aiohttp.ClientSession) -> None:
    """Behind a proxy that now speaks https, the next sign-in gets a cookie that says so; and back."""
    hashed = Secret(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("correct horse"))
    config = ConsoleConfig(listen="127.0.0.1:0", collector=NOBODY, alerting=NOBODY, password=hashed)
    console = Console(config, registry=CollectorRegistry(), clock=ManualClock(), on_incident=lambda _name, _error: None)
    here = f"http://{await console.start()}"
    try:
        for public, secure in (("https://tocsin.example", True), ("", False)):
            await (await console.prepare(replace(config, public_url=public)))()
            async with http.post(f"{here}/api/session", json={"password": "correct horse"}) as reply:
                assert ("Secure" in reply.headers["Set-Cookie"]) is secure
    finally:
        await console.stop()
