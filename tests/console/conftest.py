"""What the tests of pages share: a browser and an alerting API under the test's hand."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser

from tests.fakes.alerting_api import AlertingApi, running_alerting_api
from tests.fakes.browser import running_browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One headless Chromium for all tests of a file; each gets a profile of its own."""
    async with running_browser() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def alerting() -> AsyncIterator[AlertingApi]:
    """An alerting API under the test's hand."""
    async with running_alerting_api() as api:
        yield api
