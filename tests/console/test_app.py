"""What the console answers: pages, boards, queries that read, the alerting API, and errors that name who is away."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from console.config import ConsoleConfig
from foundation.secret import Secret
from foundation.web import Address, Site, answer
from tests.console.running import NOBODY, running_console
from tests.fakes.alerting_api import alert, running_alerting_api


class Collector:
    """Answers /query and /ready, and keeps what it was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[tuple[dict[str, str], str | None]] = []
        self.status = 200
        self.answers = asyncio.Event()
        self.answers.set()

    async def query(self, request: web.Request) -> web.Response:
        self.asked.append(
            ({key: str(value) for key, value in (await request.post()).items()}, request.headers.get("Authorization"))
        )
        await self.answers.wait()
        return answer({"results": [{"statement_id": 0}]}, status=self.status)

    async def ready(self, _request: web.Request) -> web.Response:
        return answer({"status": "ok", "buffered_lines": 3, "buffer_age_s": 0.5}, status=self.status)


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    """A collector that only answers."""
    fake, app = Collector(), web.Application()
    app.add_routes([web.post("/query", fake.query), web.get("/ready", fake.ready)])
    site = Site(app, Address("127.0.0.1", 0))
    fake.url = (await site.start()).url
    yield fake
    await site.stop()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A client."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.mark.parametrize("path", ["/", "/alerts", "/boards/tocsin-red"])
async def test_pages_come_with_a_policy_that_lets_in_no_foreign_script(http: aiohttp.ClientSession, path: str):
    """Every page forbids scripts from elsewhere and inline, frames, and guessing of types."""
    async with running_console() as url, http.get(url + path) as reply:
        text = await reply.text()
        policy = reply.headers["Content-Security-Policy"]
        assert reply.status == 200
        assert reply.content_type == "text/html"
        assert "script-src 'self';" in policy
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert "<script>" not in text
        assert "http://" not in text.replace("http://www.w3.org", "")


async def test_errors_carry_the_headers_too(http: aiohttp.ClientSession):
    """A path that does not exist is 404 under the same policy."""
    async with running_console() as url, http.get(f"{url}/nowhere") as reply:
        assert reply.status == 404
        assert "Content-Security-Policy" in reply.headers


async def test_static_files_are_asked_for_anew_and_stay_inside_their_folder(http: aiohttp.ClientSession):
    """A new version shows at once, and no path leads out of the folder."""
    async with running_console() as url:
        async with http.get(f"{url}/static/main.js") as reply:
            assert reply.status == 200
            assert reply.headers["Cache-Control"] == "no-cache"
            assert "javascript" in reply.content_type
        async with http.get(f"{url}/static/..%2f..%2fapp.py") as reply:
            assert reply.status in {403, 404}


async def test_a_boards_page_lets_the_browser_fetch_the_board_at_once(http: aiohttp.ClientSession):
    """Its file is under way before the scripts ask for it; for a board that is not there nothing is."""
    async with running_console() as url:
        async with http.get(f"{url}/boards/tocsin-red") as reply:
            assert reply.headers["Link"] == "</api/boards/tocsin-red>; rel=preload; as=fetch; crossorigin=anonymous"
        async with http.get(f"{url}/boards/tocsin-blue") as reply:
            assert "Link" not in reply.headers


async def test_boards_are_listed_and_served_as_they_stand(http: aiohttp.ClientSession):
    """The board's JSON is the committed file; an unknown uid is 404 with the names there are."""
    async with running_console() as url:
        async with http.get(f"{url}/api/boards") as reply:
            assert "tocsin-red" in {board["uid"] for board in (await reply.json())["boards"]}
        async with http.get(f"{url}/api/boards/tocsin-red") as reply:
            assert (await reply.json())["uid"] == "tocsin-red"
        async with http.get(f"{url}/api/boards/tocsin-blue") as reply:
            assert reply.status == 404
            assert "tocsin-red" in (await reply.json())["error"]


async def test_a_query_goes_on_to_the_collector_in_milliseconds(http: aiohttp.ClientSession, collector: Collector):
    """The statement, the database and epoch=ms are passed on, with the token of the configuration."""
    config = ConsoleConfig(token=Secret("reads"))
    async with running_console(config, collector_url=collector.url) as url:
        async with http.post(f"{url}/api/query", data={"q": "SELECT x FROM m"}) as reply:
            assert await reply.json() == {"results": [{"statement_id": 0}]}
        async with http.post(f"{url}/api/query", data={"q": "SHOW MEASUREMENTS", "db": "other"}) as reply:
            assert reply.status == 200
    assert collector.asked == [
        ({"q": "SELECT x FROM m", "db": "telemetry", "epoch": "ms"}, "Token reads"),
        ({"q": "SHOW MEASUREMENTS", "db": "other", "epoch": "ms"}, "Token reads"),
    ]


@pytest.mark.parametrize("form", [{"q": "DROP MEASUREMENT m"}, {}, {"q": "SELECT 1; SELECT 2"}])
async def test_what_does_not_read_never_reaches_the_collector(
    http: aiohttp.ClientSession, collector: Collector, form: dict[str, str]
):
    """400 with the reason, and the collector hears nothing."""
    async with (
        running_console(collector_url=collector.url) as url,
        http.post(f"{url}/api/query", data=form) as reply,
    ):
        assert reply.status == 400
        assert (await reply.json())["error"]
    assert collector.asked == []


async def test_the_other_sides_status_comes_through(http: aiohttp.ClientSession, collector: Collector):
    """What the collector says when it is not ready is what the page gets."""
    collector.status = 503
    async with running_console(collector_url=collector.url) as url, http.get(f"{url}/api/collector") as reply:
        assert reply.status == 503
        assert (await reply.json())["buffered_lines"] == 3


async def test_who_is_away_is_named(http: aiohttp.ClientSession):
    """502 with the address that did not answer, counted as unreachable; the console itself stays well."""
    async with running_console() as url:
        async with http.post(f"{url}/api/query", data={"q": "SELECT x FROM m"}) as reply:
            assert reply.status == 502
            assert NOBODY in (await reply.json())["error"]
        async with http.get(f"{url}/api/alerting/alerts") as reply:
            assert reply.status == 502
        async with http.get(f"{url}/health") as reply:
            assert await reply.json() == {"status": "ok"}
        async with http.get(f"{url}/metrics") as reply:
            text = await reply.text()
    assert 'tocsin_console_upstream_requests_total{outcome="unreachable",target="query"} 1.0' in text
    assert 'tocsin_console_upstream_requests_total{outcome="unreachable",target="alerting"} 1.0' in text


async def test_a_query_that_takes_too_long_is_given_up(http: aiohttp.ClientSession, collector: Collector):
    """504 that says how long was waited; the pages go on."""
    collector.answers.clear()
    config = ConsoleConfig(deadline=timedelta(milliseconds=50))
    async with running_console(config, collector_url=collector.url) as url:
        async with http.post(f"{url}/api/query", data={"q": "SELECT x FROM m"}) as reply:
            assert reply.status == 504
            assert "within 0.05 s" in (await reply.json())["error"]
        async with http.get(f"{url}/metrics") as reply:
            counted = await reply.text()
    collector.answers.set()
    assert 'tocsin_console_upstream_requests_total{outcome="timeout",target="query"} 1.0' in counted


async def test_the_alerting_api_is_passed_on_with_its_parameters(http: aiohttp.ClientSession):
    """Known names go to /api/v1, with the query string; an unknown one is 404 and goes nowhere."""
    async with running_alerting_api() as api:
        api.alerts = [alert("Slow"), alert("Soon", state="pending")]
        async with running_console(alerting_url=api.url) as url:
            async with http.get(f"{url}/api/alerting/alerts?state=firing") as reply:
                assert [one["rule"] for one in (await reply.json())["alerts"]] == ["Slow"]
            async with http.get(f"{url}/api/alerting/secrets") as reply:
                assert reply.status == 404


def test_nothing_is_fetched_from_elsewhere():
    """No page, script or style names a foreign address."""
    static = Path(__file__).resolve().parents[2] / "console" / "static"
    files = [path for path in static.rglob("*") if path.is_file()]
    assert len(files) > 15
    for path in files:
        assert "://" not in path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", ""), path


def test_every_module_is_fetched_at_once():
    """The page names each module up front, so that they come in one round and not one after the other."""
    static = Path(__file__).resolve().parents[2] / "console" / "static"
    named = set(re.findall(r'(?:href|src)="/static/([^"]+\.js)"', (static / "index.html").read_text(encoding="utf-8")))
    assert named == {str(path.relative_to(static)) for path in static.rglob("*.js")} - {"signin.js"}


def test_no_script_writes_markup():
    """Data ends in text or attributes: nothing in the scripts parses a string as HTML or as code."""
    static = Path(__file__).resolve().parents[2] / "console" / "static"
    for path in static.rglob("*.js"):
        text = path.read_text(encoding="utf-8")
        assert not any(
            word in text for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "document.write")
        ), path
