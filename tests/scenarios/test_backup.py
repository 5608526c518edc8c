"""Backups as an operator makes them: beside a running collector, through kills, and into an empty folder."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from foundation.errors import ConfigError
from tests.fakes.polling import until
from tests.fakes.process import ROOT, Running, get_json, start, tocsin
from tocsin import archive

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
CONFIG = """\
collector:
  tokens: {tokens}
  host: {{enabled: false}}
  health: {{enabled: false}}
"""
LINES = 'm,h=a f=1,s="a \\"b\\"" 1\nm,h=b\\ c f=2,i=-7i,b=true 2\nSELECT,from=x u=18446744073709551615u 3\n'
QUERIES = ("SELECT * FROM m", 'SELECT * FROM "SELECT"', "SHOW FIELD KEYS", "SHOW TAG VALUES WITH KEY = h")


class Site:
    """A collector in a process of its own, and what its operator types."""

    def __init__(self, folder: Path, *, tokens: str = "open") -> None:
        folder.mkdir(exist_ok=True)
        self.state = folder / "state"
        self._config = folder / "tocsin.yml"
        self._config.write_text(CONFIG.format(tokens=tokens))
        self.running: Running | None = None

    def configure(self, section: str) -> None:
        """Add a section to the configuration, for the next start."""
        self._config.write_text(self._config.read_text() + section)

    async def run(self) -> None:
        (self.state / "listen.json").unlink(missing_ok=True)
        self.running = start(tocsin("collector", "--config", str(self._config)), self.state)
        await self.running.ready("collector")

    async def stop(self) -> None:
        assert self.running is not None
        assert await asyncio.to_thread(self.running.interrupt) == 0

    def command(self, *words: str) -> list[str]:
        return tocsin(words[0], "--config", str(self._config), *words[1:])

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "TOCSIN_STATE": str(self.state), "COLUMNS": "200"}

    async def type(self, *words: str) -> tuple[int, str]:
        """One command on this state folder: exit code, and output with complaints."""
        done = await asyncio.to_thread(
            subprocess.run, self.command(*words), cwd=ROOT, env=self.env, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    async def write(self, body: str, bucket: str = "telemetry", token: str = "") -> int:
        assert self.running is not None
        url = f"{self.running.url('collector')}/api/v2/write?bucket={bucket}"
        request = urllib.request.Request(url, body.encode())  # noqa: S310 - loopback
        if token:
            request.add_header("Authorization", f"Token {token}")

        def send() -> int:
            with urllib.request.urlopen(request) as reply:  # noqa: S310 - loopback
                return int(reply.status)

        return await asyncio.to_thread(send)

    async def ask(self, influxql: str, bucket: str = "telemetry") -> Any:
        assert self.running is not None
        query = urllib.parse.urlencode({"q": influxql, "db": bucket, "epoch": "ns"})
        return await asyncio.to_thread(get_json, f"{self.running.url('collector')}/query?{query}")

    async def stored(self, rows: int, bucket: str = "telemetry") -> None:
        """Return when so many points of m can be asked for."""

        async def there() -> bool:
            (result,) = (await self.ask("SELECT f FROM m", bucket))["results"]
            return [len(one["values"]) for one in result.get("series", ())] == [rows]

        await until(there, seconds=60, what=f"{rows} points")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    one = Site(tmp_path / "one")
    yield one
    if one.running is not None:
        one.running.end()


async def answers(site: Site, bucket: str = "telemetry") -> list[Any]:
    return [await site.ask(query, bucket) for query in QUERIES]


@pytest.mark.parametrize("name", ["monday", "monday.tar"])
async def test_a_restored_backup_answers_as_the_store_did(site: Site, tmp_path: Path, name: str) -> None:
    """Made beside a running collector, put into an empty folder: the same answers, and a folder in use is refused."""
    await site.run()
    assert await site.write(LINES) == 204
    assert await site.write("m f=5 5\n", "second") == 204
    await site.stored(2)
    await site.stored(1, "second")
    before = await answers(site)
    target = tmp_path / name
    code, printed = await site.type("backup", str(target))
    assert (code, printed) == (0, f"{target}: 4 points in 2 buckets, verified\n")
    assert (await site.type("backup", str(target)))[0] == 2
    assert await site.write("m,h=a f=9 9\n") == 204
    await site.stored(3)
    code, printed = await site.type("restore", str(target))
    assert code == 2
    assert "is not empty" in printed

    other = Site(tmp_path / "two")
    code, printed = await other.type("restore", "--json", str(target))
    assert code == 0
    assert json.loads(printed)["lines"] == {"telemetry": {"SELECT": 1, "m": 2}, "second": {"m": 1}}
    try:
        await other.run()
        assert await answers(other) == before
        assert await other.write("m,h=a f=9 9\n") == 204
        await other.stored(3)
        with pytest.raises(urllib.error.HTTPError, match="422"):
            await other.write("m f=true 11\n")
        await other.stop()
    finally:
        if other.running is not None:
            other.running.end()


async def test_tokens_and_a_store_at_rest(tmp_path: Path) -> None:
    """Without a collector the store is copied directly; a token of the old folder is one of the new folder's."""
    site, other = Site(tmp_path / "one", tokens="required"), Site(tmp_path / "two", tokens="required")
    try:
        await site.run()
        token = (await site.type("token", "create", "device"))[1].strip()

        async def taken() -> bool:
            try:
                return await site.write(LINES, token=token) == 204
            except urllib.error.HTTPError:
                return False

        await until(taken, what="the token to be taken")
        assert (await site.type("backup", str(tmp_path / "running")))[0] == 0
        await site.stop()
        code, printed = await site.type("backup", str(tmp_path / "resting"))
        assert code == 0, printed
        assert not list((site.state / "copies").iterdir())
        assert (await other.type("restore", str(tmp_path / "resting")))[0] == 0
        await other.run()
        assert await other.write("m f=3 3\n", token=token) == 204
        await other.stop()
    finally:
        for one in (site, other):
            if one.running is not None:
                one.running.end()


async def test_a_damaged_backup_is_refused(site: Site, tmp_path: Path) -> None:
    """A changed byte, a missing file or a missing manifest: a clear no, and the folder stays empty."""
    await site.run()
    await site.write(LINES)
    await site.stored(2)
    whole = tmp_path / "whole"
    assert (await site.type("backup", str(whole)))[0] == 0
    other = Site(tmp_path / "two")
    for number, (name, complaint) in enumerate(
        [
            ("telemetry.duckdb", "is not as it was"),
            ("field_types.sqlite", "is not as it was"),
            ("manifest.json", "no manifest"),
        ]
    ):
        bad = tmp_path / f"bad{number}"
        shutil.copytree(whole, bad)
        if number == 0:
            content = bytearray((bad / name).read_bytes())
            content[len(content) // 2] ^= 1
            (bad / name).write_bytes(content)
        else:
            (bad / name).unlink()
        code, printed = await other.type("restore", str(bad))
        assert code == 2
        assert complaint in printed
        assert not other.state.exists() or not list(other.state.iterdir())


@pytest.mark.parametrize("victim", ["command", "collector"])
async def test_a_kill_leaves_no_half_backup_that_looks_whole(site: Site, tmp_path: Path, victim: str) -> None:
    """Kill -9 at several moments: what has its name is whole, what has not is not there; the next backup is well."""
    await site.run()
    await site.write("".join(f"m f={n} {n}\n" for n in range(100_000)))
    await site.stored(100_000)
    for number in range(2):
        target = tmp_path / f"backup{number}"
        part = target.with_name(target.name + ".part")
        signs = (site.state / "copies", part / archive.STORE)
        command = subprocess.Popen(  # noqa: ASYNC220 - it only starts
            site.command("backup", str(target)), cwd=ROOT, env=site.env, stderr=subprocess.DEVNULL
        )
        await until(lambda: signs[number].exists() or command.poll() is not None, seconds=60, what="it to begin")  # noqa: B023 - awaited here
        if victim == "command":
            command.kill()
        else:
            assert site.running is not None
            await asyncio.to_thread(site.running.kill)
        await asyncio.to_thread(command.wait)
        if target.exists():
            with archive.opened(target) as backup:
                assert backup.lines == {"telemetry": {"m": 100_000}}
        else:
            with suppress(ConfigError), archive.opened(part) as backup:
                assert backup.lines == {"telemetry": {"m": 100_000}}
        if victim == "collector":
            await site.run()
            await site.stored(100_000)
        shutil.rmtree(target, ignore_errors=True)
        code, printed = await site.type("backup", str(target))
        assert (code, printed) == (0, f"{target}: 100000 points in 1 buckets, verified\n")
        with archive.opened(target) as backup:
            assert backup.lines == {"telemetry": {"m": 100_000}}
