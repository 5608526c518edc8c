"""Signing in as people do it: real Chromium, a console with a password."""

import pytest
from playwright.async_api import Browser, expect

from tests.console.running import running_console
from tests.console.test_entrance import ASKING, PASSWORD
from tests.fakes.alerting_api import running_alerting_api
from tests.fakes.browser import ARTIFACTS, open_page

LATE_MS = 45_000

pytestmark = [pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]


async def test_a_link_leads_through_the_sign_in_to_where_it_pointed(browser: Browser) -> None:
    """A wrong password is told; the right one opens the page; signing out closes it again."""
    async with (
        running_alerting_api() as api,
        running_console(ASKING, alerting_url=api.url) as url,
        open_page(browser, f"{url}/silences") as seen,
    ):
        page = seen.page
        await expect(page).to_have_url(f"{url}/sign-in?to=/silences", timeout=LATE_MS)
        await page.get_by_label("Your name").fill("ann")
        await page.get_by_label("Password").fill("guessed")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_have_text("that is not the password", timeout=LATE_MS)
        await page.screenshot(path=ARTIFACTS / "sign-in.png")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(f"{url}/silences", timeout=LATE_MS)
        await expect(page.locator(".who")).to_contain_text("ann", timeout=LATE_MS)
        assert [one for one in seen.complaints if "401" not in one] == []
        await page.get_by_role("button", name="Sign out").click()
        await expect(page).to_have_url(f"{url}/sign-in", timeout=LATE_MS)
        await page.goto(f"{url}/alerts")
        await expect(page).to_have_url(f"{url}/sign-in?to=/alerts", timeout=LATE_MS)


async def test_the_sign_in_leads_to_pages_of_the_console_alone(browser: Browser) -> None:
    """A link with somebody else's address as its destination ends on the first page."""
    async with running_alerting_api() as api, running_console(ASKING, alerting_url=api.url) as url:
        elsewheres = ("//evil.example/x", "https://evil.example/", "/\\evil.example", "javascript:alert(1)")
        for elsewhere in (*elsewheres, "/..//evil.example/", f"blob:{url}/x"):
            async with open_page(browser, f"{url}/sign-in?to={elsewhere}") as seen:
                await seen.page.get_by_label("Password").fill(PASSWORD)
                await seen.page.keyboard.press("Enter")
                await expect(seen.page).to_have_url(f"{url}/", timeout=LATE_MS)
