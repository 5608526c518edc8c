"""How far the store is behind: asked over HTTP, remembered for a moment, unknown where nobody answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from alerting.lag import CollectorElsewhere, CollectorHere, NeverBehind
from tests.fakes.clock import ManualClock


@asynccontextmanager
async def a_collector(answers: list[web.Response]) -> AsyncIterator[tuple[CollectorElsewhere, ManualClock]]:
    """A collector whose /ready gives these answers in turn."""

    async def ready(_: web.Request) -> web.Response:
        return answers.pop(0)

    app = web.Application()
    app.router.add_get("/ready", ready)
    clock = ManualClock()
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        yield CollectorElsewhere(str(server.make_url("/")), session, clock), clock


@pytest.mark.parametrize(
    ("response", "behind_s"),
    [
        ({"data": {"status": "ok", "buffered_lines": 0, "buffer_age_s": 0}}, 0.0),
        ({"data": {"status": "full", "buffered_lines": 9, "buffer_age_s": 12.5}, "status": 503}, 12.5),
        ({"data": {"status": "ok"}}, None),
        ({"data": {"buffer_age_s": None}}, None),
        ({"data": [], "status": 404}, None),
    ],
)
async def test_what_ready_says(response: dict[str, object], behind_s: float | None):
    """`buffer_age_s` counts whether the collector accepts or not; anything else is unknown."""
    async with a_collector([web.json_response(**response)]) as (lag, _):  # type: ignore[arg-type]  # mixed on purpose
        assert await lag.behind_s() == behind_s


async def test_no_json_is_unknown():
    """A proxy's error page says nothing about the collector."""
    async with a_collector([web.Response(text="<html>", status=502)]) as (lag, _):
        assert await lag.behind_s() is None


async def test_nobody_there_is_unknown():
    """A collector that cannot be reached is unknown, not an error."""
    async with aiohttp.ClientSession() as session:
        assert await CollectorElsewhere("http://127.0.0.1:9", session, ManualClock()).behind_s() is None


async def test_one_answer_serves_all_rules_of_a_moment():
    """Rules that are due together ask once; half a second later it is asked anew."""
    answers = [web.json_response({"buffer_age_s": age}) for age in (1.0, 2.0)]
    async with a_collector(answers) as (lag, clock):
        assert [await lag.behind_s() for _ in range(3)] == [1.0, 1.0, 1.0]
        clock.advance(timedelta(seconds=1))
        assert await lag.behind_s() == 2.0


async def test_in_the_same_process():
    """A collector in this process is asked directly; a store without one of ours is never behind."""
    assert await CollectorHere(lambda: 3.5).behind_s() == 3.5
    assert await NeverBehind().behind_s() == 0.0
