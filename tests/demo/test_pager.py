"""The demo's pager takes what PagerDuty and Slack take, keeps it, and shows it without being fooled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
import pytest

from alerting.notify.contract import AlertView, Message, Status
from alerting.notify.pagerduty import PagerDuty, PagerDutyConfig
from alerting.notify.plugin import Deps
from alerting.notify.slack import Slack, SlackConfig
from demo.pager import Pager
from foundation.secret import Secret
from foundation.web import Address, Site
from tests.fakes.clock import ManualClock

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def url(clock: ManualClock) -> AsyncIterator[str]:
    site = Site(Pager(clock).app(), Address("127.0.0.1", 0))
    yield (await site.start()).url
    await site.stop()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_pages_of_both_services_are_kept_newest_first(url: str, http: aiohttp.ClientSession) -> None:
    """What our own notifiers send arrives: a trigger by PagerDuty, then a message by Slack."""
    view = AlertView(labels={"alertname": "X"}, status=Status.FIRING, value=1.0, since=NOW, summary="it <b>burns</b>")
    message = Message(
        incident="1f2e",
        receiver="r",
        status=Status.FIRING,
        severity="critical",
        group_labels={},
        alerts=(view,),
        decided_at=NOW,
    )
    pagerduty = PagerDuty(PagerDutyConfig(routing_key=Secret("k" * 32), url=f"{url}/v2/enqueue"), Deps())
    slack = Slack(SlackConfig(webhook=Secret(f"{url}/slack")), Deps())
    for notifier in (pagerduty, slack):
        await notifier.send(message, now=NOW)
        await notifier.close()

    async with http.get(f"{url}/pages") as answer:
        pages = await answer.json()
    assert [(page["service"], page["action"]) for page in pages] == [("slack", "message"), ("pagerduty", "trigger")]
    assert pages[1]["summary"] == "it <b>burns</b>"
    assert pages[1]["incident"] == "1f2e"
    async with http.get(url) as answer:
        shown = await answer.text()
    assert "<b>burns" not in shown
    assert "it &lt;b&gt;burns&lt;/b&gt;" in shown


@pytest.mark.parametrize(
    ("path", "body"), [("/v2/enqueue", "{}"), ("/v2/enqueue", "["), ("/slack", "{}"), ("/slack", "3")]
)
async def test_what_is_no_page_is_refused(url: str, http: aiohttp.ClientSession, path: str, body: str) -> None:
    """A body without an action or text is 400 and is not kept."""
    async with http.post(f"{url}{path}", data=body) as answer:
        assert answer.status == 400
    async with http.get(f"{url}/pages") as answer:
        assert await answer.json() == []
