"""kill -9 under load, again and again: every line that was acknowledged is in the store, and none is there twice.

Once into the embedded store, which dies with the collector, and once into a server that fails in every way it can.
"""

import asyncio
import contextlib
import itertools
import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from tests.fakes.polling import until
from tests.fakes.process import Running, start, tocsin
from tests.fakes.store_server import (
    TOKEN,
    Exchange,
    StoreServer,
    apply_and_hang,
    refuse,
    reset_in_answer,
    reset_in_body,
    store,
)

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "3"))
"""`make crash ROUNDS=N` runs more."""
CLIENTS = 4
MOST_LINES = 400
BUCKETS = ("telemetry", "other")
CONFIG = """
collector: {{tokens: open, host: {{enabled: false}}, health: {{enabled: false}}}}
store: {store}
"""
EMBEDDED = "{kind: embedded}"
REMOTE = "{{kind: influxdb, url: '{url}', org: o, token: {token}, timeout: 1s}}"
MOODS = (store, store, refuse(503, "busy"), refuse(500), reset_in_body, reset_in_answer, apply_and_hang)


@dataclass
class Load:
    """Clients that post until they are stopped; what was acknowledged, by bucket. `line` writes a number down."""

    luck: random.Random
    line: Callable[[int], str]
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    acknowledged: dict[str, set[int]] = field(default_factory=lambda: {bucket: set() for bucket in BUCKETS})

    async def run(self, url: str) -> None:
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
            for _ in range(CLIENTS):
                group.create_task(self._post_for_ever(session, url))

    async def _post_for_ever(self, session: aiohttp.ClientSession, url: str) -> None:
        while True:
            bucket = self.luck.choice(BUCKETS)
            numbers = list(itertools.islice(self.numbers, self.luck.randint(1, MOST_LINES)))
            body = "".join(map(self.line, numbers))
            try:
                async with session.post(f"{url}/api/v2/write?org=o&bucket={bucket}", data=body) as answer:
                    if answer.status == 204:
                        self.acknowledged[bucket].update(numbers)
            except aiohttp.ClientError:
                return


async def stored(url: str, bucket: str) -> list[int]:
    """Every `n` in the bucket, as often as it is there."""
    query = {"db": bucket, "q": "SELECT n FROM load", "epoch": "ns"}
    async with aiohttp.ClientSession() as session, session.get(f"{url}/query", params=query) as answer:
        content = await answer.json()
        assert "results" in content, content
        results = content["results"][0]
    return [int(row[1]) for series in results.get("series", []) for row in series["values"]]


async def drained(url: str) -> bool:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/ready") as answer:
        return (await answer.json())["buffered_lines"] == 0


async def load_and_kill(running: Running, load: Load) -> None:
    """Post until a random moment, then pull the plug in the middle of it."""
    task = asyncio.create_task(load.run(running.url("collector")))
    enough = sum(map(len, load.acknowledged.values())) + load.luck.randint(500, 8000)
    await until(lambda: sum(map(len, load.acknowledged.values())) >= enough, seconds=60)
    running.kill()
    (running.state / "listen.json").unlink()  # left behind by the dead; the next start announces its own
    with contextlib.suppress(BaseExceptionGroup):
        await task


async def closes(url: str) -> bool:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/api/v1/ledger") as answer:
        return bool((await answer.json())["closes"])


async def survive(command: list[str], state: Path, load: Load) -> Running:
    """Rounds of load, SIGKILL and restart on one state folder; a last process that has delivered everything."""
    for _ in range(ROUNDS):
        running = start(command, state)
        try:
            await running.ready("collector")
            await load_and_kill(running, load)
        finally:
            running.end()
    return start(command, state)


async def settled(running: Running) -> str:
    """Wait until everything is delivered and the ledger closes; where the collector is."""
    await running.ready("collector")
    url = running.url("collector")
    await until(lambda: drained(url), seconds=60, what="an empty buffer")
    await until(lambda: closes(url), seconds=30, what="a ledger that closes")
    return url


@pytest.mark.timeout(180 + 40 * ROUNDS)
async def test_kill_9_loses_nothing_acknowledged(tmp_path: Path):
    """The embedded store, asked for everything after the last start, has each acknowledged line once."""
    seed = random.SystemRandom().randrange(1 << 32)
    load = Load(random.Random(seed), lambda n: f"load,client=c{n % 3} n={n}i {n}\n")  # noqa: S311 - when to strike
    config = tmp_path / "tocsin.yml"
    config.write_text(CONFIG.format(store=EMBEDDED))
    running = await survive(tocsin("collector", "--config", str(config)), tmp_path / "state", load)
    try:
        url = await settled(running)
        for bucket in BUCKETS:
            found = await stored(url, bucket)
            assert load.acknowledged[bucket] - set(found) == set(), f"lost; seed {seed}"
            assert len(found) == len(set(found)), f"twice; seed {seed}"
            assert load.acknowledged[bucket]
        assert running.interrupt() == 0
        assert "leaked" not in running.log.read_text()  # as DuckDB's bindings would say of what is left behind
    finally:
        running.end()


@pytest.mark.timeout(180 + 40 * ROUNDS)
async def test_kill_9_in_front_of_a_store_that_fails_loses_nothing_either(tmp_path: Path):
    """Lines come without times, the store takes writes that it does not answer: each line is one point all the same."""
    seed = random.SystemRandom().randrange(1 << 32)
    luck = random.Random(seed)  # noqa: S311 - when to strike
    load = Load(luck, lambda n: f"load,n={n} f=1\n")

    async def moody(exchange: Exchange) -> None:
        await luck.choice(MOODS)(exchange)

    async with StoreServer(standing=moody) as server:
        config = tmp_path / "tocsin.yml"
        config.write_text(CONFIG.format(store=REMOTE.format(url=server.url, token=TOKEN)))
        running = await survive(tocsin("collector", "--config", str(config)), tmp_path / "state", load)
        try:
            server.standing = store
            await settled(running)
        finally:
            running.end()
        for bucket in BUCKETS:
            found = Counter(line.split("=")[1].removesuffix(" f") for line in server.lines(bucket))
            assert load.acknowledged[bucket] - set(map(int, found)) == set(), f"lost; seed {seed}"
            assert [number for number, count in found.items() if count > 1] == [], f"twice; seed {seed}"
            assert load.acknowledged[bucket]
