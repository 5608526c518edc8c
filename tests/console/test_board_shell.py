"""Around the panels of a board: its time range, the keyboard, and the view for a wall. Nothing stands behind it."""

import re
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.console.running import running_console
from tests.fakes.browser import open_page, running_browser

LATE_MS = 45_000
HOUR_MS = 3_600_000

pytestmark = [pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def board() -> AsyncIterator[Page]:
    """The board of response times."""
    async with running_browser() as browser, running_console() as url, open_page(browser, f"{url}/alerts") as seen:
        yield seen.page


async def opened(page: Page, query: str) -> Page:
    """The board at this range, once it has its controls."""
    await page.goto(f"{page.url.split('/alerts')[0].split('/boards')[0]}/boards/tocsin-red?{query}")
    await expect(page).to_have_url(re.compile("refresh="), timeout=LATE_MS)
    return page


def span_of(page: Page) -> tuple[int, int]:
    """The absolute range in the address."""
    found = parse_qs(urlsplit(page.url).query)
    return int(found["from"][0]), int(found["to"][0])


async def test_two_moments_of_one_s_own(board: Page) -> None:
    """Typed, shown, and in the address so that they can be sent to somebody; the end is behind the beginning."""
    page = await opened(board, "from=now-1h&to=now")
    await page.get_by_label("Time range").click()
    await page.get_by_label("From").fill("2026-01-02T10:00:00")
    await page.get_by_label("To", exact=True).fill("2026-01-02T09:00:00")
    await page.get_by_role("button", name="Show").click()
    assert "now-1h" in page.url
    await page.get_by_label("To", exact=True).fill("2026-01-02T12:00:00")
    await page.get_by_role("button", name="Show").click()
    await expect(page).to_have_url(re.compile(r"from=\d{13}&to=\d{13}"), timeout=LATE_MS)
    first, last = span_of(page)
    assert last - first == 2 * HOUR_MS
    await expect(page.get_by_label("Time range")).to_contain_text("2 Jan", timeout=LATE_MS)


async def test_steps_back_forward_and_out(board: Page) -> None:
    """Half a range at a time; zooming out doubles it around its middle, and a live one into the past."""
    page = await opened(board, f"from={10 * HOUR_MS}&to={12 * HOUR_MS}")
    for button, expected in (("Earlier", (9, 11)), ("Later", (10, 12)), ("Zoom out", (9, 13))):
        await page.get_by_role("button", name=button).click()
        first, last = (hours * HOUR_MS for hours in expected)
        await expect(page).to_have_url(re.compile(f"from={first}&to={last}&"), timeout=LATE_MS)
    page = await opened(board, "from=now-1h&to=now")
    await page.get_by_role("button", name="Zoom out").click()
    await expect(page).to_have_url(re.compile("from=now-7200s&to=now"), timeout=LATE_MS)


async def test_later_than_now_is_live_again(board: Page) -> None:
    """Who looked back comes back to what goes on."""
    page = await opened(board, "from=now-1h&to=now")
    await page.keyboard.press("[")
    await expect(page).to_have_url(re.compile(r"from=\d{13}&to=\d{13}"), timeout=LATE_MS)
    await page.keyboard.press("]")
    await expect(page).to_have_url(re.compile("from=now-3600s&to=now"), timeout=LATE_MS)


async def test_the_keyboard_is_told_and_does_nothing_while_somebody_types(board: Page) -> None:
    """`?` shows what there is; a letter in a field is a letter."""
    page = await opened(board, "from=now-1h&to=now")
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_contain_text("Zoom out", timeout=LATE_MS)
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0, timeout=LATE_MS)
    await page.get_by_label("Time range").click()
    await page.get_by_label("From").press("k")
    assert "kiosk" not in page.url


async def test_what_a_panel_is_about_is_read_with_the_keyboard_and_a_finger(board: Page) -> None:
    """Its sign opens the words and Escape closes them: who has no pointer to hover with reads them, too."""
    page = await opened(board, "from=now-1h&to=now")
    sign = page.get_by_role("button", name="About Errors: ")
    words = page.get_by_text("Share of all requests of the range that failed.")
    await expect(words).to_be_hidden(timeout=LATE_MS)
    await sign.focus()
    await page.keyboard.press("Enter")
    await expect(words).to_be_visible(timeout=LATE_MS)
    await page.keyboard.press("Escape")
    await expect(words).to_be_hidden(timeout=LATE_MS)


async def test_on_a_wall_there_are_panels_alone(board: Page) -> None:
    """By a key, and by the address for a screen that nobody touches."""
    page = await opened(board, "from=now-1h&to=now")
    await page.keyboard.press("k")
    await expect(page.locator("#top")).to_be_hidden(timeout=LATE_MS)
    assert "kiosk=" in page.url
    page = await opened(board, "from=now-1h&to=now&kiosk")
    await expect(page.locator("#top")).to_be_hidden(timeout=LATE_MS)
    await page.keyboard.press("k")
    await expect(page.locator("#top")).to_be_visible(timeout=LATE_MS)
