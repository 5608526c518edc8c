"""Every page, dark and light, is open to people who see, hear or point differently: axe finds nothing serious."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.console.running import running_console
from tests.console.test_entrance import ASKING
from tests.fakes.alerting_api import AlertingApi, account, alert, running_alerting_api, silence, transition
from tests.fakes.browser import open_page

pytestmark = [pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def console() -> AsyncIterator[str]:
    """A console with an alert, a silence and some history."""
    async with running_alerting_api() as api:
        fill(api)
        async with running_console(alerting_url=api.url) as url:
            yield url


def fill(api: AlertingApi) -> None:
    """One of everything that the pages list."""
    api.alerts = [alert("CheckoutSlow")]
    api.accounts = {"9f2c": account(alert("CheckoutSlow"))}
    api.silences = [silence("4f1c"), silence("5a2d", phase="expired")]
    api.history = [transition("CheckoutSlow", "fired", "firing", at=datetime(2026, 1, 1, tzinfo=UTC))]


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("path", ["/", "/alerts", "/alerts/9f2c", "/silences", "/boards/tocsin-red"])
async def test_no_page_keeps_anybody_out(
    browser: Browser, console: str, path: str, scheme: Literal["dark", "light"]
) -> None:
    """Contrast, names of controls, order of headings, what a screen reader is told."""
    async with open_page(browser, f"{console}{path}", color_scheme=scheme) as seen:
        await seen.panels()
        assert await seen.barriers() == []


@pytest.mark.parametrize("scheme", ["dark", "light"])
async def test_nor_does_the_sign_in(browser: Browser, scheme: Literal["dark", "light"]) -> None:
    """The page in front of all others."""
    async with running_console(ASKING) as url, open_page(browser, f"{url}/sign-in", color_scheme=scheme) as seen:
        assert await seen.barriers() == []
