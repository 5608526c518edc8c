"""The machine's own Chromium for tests that look at pages as people do, and how a page is asked whether it is done."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

HOW = "the Debian package chromium provides it"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts"
"""Where screenshots are kept for people to look at; not in git."""
LATE_MS = 45_000
"""How late a page may be on a busy machine."""

_STATES = """() => {
  const panels = [...document.querySelectorAll('[data-panel-id]')];
  const isBusy = document.querySelector('.sections')?.getAttribute('aria-busy') === 'true';
  if (isBusy || !panels.length || panels.some((panel) => panel.dataset.state === 'loading')) return null;
  return Object.fromEntries(
    panels.map((panel) => [panel.querySelector('h2')?.textContent || panel.dataset.panelId, panel.dataset.state]));
}"""
"""Null while any panel is loading, or more may come that are repeated for the values of a variable."""


def find_browser() -> str | None:
    """The path of Chromium, where it is here."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def require_browser() -> str:
    """The path of Chromium. Where it is absent the test skips, or fails under TOCSIN_REQUIRE_SERVERS=1."""
    found = find_browser()
    if found is not None:
        return found
    reason = f"chromium is not here: {HOW}"
    if os.environ.get("TOCSIN_REQUIRE_SERVERS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@asynccontextmanager
async def running_browser() -> AsyncIterator[Browser]:
    """A headless Chromium that speaks to nobody by itself."""
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=require_browser(), args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def open_page(browser: Browser, url: str, **context: object) -> AsyncIterator["Seen"]:
    """The page at `url`, with everything that it complains about kept."""
    surroundings = await browser.new_context(viewport={"width": 1440, "height": 900}, **context)  # type: ignore[arg-type]  # Playwright's own keywords
    surroundings.set_default_timeout(LATE_MS)
    page = await surroundings.new_page()
    seen = Seen(page)
    await page.goto(url)
    try:
        yield seen
    finally:
        await surroundings.close()


class Seen:
    """A page and its complaints."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    async def panels(self) -> dict[str, str]:
        """Title (or id) of every panel and its state, once none is loading."""
        found = await self.page.wait_for_function(_STATES, timeout=LATE_MS)
        states: dict[str, str] = await found.json_value()
        return states

    async def barriers(self) -> list[str]:
        """What keeps people out who see, hear or point differently: serious and critical findings of axe."""
        found = (await Axe().run(self.page)).response["violations"]
        return [
            f"{one['id']}: {node['target']} {node['failureSummary'][:300]}"
            for one in found
            if one["impact"] in {"serious", "critical"}
            for node in one["nodes"]
        ]

    async def keep(self, name: str) -> Path:
        """A picture of the whole page under artifacts/."""
        ARTIFACTS.mkdir(exist_ok=True)
        path = ARTIFACTS / f"{name}.png"
        await self.page.wait_for_timeout(300)
        await self.page.screenshot(path=path, full_page=True)
        return path
