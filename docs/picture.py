"""Takes the README's picture: starts the demo on free ports, waits for a filled board, keeps docs/console.png.

`make docs` runs it. It needs Chromium, and what the tests use to start the product and the browser.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.fakes.browser import open_page, running_browser
from tests.fakes.polling import until
from tests.fakes.process import start, tocsin

BOARD = "tocsin-red"
PICTURE = Path(__file__).with_name("console.png")


async def take(state: Path) -> None:
    """Run the demo in `state` until the board is filled, and keep a picture of it."""
    running = start(tocsin("up", "--demo"), state)
    try:
        await running.ready("collector", "alerting", "console", "demo")
        url = f"{running.url('console')}/boards/{BOARD}"
        async with running_browser() as browser, open_page(browser, url) as seen:

            async def filled() -> bool:
                past = "the demo has a past" in running.log.read_text()
                return past and set((await seen.panels()).values()) == {"ok"}

            await until(filled, seconds=60, what="every panel to have data")
            await seen.page.reload()
            await until(filled, seconds=60, what="the board to be drawn again")
            await seen.page.screenshot(path=PICTURE, full_page=False)
    finally:
        running.interrupt()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(take(Path(folder) / "state"))
