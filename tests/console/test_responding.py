"""What a responder does: from the alert to its board and back by keyboard, a board left open, who is away."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Page, expect

from console.config import ConsoleConfig
from tests.console.running import running_console
from tests.fakes.alerting_api import AlertingApi, account, alert
from tests.fakes.browser import LATE_MS, open_page
from tests.fakes.polling import until

pytestmark = [pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]

UPDATES = 30
HALF_AN_HOUR_MS = 1_800_000
TIMES = re.compile(r"time [<>]= (\d+)ms")


@dataclass
class Collector:
    """Answers every question with two series, a value a minute, or a day; away, it answers with 503."""

    url: str = ""
    away: bool = False
    asked: list[str] = field(default_factory=list)

    async def query(self, request: web.Request) -> web.Response:
        """POST /query."""
        form = await request.post()
        self.asked.append(str(form["q"]))
        if self.away:
            return web.json_response({"error": "the store is away"}, status=503)
        if str(form["q"]).startswith("SHOW"):
            rows = [["key", "/pay"], ["key", "/new"]]
            series = [{"name": "m", "columns": ["key", "value"], "values": rows}]
        else:
            first, last = (int(ms) for ms in TIMES.findall(str(form["q"]))[:2])
            step = 60_000 if last - first < 2 * 3_600_000 else 86_400_000
            values = [[at * step, at % 7 + 1] for at in range(-(-first // step), last // step + 1)]
            series = [
                {"name": "m", "tags": {"service": name}, "columns": ["time", "x"], "values": values}
                for name in ("a", "b")
            ]
        return web.json_response({"results": [{"statement_id": 0, "series": series}]})


@asynccontextmanager
async def answering() -> AsyncIterator[Collector]:
    """A collector on a free port."""
    collector = Collector()
    app = web.Application()
    app.router.add_post("/query", collector.query)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    collector.url = f"http://{host}:{port}"
    try:
        yield collector
    finally:
        await runner.cleanup()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def collector() -> AsyncIterator[Collector]:
    """One for all tests of this file."""
    async with answering() as running:
        yield running


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A folder with a board of a chart, a number, a table and a timeline."""
    query = "SELECT mean(x) FROM m WHERE $timeFilter GROUP BY time(${__interval}), service"
    kinds = ("timeseries", "stat", "table", "state-timeline")
    panels = [
        {
            "id": at,
            "type": kind,
            "title": kind,
            "gridPos": {"x": 0, "y": at * 8, "w": 24, "h": 8},
            "fieldConfig": {"defaults": {"unit": "ms"}, "overrides": []},
            "targets": [
                {"query": query, "resultFormat": "table" if kind == "table" else "time_series", "alias": "$tag_service"}
            ],
        }
        for at, kind in enumerate(kinds, 1)
    ]
    board = {"uid": "small", "title": "Small", "panels": panels, "time": {"from": "now-1h", "to": "now"}}
    (tmp_path / "small.json").write_bytes(orjson.dumps(board))
    return tmp_path


async def test_from_the_alert_to_its_board_and_back_by_keyboard(
    browser: Browser, alerting: AlertingApi, collector: Collector
) -> None:
    """The link keeps the alert's labels and time; a range that is picked there stays, and Back leads to the alert."""
    told = alert("CheckoutSlow")
    alerting.accounts = {told["id"]: account(told)}
    async with (
        running_console(alerting_url=alerting.url, collector_url=collector.url) as url,
        open_page(browser, f"{url}/alerts/{told['id']}") as seen,
    ):
        link = seen.page.locator("[data-key='board']")
        await link.focus()
        await seen.page.keyboard.press("Enter")
        await seen.page.wait_for_url(re.compile("/boards/tocsin-red"), timeout=LATE_MS)
        await expect(seen.page).to_have_url(re.compile("refresh="), timeout=LATE_MS)
        wish = parse_qs(urlsplit(seen.page.url).query)
        assert (wish["var-endpoint"], wish["to"]) == (["/pay"], ["now"])
        assert int(wish["from"][0]) == datetime.fromisoformat(told["fired_at"]).timestamp() * 1000 - HALF_AN_HOUR_MS
        asks_for_it = '"endpoint" =~ /^\\/pay$/'
        await until(lambda: any(asks_for_it in text for text in collector.asked), seconds=45, what="its endpoint alone")
        await seen.page.keyboard.press("[")
        await expect(seen.page).to_have_url(re.compile(r"to=\d{13}"), timeout=LATE_MS)
        await seen.page.go_back()
        await expect(link).to_be_visible(timeout=LATE_MS)
        assert seen.complaints == []


async def test_a_board_that_stays_open_does_not_grow(
    browser: Browser, alerting: AlertingApi, collector: Collector, small: Path
) -> None:
    """Update after update the page has as many elements and listeners as before, and no panel is blank in between."""
    async with (
        running_console(ConsoleConfig(boards=small), collector_url=collector.url, alerting_url=alerting.url) as url,
        open_page(browser, f"{url}/boards/small?refresh=off") as seen,
    ):
        assert set((await seen.panels()).values()) == {"ok"}
        await seen.page.evaluate(
            """() => { window.seen = new Set();
              new MutationObserver((all) => all.forEach(({ target }) => window.seen.add(target.dataset.state)))
                .observe(document.body, { subtree: true, attributes: true, attributeFilter: ['data-state'] }); }"""
        )
        await updated(seen.page, collector, 5)
        before = await counted(seen.page)
        await updated(seen.page, collector, UPDATES)

        async def is_as_before() -> bool:
            after = await counted(seen.page)
            return all(after[kind] <= before[kind] * 1.05 + 20 for kind in ("nodes", "jsEventListeners"))

        await until(is_as_before, seconds=45, what=f"elements and listeners to be as many as before, {before}")
        assert set(await seen.page.evaluate("[...window.seen]")) <= {"ok"}
        assert seen.complaints == []


async def updated(page: Page, collector: Collector, times: int) -> None:
    """The board asked again so often; a key that comes while it still draws does nothing."""
    for _ in range(times):
        before = len(collector.asked)
        while len(collector.asked) < before + 4:
            await page.keyboard.press("r")
            await page.wait_for_timeout(5)


async def counted(page: Page) -> dict[str, int]:
    """Elements and listeners that are in memory once what nobody holds is gone."""
    session = await page.context.new_cdp_session(page)
    await session.send("HeapProfiler.collectGarbage")
    found: dict[str, int] = await session.send("Memory.getDOMCounters")
    await session.detach()
    return found


async def test_a_board_says_who_is_away_and_comes_back_by_itself(
    browser: Browser, collector: Collector, small: Path
) -> None:
    """What was drawn stays under the words; when the store answers again the words go, without a reload."""
    config = ConsoleConfig(boards=small)
    async with (
        running_console(config, collector_url=collector.url) as url,
        open_page(browser, f"{url}/boards/small?refresh=1s") as seen,
    ):
        await seen.panels()
        await seen.page.evaluate("window.stillHere = true")
        number = seen.page.locator(".panel.stat")
        collector.away = True
        try:
            await expect(number.locator(".note")).to_contain_text("the store is away", timeout=LATE_MS)
            assert await number.locator(".figure").count() == 2
        finally:
            collector.away = False
        await expect(number).to_have_attribute("data-state", "ok", timeout=LATE_MS)
        await seen.page.route("**/api/query", lambda route: route.abort())
        await expect(number.locator(".note")).to_contain_text("the console does not answer", timeout=LATE_MS)
        await seen.page.unroute("**/api/query")
        await expect(number).to_have_attribute("data-state", "ok", timeout=LATE_MS)
        assert await seen.page.evaluate("window.stillHere") is True


async def test_a_sign_in_that_ends_leads_back_to_the_board(browser: Browser, collector: Collector, small: Path) -> None:
    """The next question is refused: the page asks for the password, and remembers what was looked at."""
    async with (
        running_console(ConsoleConfig(boards=small), collector_url=collector.url) as url,
        open_page(browser, f"{url}/boards/small?refresh=1s&from=now-15m&to=now") as seen,
    ):
        await seen.panels()
        refusal = orjson.dumps({"error": "sign in first"})
        await seen.page.route("**/api/query", lambda route: route.fulfill(status=401, body=refusal))
        await expect(seen.page).to_have_url(re.compile(r"/sign-in\?to="), timeout=LATE_MS)
        to = parse_qs(urlsplit(seen.page.url).query)["to"][0]
        assert to.startswith("/boards/small?from=now-15m&to=now")
