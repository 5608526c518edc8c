"""How long a person waits for a board: from the click to the last panel drawn, with nothing in the browser's cache.

The demo runs with the past that it makes for itself, in a process of its own, and headless Chromium opens each board a
few times, each time as somebody who was never there. What else the machine does only adds, so the best time counts
beside the usual one; the processor's time of the page itself hangs less on that. No load is measured before the newest
source of all, the host that the demo runs on, is drawn with values, and the panels that stay without any are counted.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from playwright.async_api import Browser, async_playwright

from benchmarks.contract import Skipped, Wish
from benchmarks.figures import Figure
from grafana.boards.catalog import BOARDS
from tests.fakes.browser import ARGUMENTS, HOW, find_browser
from tests.fakes.polling import until
from tests.fakes.process import start, tocsin

_GOAL = "< 1 s"
_PATIENCE_S = 120.0
_PATIENCE_MS = 60_000
_TIMES = 5
_FIRST = "tocsin-overview"
_NEWEST = "tocsin-host"
_FILLED = """() => {
  const states = [...document.querySelectorAll('[data-panel-id]')].map((panel) => panel.dataset.state);
  return states.length > 1 && states.every((state) => state === 'ok');
}"""
_DRAWN = """(() => {
  const look = () => {
    const panels = [...document.querySelectorAll('[data-panel-id]')];
    const isWhole = document.querySelector('.sections')?.getAttribute('aria-busy') === 'false';
    const isDrawn = isWhole && panels.every((panel) => panel.dataset.state !== 'loading');
    if (isDrawn) window.drawnAt ??= performance.now();
  };
  const what = { subtree: true, childList: true, attributes: true, attributeFilter: ['data-state', 'aria-busy'] };
  new MutationObserver(look).observe(document, what);
})()"""
"""Milliseconds since the navigation began, kept by the page when no panel is loading any more, and those are there that
are repeated for the values of a variable.
"""


@dataclass(frozen=True, slots=True)
class _Load:
    drawn_s: float
    cpu_s: float
    blank: int
    """Panels that were done and had nothing to show."""


def measure(wish: Wish) -> Iterator[Figure]:
    """Each board of the catalog; quickly: the first alone."""
    path = find_browser()
    if path is None:
        raise Skipped(f"chromium is not here: {HOW}")
    uids = [_FIRST] if wish.quick else list(BOARDS)
    loads = asyncio.run(_of_the_demo(path, uids, 2 if wish.quick else _TIMES))
    for uid, found in loads.items():
        yield Figure(f"first load of {uid}, best of {len(found)}", min(one.drawn_s for one in found), "s", _GOAL)
        yield Figure(f"first load of {uid}, median of {len(found)}", median(one.drawn_s for one in found), "s", _GOAL)
        yield Figure(f"the page's processor time for {uid}", min(one.cpu_s for one in found), "s")
        yield Figure(f"panels of {uid} without data", max(one.blank for one in found), "panels", "0")


async def _of_the_demo(path: str, uids: list[str], times: int) -> dict[str, list[_Load]]:
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        running = start(tocsin("up", "--demo"), Path(folder) / "state")
        try:
            await running.ready("collector", "alerting", "console", "demo")
            past = "the demo has a past"
            await until(lambda: past in running.log.read_text(encoding="utf-8"), seconds=_PATIENCE_S, what=past)
            async with async_playwright() as driver:
                browser = await driver.chromium.launch(executable_path=path, args=ARGUMENTS)
                url = running.url("console")
                await _filled(browser, f"{url}/boards/{_NEWEST}?refresh=5s")
                found = {uid: [await _load(browser, f"{url}/boards/{uid}") for _ in range(times)] for uid in uids}
                await browser.close()
        finally:
            running.end()
    return found


async def _filled(browser: Browser, url: str) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(url, wait_until="commit")
    await page.wait_for_function(_FILLED, timeout=_PATIENCE_MS)
    await context.close()


async def _load(browser: Browser, url: str) -> _Load:
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    page = await context.new_page()
    await page.add_init_script(_DRAWN)
    session = await context.new_cdp_session(page)
    await session.send("Performance.enable", {"timeDomain": "threadTicks"})
    await page.goto(url, wait_until="commit")
    await page.wait_for_function("() => window.drawnAt !== undefined", timeout=_PATIENCE_MS)
    drawn_ms = await page.evaluate("window.drawnAt")
    blank = await page.locator("[data-panel-id]:not([data-state='ok'])").count()
    metrics = (await session.send("Performance.getMetrics"))["metrics"]
    await context.close()
    (cpu_s,) = [one["value"] for one in metrics if one["name"] == "TaskDuration"]
    return _Load(drawn_ms / 1000, cpu_s, blank)
