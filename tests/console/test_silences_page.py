"""Silences and accounts as people meet them, in real Chromium, in front of an alerting API under the test's hand."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from console.config import ConsoleConfig
from tests.console.running import running_console
from tests.fakes.alerting_api import AlertingApi, account, acknowledgement, alert, silence
from tests.fakes.browser import open_page

pytestmark = [pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]
PATIENCE_MS = 45_000
LISTED = re.compile(r"/api/alerting/alerts\?limit=100$")
HOSTILE = '<img src=x onerror="window.owned=1"> "} \\n ${x} \u202e`'


@pytest_asyncio.fixture(loop_scope="module")
async def console(alerting: AlertingApi) -> AsyncIterator[str]:
    """A console in front of it."""
    async with running_console(alerting_url=alerting.url) as url:
        yield url


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the page counts from the machine's real now


async def test_an_alert_is_silenced_from_its_card_with_its_labels_filled_in(
    browser: Browser, console: str, alerting: AlertingApi
):
    """One click leads to the form; name and reason are all that is left to say, and the list shows the silence."""
    alerting.alerts = [alert("CheckoutSlow", now=now())]
    async with open_page(browser, f"{console}/alerts") as seen:
        await seen.panels()
        await seen.page.get_by_role("link", name="Silence", exact=True).click()
        await seen.panels()
        values = await seen.page.locator(".matchers [name='value']").evaluate_all("all => all.map((one) => one.value)")
        assert values == ["CheckoutSlow", "/pay", "payments"]
        await seen.page.get_by_text("Matches 1 of 1 open alerts").wait_for(timeout=PATIENCE_MS)
        await seen.page.get_by_label("Your name").fill("ann")
        await seen.page.get_by_label("Comment").fill("moving the database")
        await seen.page.get_by_role("button", name="Silence", exact=True).click()
        card = seen.page.locator("[data-silence='made1']")
        await card.wait_for(timeout=PATIENCE_MS)
        assert 'alertname="CheckoutSlow"' in await card.inner_text()
        assert seen.complaints == []
    assert alerting.changes[0].doc == {
        "matchers": ['alertname="CheckoutSlow"', 'endpoint="/pay"', 'team="payments"'],
        "author": "ann",
        "comment": "moving the database",
        "for": "2h",
    }


async def test_hostile_labels_are_text_on_every_page_and_come_back_whole(
    browser: Browser, console: str, alerting: AlertingApi
):
    """Markup, quotes, backslashes and direction marks are shown, not run; the matcher made of them is the value."""
    nasty = alert("CheckoutSlow", now=now())
    nasty["labels"] = {"alertname": "CheckoutSlow", "path": HOSTILE, 'odd "name"': "x"}
    alerting.alerts = [nasty]
    words = {"kind": "silence", "by": "4f1c", "words": f"silenced by {HOSTILE}", "until": None}
    nasty["acknowledged"] = acknowledgement(nasty["id"], author=HOSTILE, comment=HOSTILE)
    alerting.accounts = {nasty["id"]: account(nasty, muted=words)}
    alerting.silences = [silence("4f1c", now=now(), author=HOSTILE, comment=HOSTILE, matchers=[HOSTILE])]
    for path in ("/alerts", f"/alerts/{nasty['id']}", "/silences"):
        async with open_page(browser, console + path) as seen:
            states = await seen.panels()
            assert set(states.values()) <= {"ok", "empty"}, path
            assert "<img src=x" in await seen.page.locator("main").inner_text(), path
            assert await seen.page.locator("main img").count() == 0, path
            assert await seen.page.evaluate("window.owned") is None
            assert seen.complaints == []
    async with open_page(browser, f"{console}/alerts/{nasty['id']}") as seen:
        await seen.panels()
        await seen.page.get_by_role("link", name="Silence this alert").click()
        await seen.page.get_by_label("Your name").fill("ann")
        await seen.page.get_by_label("Comment").fill("no")
        await seen.page.get_by_role("button", name="Silence", exact=True).click()
        await seen.page.locator("[data-silence='made1']").wait_for(timeout=PATIENCE_MS)
    escaped = HOSTILE.replace("\\", "\\\\").replace('"', '\\"')
    assert alerting.changes[0].doc["matchers"] == [
        'alertname="CheckoutSlow"',
        f'path="{escaped}"',
        '"odd \\"name\\""="x"',
    ]


async def test_an_alert_is_taken_from_its_card_while_the_page_goes_on(
    browser: Browser, console: str, alerting: AlertingApi
):
    """What is being typed survives that the page is drawn anew, letter and place; then the card says who has it."""
    alerting.alerts = [alert("CheckoutSlow", now=now())]
    async with open_page(browser, f"{console}/alerts") as seen:
        await seen.panels()
        await seen.page.get_by_role("button", name="Acknowledge").click()
        await expect(seen.page.get_by_label("Your name")).to_be_focused(timeout=PATIENCE_MS)
        await seen.page.keyboard.type("anX")
        async with seen.page.expect_response(LISTED, timeout=PATIENCE_MS):
            pass
        await seen.page.keyboard.press("ArrowLeft")
        async with seen.page.expect_response(LISTED, timeout=PATIENCE_MS):
            pass
        await seen.page.keyboard.press("Delete")
        await seen.page.keyboard.type("n")
        await seen.page.get_by_label("Comment").fill("on it")
        await seen.page.keyboard.press("Enter")
        card = seen.page.locator("[data-alert='CheckoutSlow']")
        await card.get_by_text("ann has it").wait_for(timeout=PATIENCE_MS)
        assert "acknowledged" in await card.inner_text()
        assert seen.complaints == []
    (made,) = alerting.changes
    assert (made.path, made.doc) == (
        "/api/v1/alerts/9f2c4a5b6d7e8f90/acknowledgement",
        {"author": "ann", "comment": "on it"},
    )


async def test_an_alert_is_given_back_where_it_explains_itself(browser: Browser, console: str, alerting: AlertingApi):
    """It asks once more, since people are paged again; what alerting refuses stands beside the button."""
    told = alert("CheckoutSlow", now=now())
    told["acknowledged"] = acknowledgement(told["id"], comment="on it", now=now())
    alerting.accounts = {told["id"]: account(told)}
    async with open_page(browser, f"{console}/alerts/{told['id']}") as seen:
        await seen.panels()
        await seen.page.get_by_text("ann has it").wait_for(timeout=PATIENCE_MS)
        await seen.page.get_by_role("button", name="Give back").click()
        assert alerting.changes == []
        await seen.page.get_by_role("button", name="Give it back").click()
        await seen.page.get_by_role("button", name="Acknowledge").click()
        alerting.refusal = "author is longer than 1000 characters"
        await seen.page.get_by_label("Your name").fill("bob")
        await seen.page.keyboard.press("Enter")
        await seen.page.get_by_role("alert").get_by_text("author is longer").wait_for(timeout=PATIENCE_MS)
    assert [one.method for one in alerting.changes] == ["DELETE", "POST"]


async def test_a_silence_in_force_is_changed(browser: Browser, console: str, alerting: AlertingApi):
    """Its matchers, its end and its comment are filled in; what is sent names it and leaves its beginning alone."""
    alerting.silences = [silence("4f1c", now=now())]
    until = alerting.silences[0]["ends_at"]
    async with open_page(browser, f"{console}/silences", timezone_id="Asia/Kolkata") as seen:
        await seen.panels()
        await seen.page.get_by_role("link", name="Change").click()
        await seen.page.get_by_role("heading", name="Change a silence").wait_for(timeout=PATIENCE_MS)
        await seen.page.get_by_label("Your name").fill("bob")
        await seen.page.get_by_label("Comment").fill("still moving")
        await seen.page.get_by_role("button", name="Change it").click()
        await seen.page.get_by_role("heading", name="New silence").wait_for(timeout=PATIENCE_MS)
    doc = alerting.changes[0].doc
    moved = datetime.fromisoformat(until) - datetime.fromisoformat(doc.pop("ends_at"))
    assert 0 <= moved.total_seconds() < 1
    assert doc == {"id": "4f1c", "matchers": ['endpoint="/pay"'], "author": "bob", "comment": "still moving"}


async def test_ending_a_silence_asks_once_more_and_keeps_the_keyboards_place(
    browser: Browser, console: str, alerting: AlertingApi
):
    """By keyboard alone: Enter on End, the page draws itself anew, Enter again ends it; it stands among the past."""
    alerting.silences = [silence("4f1c", now=now())]
    async with open_page(browser, f"{console}/silences") as seen:
        await seen.panels()
        await seen.page.get_by_role("button", name="End", exact=True).focus()
        await seen.page.keyboard.press("Enter")
        sure = seen.page.get_by_role("button", name="End it now")
        await expect(sure).to_be_focused(timeout=PATIENCE_MS)
        assert alerting.changes == []
        alerting.silences[0]["comment"] = "said anew"
        await seen.page.get_by_text("said anew").wait_for(timeout=PATIENCE_MS)
        await expect(sure).to_be_focused(timeout=PATIENCE_MS)
        await seen.page.keyboard.press("Enter")
        await seen.page.get_by_text("No silence is in force or to come").wait_for(timeout=PATIENCE_MS)
        await seen.page.get_by_text("1 that ended").wait_for(timeout=PATIENCE_MS)
    assert [(one.method, one.path) for one in alerting.changes] == [("DELETE", "/api/v1/silences/4f1c")]


async def test_what_alerting_refuses_is_said_in_its_words_and_nothing_is_lost(
    browser: Browser, console: str, alerting: AlertingApi
):
    """The sentence stands under the form, which keeps what was typed."""
    alerting.refusal = "matchers: 'x' is not a regular expression of RE2"
    matcher = urlencode({"matcher": 'team=~"web|shop"'})
    async with open_page(browser, f"{console}/silences?{matcher}") as seen:
        await seen.panels()
        await seen.page.get_by_label("Your name").fill("ann")
        await seen.page.get_by_label("Comment").fill("moving")
        await seen.page.get_by_role("button", name="Silence", exact=True).click()
        await (
            seen.page.get_by_role("alert")
            .get_by_text("is not a regular expression of RE2")
            .wait_for(timeout=PATIENCE_MS)
        )
        assert await seen.page.get_by_label("Comment").input_value() == "moving"
        assert await seen.page.get_by_label("Operator").input_value() == "=~"


async def test_a_console_that_changes_nothing_offers_nothing(browser: Browser, alerting: AlertingApi):
    """No form and no button, and the reason with the other way to do it."""
    alerting.silences = [silence("4f1c", now=now())]
    config = ConsoleConfig(changes="nobody")
    async with (
        running_console(config, alerting_url=alerting.url) as url,
        open_page(browser, f"{url}/silences") as seen,
    ):
        await seen.panels()
        await seen.page.get_by_text("this console changes nothing").wait_for(timeout=PATIENCE_MS)
        await seen.page.locator("[data-silence='4f1c']").wait_for(timeout=PATIENCE_MS)
        assert await seen.page.get_by_role("button").count() == 0


async def test_an_alert_explains_itself(browser: Browser, console: str, alerting: AlertingApi):
    """Verdict, samples with their thresholds, route, incident, what was heard, the mute, the messages, the history."""
    told = alert("CheckoutSlow", now=now())
    words = {"kind": "silence", "by": "4f1c", "words": "silenced by ann until noon: moving", "until": None}
    told["incidents"][0]["muted"] = words
    alerting.alerts = [told]
    alerting.accounts = {told["id"]: account(told, muted=words)}
    async with open_page(browser, f"{console}/alerts") as seen:
        await seen.panels()
        card = seen.page.locator("[data-alert='CheckoutSlow']")
        assert "oncall: silenced by ann until noon: moving" in await card.inner_text()
        await card.get_by_role("link", name="CheckoutSlow").click()
        states = await seen.panels()
        assert set(states.values()) == {"ok"}
        text = await seen.page.locator("main").inner_text()
        for part in (
            "hears no news: silenced by ann",
            "912.5 > 800 since 1m",
            'team="payments" → oncall',
            "firing, critical",
            "pagerduty[0]",
            "fired",
            "SELECT percentile",
        ):
            assert part in text, part
        picture = seen.page.get_by_role("img", name="2 datapoints, the newest 912.5; warning at 300, critical at 800")
        await expect(picture).to_be_visible(timeout=PATIENCE_MS)
        assert await picture.locator("polyline").count() == 2
        await seen.page.get_by_text("3 datapoints").click()
        assert "no data" in await seen.page.locator(".samples-figure").inner_text()
        assert seen.complaints == []


async def test_an_alert_that_is_not_there_is_said_to_be_so(browser: Browser, console: str):
    """The sentence of the alerting API, not an empty page."""
    async with open_page(browser, f"{console}/alerts/beef") as seen:
        await seen.panels()
        await seen.page.get_by_text("there is no such alert").wait_for(timeout=PATIENCE_MS)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
async def test_the_pages_fit_light_and_a_phone(
    browser: Browser, console: str, alerting: AlertingApi, scheme: str, width: int
):
    """No page is wider than the screen, with a label as long as they come."""
    told = alert("CheckoutSlow", now=now())
    told["labels"]["path"] = "x" * 300
    alerting.alerts = [told]
    alerting.accounts = {told["id"]: account(told)}
    alerting.silences = [silence("4f1c", now=now(), comment="y" * 300, matchers=[f'path="{"x" * 300}"'])]
    for path, name in (("/silences", "silences"), (f"/alerts/{told['id']}", "account"), ("/alerts", "alerts")):
        async with open_page(browser, console + path, color_scheme=scheme) as seen:
            await seen.page.set_viewport_size({"width": width, "height": 844})
            await seen.panels()
            await seen.keep(f"{name}-{scheme}-{width}")
            assert await seen.page.evaluate("document.documentElement.scrollWidth") <= width, path
