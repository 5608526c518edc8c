"""`tocsin tail` as an engineer uses it: beside a running collector, through its restart, until Ctrl-C."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.fakes.polling import until
from tests.fakes.process import ROOT, Running, start, tocsin

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
PATIENCE_S = 60.0
QUIET = {
    "TOCSIN_COLLECTOR_TOKENS": "open",
    "TOCSIN_COLLECTOR_HOST_ENABLED": "false",
    "TOCSIN_COLLECTOR_HEALTH_ENABLED": "false",
}


class Site:
    """A collector in a process of its own, and who follows it."""

    def __init__(self, folder: Path, session: aiohttp.ClientSession) -> None:
        self._folder = folder
        self._session = session
        self.state = folder / "state"
        self.running: Running | None = None
        self._followers: list[subprocess.Popen[bytes]] = []
        self._groups: list[int] = []

    async def run(self, **env: str) -> None:
        self.running = start(tocsin("collector"), self.state, env=QUIET | env)
        await self.running.ready("collector")

    def also(self, group: int) -> None:
        """See that this group of processes is gone at the end."""
        self._groups.append(group)

    def end(self) -> None:
        for group in self._groups:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        for follower in self._followers:
            follower.kill()
            follower.wait()
        if self.running is not None:
            self.running.end()

    @property
    def url(self) -> str:
        assert self.running is not None
        return self.running.url("collector")

    async def follow(self, *words: str) -> subprocess.Popen[bytes]:
        """Start `tocsin tail WORDS`, writing to `out` and `err`, and return when the collector has it."""
        before = await self.metric("tocsin_tail_followers")
        with (self._folder / "out").open("wb") as out, (self._folder / "err").open("wb") as err:
            follower = self._start(tocsin("tail", *words), out, err)
        self._followers.append(follower)
        await self.followers(before + 1)
        return follower

    def _start(self, command: list[str], out: IO[bytes], err: IO[bytes]) -> subprocess.Popen[bytes]:
        env = {"TOCSIN_STATE": str(self.state)}
        return subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=err)

    async def followers(self, number: float) -> None:
        async def there() -> bool:
            return await self.metric("tocsin_tail_followers") == number

        await until(there, seconds=PATIENCE_S, what=f"{number} followers")

    async def metric(self, name: str) -> float:
        """The sum of a metric's samples."""
        async with self._session.get(f"{self.url}/metrics") as answer:
            rows = (await answer.text()).splitlines()
        return sum(float(row.rpartition(" ")[2]) for row in rows if row.startswith((f"{name} ", f"{name}{{")))

    async def write(self, body: bytes) -> int:
        async with self._session.post(f"{self.url}/api/v2/write", data=body) as answer:
            return answer.status

    def out(self) -> list[str]:
        return (self._folder / "out").read_text().splitlines()

    def err(self) -> str:
        return (self._folder / "err").read_text()

    async def shown(self, *lines: str) -> None:
        await until(lambda: self.out() == list(lines), seconds=PATIENCE_S, what=f"{lines}; {self.err()}")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with aiohttp.ClientSession() as session:
        one = Site(tmp_path, session)
        yield one
        one.end()


async def test_a_device_is_followed_until_ctrl_c(site: Site):
    """Its lines alone, as they are stored, refused ones beside their reason; Ctrl-C ends with 0 and says nothing."""
    await site.run()
    follower = await site.follow("--measurement", "room", "--tag", "device=d7", "--rejected")
    assert await site.write(b"room,device=d7 t=1 1\nroom,device=d8 t=2 2\nhall,device=d7 t=3 3\n") == 204
    assert await site.write(b"room,device=d7 t=4i 4\n") == 422

    await until(lambda: len(site.out()) == 2, seconds=PATIENCE_S, what="two rows")
    accepted, rejected = site.out()
    assert accepted == "room,device=d7 t=1 1"
    assert rejected.startswith("# refused (field_type) from host:127.0.0.1 for telemetry: ")
    assert rejected.endswith(": room,device=d7 t=4i 4")
    follower.send_signal(signal.SIGINT)
    assert await asyncio.to_thread(follower.wait, PATIENCE_S) == 0
    assert site.err() == ""
    await site.followers(0)


async def test_programs_get_an_object_a_row(site: Site):
    """`--json` has the line and its parts; `--count` ends it by itself."""
    await site.run()
    follower = await site.follow("--json", "--count", "2")
    assert await site.write(b'm,a=x\\ y s="two\nrows",i=9007199254740993i 5\nm f=1 6\nm f=1 7\n') == 204

    assert await asyncio.to_thread(follower.wait, PATIENCE_S) == 0
    first, second = [json.loads(row) for row in site.out()]
    assert first == {
        "bucket": "telemetry",
        "source": "host:127.0.0.1",
        "line": 'm,a=x\\ y s="two\nrows",i=9007199254740993i 5',
        "measurement": "m",
        "tags": {"a": "x y"},
        "fields": {"s": "two\nrows", "i": 9007199254740993},
        "time_ns": 5,
    }
    assert second["time_ns"] == 6


async def test_a_restart_is_waited_for(site: Site):
    """The follower is told that the collector goes, and follows the next process on its new port."""
    await site.run()
    follower = await site.follow()
    assert await site.write(b"m f=1 1\n") == 204
    await site.shown("m f=1 1")
    assert site.running is not None
    assert await asyncio.to_thread(site.running.interrupt) == 0

    await until(lambda: "waiting for it to come back" in site.err(), seconds=PATIENCE_S, what="a word about it")
    await site.run()
    await site.followers(1)
    assert await site.write(b"m f=2 2\n") == 204
    await site.shown("m f=1 1", "m f=2 2")
    assert follower.poll() is None


async def test_with_once_the_end_of_the_collector_is_the_end(site: Site):
    """It exits with 0 and does not wait."""
    await site.run()
    follower = await site.follow("--once")
    assert site.running is not None
    assert await asyncio.to_thread(site.running.interrupt) == 0
    assert await asyncio.to_thread(follower.wait, PATIENCE_S) == 0


async def test_a_reader_that_has_enough_ends_it_quietly(site: Site):
    """`tocsin tail | head -1` leaves no traceback behind."""
    await site.run()
    words = " ".join(tocsin("tail"))
    piped = await asyncio.create_subprocess_shell(
        f"{words} | head -1",
        cwd=ROOT,
        env={"TOCSIN_STATE": str(site.state), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    site.also(piped.pid)
    await site.followers(1)
    stamp = 0

    async def left() -> bool:
        nonlocal stamp
        stamp += 1
        assert await site.write(b"m f=1 %d\n" % stamp) == 204
        return await site.metric("tocsin_tail_followers") == 0

    await until(left, seconds=PATIENCE_S, what="the follower to leave")
    out, err = await piped.communicate()
    assert (out, err) == (b"m f=1 1\n", b"")


async def test_intake_answers_on_while_a_follower_never_reads(site: Site):
    """Its queue fills, lines are skipped for it alone, another follower and every sender go on."""
    await site.run(TOCSIN_COLLECTOR_TAIL_QUEUE_BYTES="1048576")
    address = urlsplit(site.url)
    with socket.create_connection((address.hostname, address.port)) as stalled:
        stalled.sendall(
            b"GET /api/v1/tail HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        await site.followers(1)
        await site.follow("--measurement", "wanted")
        body = b"".join(b'filler s="%s" %d\n' % (b"x" * 900, number) for number in range(500))

        async def skipped() -> bool:
            assert await site.write(body) == 204
            return await site.metric("tocsin_tail_dropped_lines_total") >= 10 * 500

        await until(skipped, seconds=PATIENCE_S, what="lines to be skipped")
        assert await site.write(b"wanted f=1 1\n") == 204
        await site.shown("wanted f=1 1")
    await site.followers(1)


async def test_a_follower_without_a_token_is_turned_away(site: Site):
    """The collector's own words, exit 1; a token that may read gets in and sees its own bucket alone."""
    await site.run(TOCSIN_COLLECTOR_TOKENS="required")
    env = {"TOCSIN_STATE": str(site.state)}

    def type_in(*words: str) -> Any:
        return subprocess.run(tocsin(*words), cwd=ROOT, env=env, capture_output=True, text=True, check=False)

    ran = await asyncio.to_thread(type_in, "tail", "--url", site.url)
    assert ran.returncode == 1
    assert "unauthorized access" in ran.stderr
    assert "--token-file" in ran.stderr
    made = await asyncio.to_thread(type_in, "token", "create", "eye", "--scope", "read", "--bucket", "home")
    file = site.state / "eye.token"
    file.write_text(made.stdout)

    async def refused() -> bool:
        ran = await asyncio.to_thread(
            type_in, "tail", "--url", site.url, "--token-file", str(file), "--bucket", "other"
        )
        return 'insufficient permissions for bucket "other"' in ran.stderr and ran.returncode == 1

    await until(refused, seconds=PATIENCE_S, what="the token to be taken up")


async def test_nobody_to_follow_is_told(site: Site):
    """Where no collector runs it exits with 2, as every command does."""
    ran = await asyncio.to_thread(
        subprocess.run,
        tocsin("tail"),
        cwd=ROOT,
        env={"TOCSIN_STATE": str(site.state)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert "no collector runs" in ran.stderr
