"""The whole product as responders meet it: `tocsin up`, readings over HTTP, and receivers at the other end."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from tests.fakes.pagerduty import FakePagerDuty
from tests.fakes.polling import until
from tests.fakes.process import ROOT, Running, start, tocsin
from tests.fakes.service import Hang
from tests.fakes.slack import FakeSlack
from tests.fakes.smtp import FakeSmtp

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

CONFIG = """
collector: {tokens: open}
store: {kind: embedded}
alerting: {rules: [rules.yml], notify: notify.yml}
"""
RULES = """
rules:
  - alert: Slow
    query: SELECT last(duration_ms) FROM http_request GROUP BY endpoint
    over: 60s
    every: 1s
    warn: "> 300"
    critical: "> 800"
    summary: "{{ labels.endpoint }}: {{ value | ms }}"
"""
NOTIFY = """
receivers:
  - name: oncall
    pagerduty: [{{routing_key: {key}, url: '{pagerduty}'}}]
    slack: [{{webhook: '{slack}'}}]
    email: [{{to: ops@example.org, smtp: 'smtp://127.0.0.1:{smtp}'}}]
route: {{receiver: oncall, group_interval: 1s}}
"""


@dataclass
class Shop:
    """A running Tocsin and the people it can reach."""

    pagerduty: FakePagerDuty
    slack: FakeSlack
    smtp: FakeSmtp
    folder: Path
    running: Running
    http: aiohttp.ClientSession

    async def push(self, *lines: str) -> None:
        url = f"{self.running.url('collector')}/api/v2/write?bucket=telemetry"
        async with self.http.post(url, data="\n".join(lines).encode()) as answer:
            assert answer.status == 204

    async def duration(self, endpoint: str, ms: int) -> None:
        await self.push(f"http_request,endpoint={endpoint} duration_ms={ms}")

    async def told(self, count: int) -> None:
        """Return when everybody was told so often."""

        def counts() -> bool:
            return len(self.pagerduty.events) == len(self.slack.messages) == len(self.smtp.mails) == count

        await until(counts, seconds=20, what=f"{count} messages to everybody")

    async def command(self, *words: str) -> tuple[int, str]:
        """`tocsin WORDS` beside the running one: exit code and output."""
        process = await asyncio.create_subprocess_exec(
            *tocsin(words[0], "--config", str(self.folder / "tocsin.yml"), *words[1:]),
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "TOCSIN_STATE": str(self.folder / "var")},
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
        return process.returncode or 0, output.decode()

    async def silenced_alert(self) -> str:
        """The id of an open alert that somebody is not told of; empty while there is none."""
        async with self.http.get(f"{self.running.url('alerting')}/api/v1/alerts?state=firing") as answer:
            alerts = (await answer.json())["alerts"]
        return next((str(one["id"]) for one in alerts if any(held["muted"] for held in one["incidents"])), "")

    async def pull_the_plug(self) -> None:
        """SIGKILL, and start again over the same state."""
        await asyncio.to_thread(self.running.kill)
        (self.folder / "var" / "listen.json").unlink(missing_ok=True)
        self.running = up(self.folder)
        await self.running.ready("collector", "alerting")


def up(folder: Path) -> Running:
    return start(tocsin("up", "--config", str(folder / "tocsin.yml")), folder / "var")


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with AsyncExitStack() as stack:
        pagerduty = await stack.enter_async_context(FakePagerDuty())
        slack = await stack.enter_async_context(FakeSlack())
        smtp = await stack.enter_async_context(FakeSmtp())
        http = await stack.enter_async_context(aiohttp.ClientSession())
        notify = NOTIFY.format(key="k" * 32, pagerduty=pagerduty.url, slack=slack.url, smtp=smtp.port)
        for name, text in (("tocsin.yml", CONFIG), ("rules.yml", RULES), ("notify.yml", notify)):
            (tmp_path / name).write_text(text)
        shop = Shop(pagerduty, slack, smtp, tmp_path, up(tmp_path), http)
        try:
            await shop.running.ready("collector", "alerting")
            yield shop
        finally:
            shop.running.end()


async def test_an_incident_from_warning_to_all_clear(shop: Shop) -> None:
    """Warning, critical, warning, over: one incident, told in order to everybody; a new breach is a new incident."""
    for number, duration_ms in enumerate((400, 900, 400, 100, 900), start=1):
        await shop.duration("/pay", duration_ms)
        await shop.told(number)
    told = [(event["event_action"], event["payload"]["severity"]) for event in shop.pagerduty.events]
    assert told == [
        ("trigger", "warning"),
        ("trigger", "critical"),
        ("trigger", "warning"),
        ("resolve", "warning"),
        ("trigger", "critical"),
    ]
    assert [len(incident.events) for incident in shop.pagerduty.incidents] == [4, 1]
    subjects = [str(mail["Subject"]) for mail in shop.smtp.mails]
    assert subjects == [
        "[WARNING] /pay: 400 ms",
        "[CRITICAL] /pay: 900 ms",
        "[WARNING] /pay: 400 ms",
        "[RESOLVED] /pay: 100 ms",
        "[CRITICAL] /pay: 900 ms",
    ]
    for subject, message in zip(subjects, shop.slack.messages, strict=True):
        assert subject in message["text"]
    assert "value: 900 &gt; 800" in shop.slack.messages[1]["text"]


async def test_a_storm_is_one_page_that_counts_all(shop: Shop) -> None:
    """Two thousand series that break at once are one incident; the page lists some of them and counts all."""
    await shop.push(*(f"http_request,endpoint=/e{number} duration_ms=900" for number in range(2_000)))
    await shop.told(1)
    assert shop.pagerduty.events[0]["payload"]["custom_details"]["firing"] == 2_000
    assert str(shop.smtp.mails[0]["Subject"]).endswith("(and 1999 more)")
    assert "... and 1980 more alerts." in shop.slack.messages[0]["text"]
    await shop.push(*(f"http_request,endpoint=/e{number} duration_ms=100" for number in range(2_000)))
    await until(lambda: not shop.pagerduty.opened(), seconds=20, what="the all-clear")
    assert len(shop.pagerduty.incidents) == 1


async def test_a_pager_that_hangs_is_called_off_after_a_kill(shop: Shop) -> None:
    """It took the page and never answered, the process died, all is well again: the page must not stay open."""
    shop.pagerduty.misbehave_always(Hang())
    await shop.duration("/pay", 900)
    await until(lambda: shop.pagerduty.requests and shop.smtp.mails and shop.slack.messages, seconds=20, what="a page")
    await shop.duration("/pay", 100)
    await until(lambda: len(shop.slack.messages) == len(shop.smtp.mails) == 2, seconds=20, what="the all-clear")
    shop.pagerduty.misbehave_always(None)
    await shop.pull_the_plug()
    await until(lambda: shop.pagerduty.events, seconds=20, what="the resolve")
    assert [event["event_action"] for event in shop.pagerduty.events] == ["resolve"]
    assert shop.pagerduty.opened() == []
    assert len(shop.slack.messages) == len(shop.smtp.mails) == 2


async def test_a_silence_from_the_command_line(shop: Shop) -> None:
    """What is silenced pages nobody and says so when asked; when the silence is ended, it pages at once."""
    code, said = await shop.command("silence", "add", 'endpoint="/pay"', "--for", "1h", "--comment", "moving", "--json")
    silence = json.loads(said)
    assert (code, silence["phase"]) == (0, "active")
    assert silence["id"] in (await shop.command("silence", "list"))[1]
    await shop.duration("/pay", 900)
    await shop.duration("/cart", 900)
    await shop.told(1)
    assert shop.pagerduty.events[0]["payload"]["summary"] == "/cart: 900 ms"
    alert_id = await until(shop.silenced_alert, seconds=20, what="the silenced alert")
    code, said = await shop.command("explain", "alert", alert_id)
    assert code == 0
    assert "oncall is not told: silenced by " in said
    assert ": moving" in said
    assert (await shop.command("silence", "expire", silence["id"]))[0] == 0
    await shop.told(2)
    assert (await shop.command("silence", "list"))[1].strip() == "no silence is in force or to come"
    assert (await shop.command("silence", "expire", "nobody"))[0] == 1
