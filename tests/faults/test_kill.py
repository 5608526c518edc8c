"""kill -9 under load, again and again: every line that was acknowledged is in the store, and none is there twice."""

import asyncio
import contextlib
import itertools
import os
import random
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from tests.fakes.polling import until
from tests.fakes.process import Running, start, tocsin

ROUNDS = int(os.environ.get("TOCSIN_CRASH_ROUNDS", "3"))
"""`make crash ROUNDS=N` runs more."""
CLIENTS = 4
MOST_LINES = 400
BUCKETS = ("telemetry", "other")
CONFIG = """
collector: {tokens: open, host: {enabled: false}, health: {enabled: false}}
store: {kind: embedded}
"""


@dataclass
class Load:
    """Clients that post bodies until they are stopped; what was acknowledged, by bucket."""

    luck: random.Random
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
            body = "".join(f"load,client=c{number % 3} n={number}i {number}\n" for number in numbers)
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
    await until(lambda: sum(map(len, load.acknowledged.values())) >= enough, seconds=30)
    running.kill()
    (running.state / "listen.json").unlink()  # left behind by the dead; the next start announces its own
    with contextlib.suppress(BaseExceptionGroup):
        await task


@pytest.mark.timeout(60 + 15 * ROUNDS)
async def test_kill_9_loses_nothing_acknowledged(tmp_path: Path):
    """Rounds of load, SIGKILL and restart on one state folder; then the store is asked for everything."""
    seed = random.SystemRandom().randrange(1 << 32)
    load = Load(random.Random(seed))  # noqa: S311 - moments to strike at
    config = tmp_path / "tocsin.yml"
    config.write_text(CONFIG)
    command = tocsin("collector", "--config", str(config))
    for _ in range(ROUNDS):
        running = start(command, tmp_path / "state")
        try:
            await running.ready("collector")
            await load_and_kill(running, load)
        finally:
            running.end()

    running = start(command, tmp_path / "state")
    try:
        await running.ready("collector")
        url = running.url("collector")
        await until(lambda: drained(url), seconds=30)
        for bucket in BUCKETS:
            found = await stored(url, bucket)
            assert load.acknowledged[bucket] - set(found) == set(), f"lost; seed {seed}"
            assert len(found) == len(set(found)), f"twice; seed {seed}"
            assert load.acknowledged[bucket]
        assert running.interrupt() == 0
    finally:
        running.end()
