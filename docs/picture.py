"""Takes the pictures of README and docs: a filled board, the page of silences, a mail and a message of Slack.

`make docs` runs it. It starts the demo on free ports, breaks its shop, and tells receivers that stand in for a mail
server and for Slack; it needs Chromium, and what the tests use to start the product and the browser.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).parents[1]))

import aiohttp
from message_pictures import take_mail, take_slack
from playwright.async_api import Browser

from tests.fakes.browser import open_page, running_browser
from tests.fakes.polling import until
from tests.fakes.process import Running, start, tocsin
from tests.fakes.slack import FakeSlackApi
from tests.fakes.smtp import FakeSmtp

BOARD = "tocsin-red"
FOLDER = Path(__file__).parent
TOKEN = "xoxb-123-token"  # noqa: S105 - of a Slack that is not one
NOTIFY = """\
receivers:
  - name: on-call
    slack: [{{token: {token}, channel: "#alerts", api_url: "{slack}"}}]
    email: [{{to: ops@example.org, smtp: "smtp://127.0.0.1:{smtp}"}}]
route: {{receiver: on-call, group_by: [alertname]}}
"""
SILENCES = (
    ('alertname="StockLow"', "6h", "Ben", "stocktaking"),
    ('site="lab"', "2h", "Ann", "new sensors go in; they talk nonsense till noon"),
)
OPEN_ALERT = {"matcher": 'alertname="FeatureSlow"', "comment": "rolling back the release"}
PATIENCE_S = 240


@dataclass(frozen=True, slots=True)
class Demo:
    """The running demo and whom it tells."""

    running: Running
    chat: FakeSlackApi
    smtp: FakeSmtp
    http: aiohttp.ClientSession

    async def ask(self, method: str, path: str, doc: object = None) -> Any:
        """The alerting API's answer."""
        url = f"{self.running.url('alerting')}/api/v1/{path}"
        async with self.http.request(method, url, json=doc) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def incident(self) -> str:
        """The incident of the shop, once it is open; empty before."""
        alerts = (await self.ask("GET", "alerts?state=firing&rule=FeatureSlow"))["alerts"]
        return str(alerts[0]["incidents"][0]["id"]) if alerts else ""

    def mail(self) -> EmailMessage | None:
        """The mail about it."""
        return next((mail for mail in self.smtp.mails if "is slow" in str(mail["Subject"])), None)

    async def taken(self) -> dict[str, Any] | None:
        """What Slack shows about it once all of it is in somebody's hand: alerts that join it are taken, too."""
        said = [one for one in self.chat.channel.values() if "is slow" in one["text"]]
        shown = next((one for one in said if "ACKNOWLEDGED" in one["text"]), None)
        if shown is None:
            words = {"author": "Ann", "comment": OPEN_ALERT["comment"]}
            await self.ask("POST", f"alerts/{await self.incident()}/acknowledgement", words)
            await asyncio.sleep(2)
        return shown


@contextlib.asynccontextmanager
async def demo(folder: Path) -> AsyncIterator[Demo]:
    """The demo, with a notify file of our own."""
    notify = folder / "notify.yml"
    async with FakeSlackApi(TOKEN) as chat, FakeSmtp() as smtp, aiohttp.ClientSession() as http:
        notify.write_text(NOTIFY.format(token=TOKEN, slack=chat.api_url, smtp=smtp.port))
        running = start(tocsin("up", "--demo"), folder / "state", env={"TOCSIN_ALERTING_NOTIFY": str(notify)})
        try:
            await running.ready("collector", "alerting", "console", "demo")
            yield Demo(running, chat, smtp, http)
        finally:
            running.interrupt()


async def take_board(it: Demo, browser: Browser) -> None:
    """A board, once the demo has a past and every panel has data."""
    async with open_page(browser, f"{it.running.url('console')}/boards/{BOARD}") as seen:

        async def filled() -> bool:
            past = "the demo has a past" in it.running.log.read_text()
            return past and set((await seen.panels()).values()) == {"ok"}

        await until(filled, seconds=60, what="every panel to have data")
        await seen.page.reload()
        await until(filled, seconds=60, what="the board to be drawn again")
        await seen.page.screenshot(path=FOLDER / "console.png", full_page=False)


async def take_silences(it: Demo, browser: Browser) -> None:
    """The page with two silences in force, and one about to be made for the alert that is open."""
    for matcher, span, author, comment in SILENCES:
        wish = {"matchers": [matcher], "for": span, "author": author, "comment": comment}
        await it.ask("POST", "silences", wish)
    url = f"{it.running.url('console')}/silences?{urlencode(OPEN_ALERT)}"
    async with open_page(browser, url) as seen:
        await seen.page.set_viewport_size({"width": 1280, "height": 720})
        await seen.panels()
        await seen.page.get_by_label("Your name").fill("Ann")
        await seen.page.get_by_text("open alerts:").wait_for()
        await seen.page.screenshot(path=FOLDER / "silences.png", full_page=False)


async def take_all(folder: Path) -> None:
    """Run the demo in `folder` and keep every picture."""
    async with demo(folder) as it, running_browser() as browser:
        await take_board(it, browser)
        fault = start(tocsin("demo", "fault", "latency", "--for", "10m"), folder / "state")
        await asyncio.to_thread(fault.process.wait)
        await until(it.incident, seconds=PATIENCE_S, what="the shop's alert")
        mail = await until(it.mail, seconds=PATIENCE_S, what="the mail about it")
        await take_silences(it, browser)
        message = await until(it.taken, seconds=PATIENCE_S, what="Slack to say who has it")
        await take_mail(browser, mail, FOLDER / "email.png")
        await take_slack(browser, message, FOLDER / "slack.png")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        asyncio.run(take_all(Path(scratch)))
