"""The collector as a whole, over HTTP: acknowledged is delivered, and what comes from inside takes the same way."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from collector.app import Collector
from collector.buffer.disk import DiskConfig
from collector.config import CollectorConfig, HealthConfig
from collector.intake.host import HostConfig
from foundation.clock import SystemClock
from store.errors import StoreUnavailable
from tests.fakes.buffers import Incidents
from tests.fakes.polling import until
from tests.fakes.store import MemoryStore

QUIET: Mapping[str, Any] = {"host": HostConfig(enabled=False), "health": HealthConfig(enabled=False)}


class Running:
    """A collector on a free port with a store in memory."""

    def __init__(self, state: Path, store: MemoryStore, **settings: Any) -> None:
        self.store = store
        self.incidents = Incidents()
        self.role = Collector(
            CollectorConfig(listen="127.0.0.1:0", tokens="open", **settings),
            store,
            state=state,
            clock=SystemClock(),
            registry=CollectorRegistry(),
            on_incident=self.incidents,
        )
        self.url = ""

    async def start(self) -> None:
        self.url = f"http://{await self.role.start()}"

    async def write(self, body: str) -> int:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}/api/v2/write?bucket=telemetry&org=o", data=body) as answer,
        ):
            return answer.status

    async def ready(self) -> Mapping[str, Any]:
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/ready") as answer:
            state: Mapping[str, Any] = await answer.json()
            return {"code": answer.status, **state}


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    one = Running(tmp_path, MemoryStore("embedded"), **QUIET)
    await one.start()
    yield one
    await one.role.stop()
    assert one.incidents == []


async def test_a_line_posted_is_a_line_stored(running: Running):
    """204, and then the line is in the store; nothing is left in the buffer."""
    assert await running.write("m,t=a f=1 7\n") == 204
    await until(lambda: running.store.lines.get("telemetry") == [b"m,t=a f=1 7"])

    async def empty() -> bool:
        return (await running.ready())["buffered_lines"] == 0

    await until(empty)
    assert (await running.ready())["code"] == 200
    assert running.role.lag() == 0


async def test_intake_goes_on_while_the_store_is_away(running: Running):
    """Lines are acknowledged, readiness says how many wait and for how long, and they arrive when it is back."""
    running.store.failures.extend([StoreUnavailable("away")] * 2)
    assert await running.write("m f=1 7\n") == 204

    assert (await running.ready())["buffered_lines"] == 1
    assert running.role.lag() > 0
    await until(lambda: running.store.lines.get("telemetry") == [b"m f=1 7"])


async def test_a_full_buffer_answers_503_until_there_is_room(tmp_path: Path):
    """At the quota senders get 503 and when to come back; when the store takes lines again, so does the collector."""
    store = MemoryStore("embedded")
    store.missing.add("telemetry")
    running = Running(tmp_path, store, buffer=DiskConfig(quota_bytes=600), **QUIET)
    await running.start()
    taken: list[bytes] = []
    while (status := await running.write(f"m f={len(taken)} {len(taken)}")) == 204:
        taken.append(b"m f=%d %d" % (len(taken), len(taken)))
    assert status == 503
    assert taken
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{running.url}/write?db=telemetry", data="m f=1 1") as answer,
    ):
        assert int(answer.headers["Retry-After"]) >= 1
    ready = await running.ready()
    assert (ready["code"], ready["status"], ready["buffered_lines"]) == (503, "refusing: quota", len(taken))

    store.missing.clear()

    async def accepted() -> bool:
        return await running.write("m f=1 1000") == 204

    await until(accepted)
    await until(lambda: store.lines.get("telemetry") == [*taken, b"m f=1 1000"])
    assert (await running.ready())["code"] == 200
    await running.role.stop()


async def test_a_restart_goes_on_with_what_was_buffered(tmp_path: Path):
    """What was acknowledged while the store was away is delivered by the next process."""
    store = MemoryStore("embedded")
    store.missing.add("telemetry")
    first = Running(tmp_path, store, **QUIET)
    await first.start()
    assert await first.write("m f=1 7\n") == 204
    await first.role.stop()
    store.missing.clear()

    second = Running(tmp_path, store, **QUIET)
    await second.start()
    await until(lambda: store.lines.get("telemetry") == [b"m f=1 7"])
    await second.role.stop()
    assert (store.opened, store.closed) == (2, 2)


async def test_this_host_and_our_own_metrics_are_stored_like_everything_else(tmp_path: Path):
    """After their periods `host` and `tocsin_*` are in the store, through the buffer."""
    second = timedelta(seconds=1)
    running = Running(
        tmp_path, MemoryStore("embedded"), host=HostConfig(every=second), health=HealthConfig(every=second)
    )
    await running.start()

    def measurements() -> set[bytes]:
        return {line.split(b",")[0] for line in running.store.lines.get("telemetry", [])}

    await until(lambda: {b"host", b"tocsin_buffer_lines"} <= measurements())
    await running.role.stop()
    assert running.incidents == []


async def test_stopping_what_never_started_is_harmless(tmp_path: Path):
    """A role that failed to start is stopped all the same."""
    running = Running(tmp_path, MemoryStore("embedded"), **QUIET)

    await running.role.stop()

    assert running.incidents == []
