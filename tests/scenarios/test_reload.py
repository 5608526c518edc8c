"""A running process takes up its changed configuration under load: no request fails and no connection is closed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
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

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

CONFIG = """\
collector:
  tokens: open
  host: {enabled: false}
  bad_lines: BAD_LINES
  bucket: ${file:bucket}
  json: {tags: TAGS}
"""


def configuration(bad_lines: str, tags: str) -> str:
    return CONFIG.replace("BAD_LINES", bad_lines).replace("TAGS", tags)


READING = {"machine": "press-1", "pressure_kpa": 101.5}


@dataclass
class Load:
    """One client on one connection that posts reading after reading; what it was answered."""

    answers: Counter[int] = field(default_factory=Counter)
    connections: int = 0

    async def _connected(self, *_: Any) -> None:
        self.connections += 1

    async def post(self, url: str) -> None:
        trace = aiohttp.TraceConfig()
        trace.on_connection_create_end.append(self._connected)
        async with aiohttp.ClientSession(trace_configs=[trace]) as session:
            for _ in range(100_000):
                async with session.post(f"{url}/v1/telemetry", json=READING) as answer:
                    self.answers[answer.status] += 1


@asynccontextmanager
async def posting(url: str) -> AsyncIterator[Load]:
    load = Load()
    task = asyncio.create_task(load.post(url))
    yield load
    assert not task.done(), task.exception()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@dataclass
class House:
    """The process, its configuration file, and questions to it."""

    process: Running
    file: Path
    http: aiohttp.ClientSession

    def configure(self, bad_lines: str, tags: str) -> None:
        self.file.write_text(configuration(bad_lines, tags))

    async def get(self, role: str, path: str, **params: str) -> Any:
        async with self.http.get(self.process.url(role) + path, params=params) as answer:
            return json.loads(await answer.read())

    async def accepted(self) -> int:
        """How many lines are taken of a body with one good line and one bad one."""
        async with self.http.post(f"{self.process.url('collector')}/write", data="m f=1\nbad") as answer:
            assert answer.status == 400
            return int(json.loads(await answer.read())["accepted"])

    async def tag_keys(self, bucket: str) -> set[str]:
        found = await self.get("collector", "/query", db=bucket, q="SHOW TAG KEYS FROM device_reading")
        return {row[0] for series in found["results"][0].get("series", ()) for row in series["values"]}

    async def config(self) -> Any:
        return (await self.get("alerting", "/api/v1/status"))["config"]

    async def metrics(self) -> str:
        async with self.http.get(f"{self.process.url('collector')}/metrics") as answer:
            return await answer.text()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    file = tmp_path / "tocsin.yml"
    (tmp_path / "bucket").write_text("telemetry")
    file.write_text(configuration("keep", "[]"))
    async with aiohttp.ClientSession() as http:
        house = House(start(tocsin("up", "--config", str(file)), tmp_path / "state"), file, http)
        try:
            yield house
        finally:
            house.process.end()


async def test_configuration_is_taken_up_without_a_gap(house: House, tmp_path: Path) -> None:
    """A good change is in force within seconds, a broken file is shown and changes nothing, SIGHUP reads it again."""
    await house.process.ready("collector", "alerting", "console")
    async with posting(house.process.url("collector")) as load:
        assert await house.accepted() == 1
        await until(lambda: load.answers[204] > 50, what="load")
        house.configure("reject", "[machine]")

        async def rejects() -> bool:
            return await house.accepted() == 0

        await until(rejects, what="the change")

        async def mapped() -> bool:
            return await house.tag_keys("telemetry") == {"machine"}

        await until(mapped, what="the new tag in the store")

        house.configure("rejct", "[]")
        problem = f"{house.file}:4: collector.bad_lines: 'rejct' is not one of keep, reject; did you mean reject?"

        async def refused() -> bool:
            return bool((await house.config())["errors"] == [problem])

        await until(refused, what="the error to be shown")
        assert "tocsin_config_ok 0.0" in await house.metrics()
        assert problem in house.process.log.read_text()
        assert await house.accepted() == 0

        house.configure("keep", "[machine]")

        async def mended() -> bool:
            return bool((await house.config())["ok"]) and await house.accepted() == 1

        await until(mended, what="the mended file")
        (tmp_path / "bucket").write_text("elsewhere")
        os.kill(house.process.process.pid, signal.SIGHUP)

        async def moved() -> bool:
            return await house.tag_keys("elsewhere") == {"machine"}

        await until(moved, what="what the file refers to")

    assert set(load.answers) == {204}
    assert load.connections == 1
    assert await asyncio.to_thread(house.process.interrupt) == 0
