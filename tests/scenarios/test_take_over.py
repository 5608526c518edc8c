"""A new process takes over from the running one: devices are refused at no moment, and nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.fakes.polling import until
from tests.fakes.process import Running, start, tocsin

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

OPEN = {"TOCSIN_COLLECTOR_TOKENS": "open", "TOCSIN_COLLECTOR_HOST_ENABLED": "false"}
MOST_CUTS = 2
PATIENCE = aiohttp.ClientTimeout(total=120)


@dataclass
class Device:
    """Posts line after line, each with a time of its own: on a new connection each, or on one as long as it lives.

    One that was closed between two requests is `cut`, as every keep-alive connection may be: then it posts again.
    """

    url: str
    keeps_connection: bool
    first: int
    answered: list[int] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    cut: int = 0

    async def post_for_ever(self) -> None:
        connector = aiohttp.TCPConnector(force_close=not self.keeps_connection)
        async with aiohttp.ClientSession(connector=connector, timeout=PATIENCE) as session:
            number = self.first
            while True:
                try:
                    async with session.post(f"{self.url}/write", data=f"m f={number} {number}") as answer:
                        self.statuses[answer.status] += 1
                except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
                    refused = isinstance(error, aiohttp.ClientConnectorError)
                    if refused or not self.keeps_connection or self.cut >= MOST_CUTS:
                        raise
                    self.cut += 1
                    continue
                if answer.status == 204:
                    self.answered.append(number)
                number += 1


@asynccontextmanager
async def posting(url: str) -> AsyncIterator[list[Device]]:
    """Two devices at work; leaving ends them, and fails the test if one had ended by itself."""
    devices = [Device(url, False, 1), Device(url, True, 10_000_000)]
    tasks = [asyncio.create_task(device.post_for_ever()) for device in devices]
    yield devices
    failed = [task.exception() for task in tasks if task.done()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert failed == []


def pids(state: Path) -> dict[str, Any]:
    try:
        content = json.loads((state / "listen.json").read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return dict(content["pids"])


async def follow(before: Running, *words: str) -> Running:
    """A process that takes over from `before`; returns when it accepts and the one before has ended."""
    after = start(tocsin(*words, "--take-over"), before.state, env=OPEN)

    def follows() -> bool:
        assert after.process.poll() is None, after.log.read_text()[-4000:]
        return before.process.poll() is not None and set(pids(before.state).values()) == {after.process.pid}

    await until(follows, seconds=90, what="the new process")
    assert before.process.wait() == 0
    return after


async def stored(url: str) -> list[int]:
    """The times of all lines in the store, once everything is delivered."""
    async with aiohttp.ClientSession(timeout=PATIENCE) as session:

        async def delivered() -> bool:
            async with session.get(f"{url}/ready") as answer:
                return bool(json.loads(await answer.read())["buffered_lines"] == 0)

        await until(delivered, seconds=60, what="delivery")
        async with session.get(f"{url}/query", params={"q": "SELECT f FROM m", "epoch": "ns"}) as answer:
            found = json.loads(await answer.read())
    return [row[0] for row in found["results"][0]["series"][0]["values"]]


async def test_no_device_is_refused_while_two_processes_follow(tmp_path: Path) -> None:
    """Every post is answered 204, on new connections and on kept ones; every line is stored once."""
    process = start(tocsin("up"), tmp_path / "state", env=OPEN)
    started = [process]
    try:
        await process.ready("collector", "alerting", "console")
        where = process.listening()
        url = process.url("collector")
        async with posting(url) as devices:
            for _ in range(2):
                done = [len(device.answered) for device in devices]
                await until(
                    lambda done=done: all(len(d.answered) > n + 20 for d, n in zip(devices, done, strict=True)),
                    seconds=60,
                    what="load",
                )
                process = await follow(process, "up")
                started.append(process)
                assert process.listening() == where
            done = [len(device.answered) for device in devices]
            await until(
                lambda: all(len(d.answered) > n + 20 for d, n in zip(devices, done, strict=True)),
                seconds=60,
                what="load on the last process",
            )
        assert [set(device.statuses) for device in devices] == [{204}, {204}]
        times = Counter(await stored(url))
        assert set(times.values()) == {1}
        assert {number for device in devices for number in device.answered} <= set(times)
        assert await asyncio.to_thread(process.interrupt, 20.0) == 0
        assert process.listening() == {}
    finally:
        for one in started:
            one.end()


async def test_with_nobody_there_it_just_starts(tmp_path: Path) -> None:
    """Also where the one before was killed and left its socket and its address."""
    process = start(tocsin("collector"), tmp_path / "state", env=OPEN)
    try:
        await process.ready("collector")
        process.kill()
        assert (process.state / "collector.sock").exists()
        after = start(tocsin("collector", "--take-over"), tmp_path / "state", env=OPEN)
        await until(lambda: pids(after.state) == {"collector": after.process.pid}, seconds=60, what="the start")
        assert "nobody to take over from" in after.log.read_text()
        assert await asyncio.to_thread(after.interrupt, 20.0) == 0
    finally:
        process.end()


async def test_a_running_process_stays_where_the_new_one_cannot_start(tmp_path: Path) -> None:
    """A rule with a fault, or a process of other roles: it is told why, and the old one goes on."""
    process = start(tocsin("up"), tmp_path / "state", env=OPEN)
    try:
        await process.ready("collector", "alerting", "console")
        before = pids(process.state)
        (tmp_path / "rules.yml").write_text("rules: [{alert: A}]\n")
        broken = OPEN | {"TOCSIN_ALERTING_RULES": f"[{tmp_path}/rules.yml]"}
        for words, env, told in (
            (("up",), broken, f"{tmp_path}/rules.yml:1: "),
            (("collector",), OPEN, f"process {process.process.pid} runs alerting, console too"),
        ):
            other = start(tocsin(*words, "--take-over"), process.state, env=env)
            assert await asyncio.to_thread(other.process.wait, 60) == 2
            assert told in other.log.read_text()
        assert pids(process.state) == before
        async with (
            aiohttp.ClientSession(timeout=PATIENCE) as session,
            session.post(f"{process.url('collector')}/write", data="m f=1 10") as answer,
        ):
            assert answer.status == 204
        assert await asyncio.to_thread(process.interrupt, 20.0) == 0
    finally:
        process.end()
