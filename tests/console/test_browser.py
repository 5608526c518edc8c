"""The console as people see it: real Chromium, a real influxd behind it, every panel of every board with data."""

import re
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from console.config import ConsoleConfig
from foundation.secret import Secret
from tests.console.running import running_console
from tests.fakes.alerting_api import AlertingApi, alert, transition
from tests.fakes.browser import LATE_MS, open_page
from tests.fakes.influxd import Influxd
from tests.fakes.telemetry import NS, an_hour
from tests.grafana.reading import BOARDS, panels

pytestmark = [pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module")
async def console(influxd: Influxd, influx_bucket: str, alerting: AlertingApi) -> AsyncIterator[str]:
    """A console over an hour of telemetry that ends soon, so that a slow machine still finds a last minute."""
    body = an_hour(time.time_ns() + 300 * NS)  # noqa: TID251 - a browser's "last hour" ends at the machine's real now
    status, reply = influxd.call("POST", f"/api/v2/write?org={influxd.org}&bucket={influx_bucket}", body)
    assert status == 204, reply
    config = ConsoleConfig(bucket=influx_bucket, token=Secret(influxd.token))
    async with running_console(config, collector_url=influxd.url, alerting_url=alerting.url) as url:
        yield url


async def test_every_panel_of_every_board_has_data(browser: Browser, console: str):
    """Each board draws all its panels from the data, and neither the browser (its policy) nor axe complains."""
    for uid, board in BOARDS.items():
        async with open_page(browser, f"{console}/boards/{uid}") as seen:
            states = await seen.panels()
            await seen.keep(uid)
            assert set(states.values()) == {"ok"}, (uid, states)
            for panel in panels(board):
                told = panel["title"].partition("$")[0]
                assert panel["type"] == "row" or any(title.startswith(told) for title in states), (uid, told)
            assert seen.complaints == []
            assert await seen.barriers() == [], uid


async def test_a_board_is_busy_until_its_last_panel_is_drawn(browser: Browser, console: str):
    """Panels that are repeated for values which have to be asked for first are among those that it waits for."""
    async with open_page(browser, f"{console}/boards/tocsin-red") as seen:
        await seen.page.locator(".sections[aria-busy=false]").wait_for(timeout=LATE_MS)
        assert await seen.page.locator(".panel[data-state=loading]").count() == 0
        assert await seen.page.locator(".panel[aria-label^='Response time of']").count() > 1


async def test_the_board_shows_the_numbers_of_the_data(browser: Browser, console: str):
    """The slowest endpoint stands first in the table, and the share of errors of the made-up hour is small."""
    async with open_page(browser, f"{console}/boards/tocsin-red") as seen:
        await seen.panels()
        first = seen.page.locator(".panel[aria-label='Slowest endpoints'] tbody tr").first
        assert "/pay" in await first.inner_text()
        assert await seen.page.locator(".panel.timeseries path.stroke").count() > 10
        errors = await seen.page.locator(".panel[aria-label='Errors'] .figure").inner_text()
        assert 0 < float(errors.split("%")[0]) < 5


async def test_variables_chain_and_narrow_without_reloading(browser: Browser, console: str):
    """Picking a service leaves its endpoints in the next list and in the table; the address remembers it."""
    async with open_page(browser, f"{console}/boards/tocsin-red") as seen:
        await seen.panels()
        await seen.page.evaluate("window.stillHere = true")
        await seen.page.locator("details.variable", has_text="Service").locator("summary").click()
        await seen.page.get_by_label("payments", exact=True).check()
        rows = seen.page.locator(".panel[aria-label='Slowest endpoints'] tbody tr")
        await expect(rows).to_have_count(2, timeout=45_000)
        assert {"/pay", "/checkout"} == {(await rows.nth(at).locator("td").first.inner_text()) for at in range(2)}
        endpoints = seen.page.locator("details.variable", has_text="Endpoint").locator("label")
        assert await endpoints.all_text_contents() == ["All", "/checkout", "/pay"]
        assert "var-service=payments" in seen.page.url
        assert await seen.page.evaluate("window.stillHere") is True


async def test_a_link_in_a_table_leads_to_that_endpoint_alone(browser: Browser, console: str):
    """An endpoint with slashes and braces survives the address, the variable and the query; the time goes along."""
    async with open_page(browser, f"{console}/boards/tocsin-red?from=now-30m&to=now") as seen:
        await seen.panels()
        await seen.page.get_by_role("link", name="/products/{id}").click()
        await seen.page.get_by_role("heading", name="Response time of /products/{id}").wait_for(timeout=45_000)
        states = await seen.panels()
        assert set(states.values()) <= {"ok", "empty"}, states
        assert states["How response times are spread"] == "ok"
        assert "from=now-30m" in seen.page.url
        releases = seen.page.locator(".panel[aria-label='Releases'] tbody tr")
        await expect(releases).not_to_have_count(0, timeout=45_000)
        assert seen.complaints == []


async def test_a_number_leads_on_with_what_is_picked(browser: Browser, console: str):
    """A click on a number of the first board opens the board behind it, at the same time range."""
    async with open_page(browser, f"{console}/boards/tocsin-overview?from=now-15m&to=now") as seen:
        await seen.panels()
        await seen.page.locator(".panel[aria-label='Devices silent'] a").click()
        await seen.page.wait_for_url(re.compile(r"/boards/tocsin-devices\?.*from=now-15m"), timeout=45_000)
        await seen.panels()
        assert await seen.page.locator(".panel[aria-label='Sites'] .state").count() > 0


async def test_states_have_words_and_times(browser: Browser, console: str):
    """A stretch of a timeline says its state and how long it lasted: before the data, while it spoke, and after."""
    async with open_page(browser, f"{console}/boards/tocsin-device?var-device=d005") as seen:
        await seen.panels()
        told = [await one.get_attribute("title") or "" for one in await seen.page.locator(".state").all()]
        assert [one.split(":")[0] for one in told] == ["silent", "up", "silent"]


async def test_an_open_board_follows_the_data(browser: Browser, console: str, influxd: Influxd, influx_bucket: str):
    """A request of an endpoint never seen before is in the table at the next refresh, without a reload."""
    async with open_page(browser, f"{console}/boards/tocsin-red?refresh=1s") as seen:
        await seen.panels()
        await seen.page.evaluate("window.stillHere = true")
        tags = "service=shop,feature=browse,endpoint=/new,method=GET,status=200,release=v3"
        line = f"http_request,{tags} duration_ms=5,error=0i,bytes=1i".encode()
        status, _ = influxd.call("POST", f"/api/v2/write?org={influxd.org}&bucket={influx_bucket}", line)
        assert status == 204
        await seen.page.get_by_role("link", name="/new").wait_for(timeout=45_000)
        assert await seen.page.evaluate("window.stillHere") is True


async def test_dragging_over_a_chart_zooms_the_whole_board(browser: Browser, console: str):
    """The part that was marked becomes the time range of every panel and of the address; a click leads back."""
    async with open_page(browser, f"{console}/boards/tocsin-red") as seen:
        await seen.panels()
        box = await seen.page.locator(".panel.timeseries .canvas").first.bounding_box()
        assert box is not None
        y = box["y"] + box["height"] / 2
        await seen.page.mouse.move(box["x"] + box["width"] * 0.3, y)
        await seen.page.mouse.down()
        await seen.page.mouse.move(box["x"] + box["width"] * 0.6, y, steps=5)
        await seen.page.mouse.up()
        await expect(seen.page).to_have_url(re.compile(r"from=\d{13}&to=\d{13}"), timeout=45_000)
        span = dict(parse_qsl(urlsplit(seen.page.url).query))
        assert int(span["to"]) - int(span["from"]) == pytest.approx(0.3 * 3_600_000, rel=0.1)
        await seen.page.get_by_label("Time range").click()
        await seen.page.get_by_role("button", name="Last hour").click()
        await expect(seen.page).to_have_url(re.compile("from=now-1h&to=now"), timeout=45_000)


async def test_an_empty_range_says_so_in_the_panels_own_words(browser: Browser, console: str):
    """Without data a panel is empty, not broken, and shows its noValue text."""
    async with open_page(browser, f"{console}/boards/tocsin-red?from=1000000000000&to=1000003600000") as seen:
        states = await seen.panels()
        assert set(states.values()) == {"empty"}
        assert "no requests in this range" in await seen.page.locator("[data-panel-id='2']").inner_text()


async def test_a_collector_that_is_away_is_an_error_on_every_panel(browser: Browser, alerting: AlertingApi):
    """The page stays, and each panel says who did not answer."""
    async with (
        running_console(alerting_url=alerting.url) as url,
        open_page(browser, f"{url}/boards/tocsin-red") as seen,
    ):
        states = await seen.panels()
        assert set(states.values()) == {"error"}
        assert (
            "cannot be reached: nothing accepts connections there"
            in await seen.page.locator("[data-panel-id='1']").inner_text()
        )


async def test_alerts_come_and_go_on_an_open_page(browser: Browser, console: str, alerting: AlertingApi):
    """Nothing firing is said so; a new alert and its history appear by themselves, and leave when it resolves."""
    now = datetime.now(UTC)  # noqa: TID251 - the page counts from the machine's real now
    async with open_page(browser, f"{console}/alerts") as seen:
        await seen.panels()
        assert "Nothing is firing" in await seen.page.locator("[data-panel-id='alerts']").inner_text()
        alerting.alerts = [alert("CheckoutSlow", now=now)]
        alerting.history = [transition("CheckoutSlow", "fired", "firing", at=now - timedelta(minutes=5))]
        card = seen.page.locator("[data-alert='CheckoutSlow']")
        await card.wait_for(timeout=45_000)
        words = await card.inner_text()
        assert "critical" in words
        assert "/pay: p95 912 ms" in words
        assert "5 min" in words
        assert "told: oncall" in words
        await seen.page.locator("[data-change='fired']").wait_for(timeout=45_000)
        await seen.page.locator(".badge", has_text="1").wait_for(timeout=45_000)
        await seen.keep("alerts")
        alerting.alerts = []
        await card.wait_for(state="detached", timeout=45_000)
        assert seen.complaints == []


async def test_markup_in_data_is_shown_and_not_run(browser: Browser, console: str, alerting: AlertingApi):
    """A summary or label that holds HTML stays text."""
    nasty = alert("<img src=x onerror=alert(1)>") | {"annotations": {"summary": "<script>window.owned=1</script>"}}
    alerting.alerts = [nasty]
    async with open_page(browser, f"{console}/alerts") as seen:
        await seen.panels()
        text = await seen.page.locator("[data-panel-id='alerts']").inner_text()
        assert "<script>window.owned=1</script>" in text
        assert "<img src=x onerror=alert(1)>" in text
        assert await seen.page.locator("[data-panel-id='alerts'] img").count() == 0
        assert await seen.page.evaluate("window.owned") is None


async def test_the_overview_names_health_boards_and_alerts(browser: Browser, console: str, alerting: AlertingApi):
    """One look: is the line well, what is firing, where to go."""
    alerting.alerts = [alert("CheckoutSlow")]
    async with open_page(browser, f"{console}/") as seen:
        states = await seen.panels()
        assert states == {"health": "ok", "boards": "ok", "Now": "ok"}
        assert await seen.page.locator(".dot.well").count() == 2
        for board in BOARDS.values():
            await seen.page.locator(".boards .card", has_text=board["title"]).first.wait_for()
        await seen.keep("overview")


async def test_the_overview_shows_the_worst_and_counts_the_rest(browser: Browser, console: str, alerting: AlertingApi):
    """A fleet going silent does not push the boards off the page: five alerts are shown, the others are a number."""
    alerting.alerts = [alert(f"Slow{n}") for n in range(5)] + [alert(f"Soon{n}", state="pending") for n in range(40)]
    async with open_page(browser, f"{console}/") as seen:
        await seen.panels()
        assert await seen.page.locator("[data-alert]").count() == 5
        await seen.page.get_by_text("and 40 more (40 pending)").wait_for()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
async def test_boards_fit_light_and_a_phone(browser: Browser, console: str, scheme: str, width: int):
    """In the light scheme and at a phone's width all panels have data, and the page is no wider than the screen."""
    async with open_page(browser, f"{console}/boards/tocsin-red", color_scheme=scheme) as seen:
        await seen.page.set_viewport_size({"width": width, "height": 844})
        states = await seen.panels()
        assert set(states.values()) == {"ok"}
        await seen.keep(f"tocsin-red-{scheme}-{width}")
        assert await seen.page.evaluate("document.documentElement.scrollWidth") <= width
