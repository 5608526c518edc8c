"""Dead letters as an operator meets them: refused lines are found, mended, replayed and thrown away."""

from __future__ import annotations

import asyncio
import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.polling import until
from tests.fakes.process import ROOT, Running, get_json, start, tocsin

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
CONFIG = """\
collector:
  tokens: {tokens}
  host: {{enabled: false}}
  health: {{enabled: false}}
  checks: {{string_size: {{most_bytes: {most_bytes}}}}}
"""


class Site:
    """A collector in a process of its own, and the commands that its operator types."""

    def __init__(self, folder: Path, tokens: str) -> None:
        self._folder = folder
        self._tokens = tokens
        self._config = folder / "tocsin.yml"
        self.running: Running | None = None

    async def run(self, *, most_bytes: int) -> None:
        """Start, or start again with another limit for strings."""
        if self.running is not None:
            await asyncio.to_thread(self.running.interrupt)
        self._config.write_text(CONFIG.format(tokens=self._tokens, most_bytes=most_bytes))
        self.running = start(tocsin("collector", "--config", str(self._config)), self._folder / "state")
        await self.running.ready("collector")

    def end(self) -> None:
        if self.running is not None:
            self.running.end()

    def forget(self) -> None:
        """The process is gone, and what it announced is not to be taken for the next one's."""
        self.running = None
        (self._folder / "state" / "listen.json").unlink()

    @property
    def url(self) -> str:
        assert self.running is not None
        return self.running.url("collector")

    async def write(self, body: str, token: str = "") -> int:
        request = urllib.request.Request(f"{self.url}/api/v2/write?bucket=telemetry", body.encode())  # noqa: S310 - loopback
        if token:
            request.add_header("Authorization", f"Token {token}")

        def send() -> int:
            try:
                with urllib.request.urlopen(request) as reply:  # noqa: S310 - loopback
                    return int(reply.status)
            except urllib.error.HTTPError as error:
                return error.code

        return await asyncio.to_thread(send)

    async def type(self, *words: str) -> tuple[int, str]:
        """One `tocsin` command on this state folder: exit code, and output with complaints."""
        done = await asyncio.to_thread(
            subprocess.run,
            tocsin(*words),
            cwd=ROOT,
            env={"TOCSIN_STATE": str(self._folder / "state"), "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    async def letters(self) -> list[dict[str, Any]]:
        """All letters, asked for as programs do."""
        content = await asyncio.to_thread(get_json, f"{self.url}/api/v1/dead")
        assert isinstance(content, dict)
        return list(content["letters"])


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    one = Site(tmp_path, "open")
    yield one
    one.end()


async def stored(site: Site, influxql: str) -> list[Any]:
    query = urllib.parse.urlencode({"q": influxql, "db": "telemetry", "epoch": "ns"})
    content = await asyncio.to_thread(get_json, f"{site.url}/query?{query}")
    assert isinstance(content, dict)
    return [row for one in content["results"][0].get("series", ()) for row in one["values"]]


async def test_a_refused_line_is_replayed_when_its_cause_is_mended(site: Site):
    """Refused at intake, kept through a restart, refused again, mended, replayed at its old time: stored and gone."""
    await site.run(most_bytes=8)
    assert await site.write('log,host=a text="ok" 1\nlog,host=b text="far too long" 2\nno line at all\n') == 400

    async def kept() -> bool:
        return len(await site.letters()) == 2

    await until(kept, what="two letters")
    long_one, broken = await site.letters()
    assert (long_one["kind"], long_one["line"]) == ("string_size", 'log,host=b text="far too long" 2')
    assert long_one["source"] == "host:127.0.0.1"
    assert (broken["kind"], broken["line"]) == ("syntax", "no line at all")

    code, printed = await site.type("explain", str(long_one["line"]))
    assert code == 1
    assert f"would be refused (string_size): {long_one['reason']}" in printed
    code, printed = await site.type("dead", "replay", "--measurement", "log")
    assert (code, printed) == (1, "replayed 0, refused again 1\n")
    await site.run(most_bytes=1024)
    assert [(one["id"], one["replays"]) for one in await site.letters()] == [(long_one["id"], 1), (broken["id"], 0)]

    code, printed = await site.type("dead", "replay")
    assert (code, printed) == (1, "replayed 1, refused again 1\n")
    assert [(one["id"], one["replays"]) for one in await site.letters()] == [(broken["id"], 1)]

    async def found() -> bool:
        return await stored(site, "SELECT text FROM log WHERE host = 'b'") == [[2, "far too long"]]

    await until(found, what="the replayed line to be stored")
    code, printed = await site.type("dead", "show", str(broken["id"]))
    assert code == 0
    assert "no line at all" in printed
    code, printed = await site.type("dead", "list", "--since", "1h")
    assert code == 0
    assert broken["reason"] in printed
    assert (await site.type("dead", "purge"))[0] == 2
    assert await site.type("dead", "purge", "--reason", "syntax") == (0, "purged 1\n")
    assert await site.letters() == []


async def test_acknowledging_goes_on_while_letters_are_read_and_thrown_away(site: Site):
    """Writers, a reader and a purge at once: every good line is acknowledged, no answer is an error."""
    await site.run(most_bytes=1024)

    async def write(number: int) -> int:
        return await site.write(f"m f={number} {number + 1}\n" if number % 2 else f"broken{number}\n")

    statuses = asyncio.gather(*(write(number) for number in range(60)))
    for _ in range(2):
        await site.letters()
        assert (await site.type("dead", "purge", "--reason", "syntax"))[0] == 0
    assert await statuses == [400, 204] * 30

    async def counted() -> bool:
        return await stored(site, "SELECT count(f) FROM m") == [[0, 30]]

    await until(counted, what="thirty lines to be stored")


async def test_where_tokens_are_required_letters_take_scope_admin(tmp_path: Path):
    """The operator on the machine needs no token of his own; a device's token shows it nothing."""
    site = Site(tmp_path, "required")
    try:
        await site.run(most_bytes=1024)
        token = (await site.type("token", "create", "device"))[1].strip()
        (tmp_path / "device.token").write_text(token)

        async def refused() -> bool:
            return await site.write("no line at all", token) == 400

        await until(refused, what="the token to be taken")

        async def kept() -> bool:
            code, printed = await site.type("dead", "--json", "list")
            return code == 0 and [one["source"] for one in json.loads(printed)["letters"]][:1] == ["token:device"]

        await until(kept, what="the letter")
        code, printed = await site.type("dead", "--token-file", str(tmp_path / "device.token"), "list")
        assert code == 1
        assert "insufficient permissions for admin" in printed
    finally:
        site.end()


async def test_a_collector_that_was_killed_leaves_its_letters_readable(site: Site):
    """Nobody answers where it listened: the file is read, and the next start goes on with it."""
    await site.run(most_bytes=1024)
    assert await site.write("no line at all\n") == 400

    async def kept() -> bool:
        return len(await site.letters()) == 1

    await until(kept, what="the letter")
    assert site.running is not None
    await asyncio.to_thread(site.running.kill)

    code, printed = await site.type("dead", "export", "--since", "1h")
    assert code == 0
    assert "no collector runs" in printed
    assert '"line": "no line at all"' in printed
    assert (await site.type("dead", "replay"))[0] == 2
    site.forget()
    await site.run(most_bytes=1024)
    assert [one["line"] for one in await site.letters()] == ["no line at all"]
