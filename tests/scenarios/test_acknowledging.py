"""An incident that somebody takes, as responders meet it: the page's own commands, a pager, a chat and mail."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.fakes.pagerduty import FakePagerDuty
from tests.fakes.polling import until
from tests.fakes.process import ROOT, Running, start, tocsin
from tests.fakes.slack import FakeSlackApi
from tests.fakes.smtp import FakeSmtp

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

PAGE = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "acknowledging.md").read_text(), re.DOTALL)
LIST, TAKE, EXPLAIN, GIVE_BACK, ASK = range(5)
CONFIG = "alerting: {rules: [rules.yml], notify: notify.yml}\ncollector: {tokens: open, host: {enabled: false}}\n"
RULES = """
rules:
  - alert: CheckoutSlow
    query: SELECT last(duration_ms) FROM http_request GROUP BY endpoint
    over: 10m
    every: 1s
    warn: "> 300"
    critical: "> 800"
    labels: {team: payments}
    summary: "{{ labels.endpoint }}: {{ value | ms }}"
"""
NOTIFY = """
receivers:
  - name: oncall
    pagerduty: [{{routing_key: {key}, url: '{pagerduty}'}}]
    slack: [{{token: {token}, channel: '#alerts', api_url: '{slack}'}}]
    email: [{{to: ops@example.org, smtp: 'smtp://127.0.0.1:{smtp}'}}]
route: {{receiver: oncall, group_interval: 1s}}
"""
TOKEN = "xoxb-123-token"


def up(folder: Path) -> Running:
    return start(tocsin("up", "--config", str(folder / "tocsin.yml")), folder / "var")


async def type_in(command: str, site: Running) -> tuple[int, str]:
    """A command of the page, told where alerting listens: exit code, and what it printed."""
    command = command.replace("127.0.0.1:9093", site.listening()["alerting"])
    process = await asyncio.create_subprocess_shell(
        re.sub(r"^tocsin", f"{shlex.quote(sys.executable)} -m tocsin", command, flags=re.MULTILINE),
        cwd=site.state.parent,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TOCSIN_STATE": str(site.state), "USER": "eve"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return await process.wait(), output.decode()


async def slow(site: Running, duration_ms: int) -> None:
    url = f"{site.url('collector')}/api/v2/write?bucket=telemetry"
    line = f"http_request,endpoint=/pay duration_ms={duration_ms}".encode()
    async with aiohttp.ClientSession() as http, http.post(url, data=line) as answer:
        assert answer.status == 204


async def marked(site: Running) -> bool:
    """Whether nothing waits: what was sent before the plug is pulled is not sent again after it."""
    url = f"{site.url('alerting')}/api/v1/status"
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return bool((await answer.json())["notifications"]["pending"] == 0)


async def test_the_pages_commands_do_what_the_page_says(tmp_path: Path) -> None:
    """A warning is taken, outlives the plug, is given back and taken again; then it turns critical and pages, once."""
    async with FakePagerDuty() as pager, FakeSlackApi(TOKEN) as chat, FakeSmtp() as smtp:
        notify = NOTIFY.format(key="k" * 32, pagerduty=pager.url, slack=chat.api_url, token=TOKEN, smtp=smtp.port)
        for name, text in (("tocsin.yml", CONFIG), ("rules.yml", RULES), ("notify.yml", notify)):
            (tmp_path / name).write_text(text)
        site = up(tmp_path)

        def did() -> list[str]:
            return [event["event_action"] for event in pager.events]

        async def done(*actions: str) -> None:
            await until(lambda: did() == list(actions), seconds=60, what=f"{actions} at the pager, not {did()}")

        async def shown(words: str) -> None:
            await until(lambda: words in str(list(chat.channel.values())), seconds=60, what=f"{words} in the chat")

        try:
            await site.ready("collector", "alerting")
            await slow(site, 400)
            await done("trigger")
            assert "c3c956e214d0de79  warning  /pay: 400 ms" in (await type_in(PAGE[LIST], site))[1]
            code, said = await type_in(PAGE[TAKE], site)
            assert (code, "ann has it: looking at the database" in said) == (0, True)
            await done("trigger", "acknowledge")
            await shown("Acknowledged by ann")
            await until(lambda: marked(site), seconds=60, what="all that was sent to be marked so")
            await asyncio.to_thread(site.kill)
            (site.state / "listen.json").unlink(missing_ok=True)
            site = up(tmp_path)
            await site.ready("collector", "alerting")
            assert "ann has it since" in (await type_in(PAGE[LIST], site))[1]
            explained = (await type_in(PAGE[EXPLAIN], site))[1]
            assert re.search(r"acknowledged by ann at .*: looking at the database, so nobody is reminded", explained)
            assert (await type_in(PAGE[GIVE_BACK], site))[0] == 0
            again = ("resolve", "trigger")
            await done("trigger", "acknowledge", *again)
            assert (await type_in(PAGE[GIVE_BACK], site))[0] == 1
            assert "HTTP/1.1 201" in (await type_in(PAGE[ASK], site))[1]
            await done("trigger", "acknowledge", *again, "acknowledge")
            await slow(site, 900)
            await done("trigger", "acknowledge", *again, "acknowledge", *again)
            await shown("[CRITICAL] /pay: 900 ms")
            await until(lambda: len(smtp.mails) == 2, seconds=60, what="a mail for the warning and one for the rise")
            assert "has it" not in (await type_in(PAGE[LIST], site))[1]
        finally:
            site.end()
        assert {one.dedup_key for one in pager.incidents} == {pager.incidents[0].dedup_key}
        assert [one.events[0]["payload"]["severity"] for one in pager.incidents] == ["warning", "warning", "critical"]
        assert (len(chat.channel), pager.refusals, chat.refusals) == (1, [], [])
