"""A collector with a destination beside its store: each has what it lacks, and neither waits for the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from collector.app import Collector
from collector.buffer.disk import DiskConfig
from collector.config import CollectorConfig, HealthConfig
from collector.deliver.destinations import Destination
from collector.intake.host import HostConfig
from foundation.clock import SystemClock
from tests.fakes.buffers import Incidents
from tests.fakes.collector import RunningCollector
from tests.fakes.polling import until
from tests.fakes.store import MemoryStore


@pytest.fixture
def near() -> MemoryStore:
    return MemoryStore("near")


@pytest.fixture
def far() -> MemoryStore:
    """A destination that lacks the bucket for now, which is one way to take nothing."""
    store = MemoryStore("far")
    store.missing.add("telemetry")
    return store


@asynccontextmanager
async def collecting(
    state: Path, near: MemoryStore, far: MemoryStore, *, required: bool = True, **settings: Any
) -> AsyncIterator[RunningCollector]:
    registry, incidents = CollectorRegistry(), Incidents()
    quiet: dict[str, Any] = {"host": HostConfig(enabled=False), "health": HealthConfig(enabled=False)}
    role = Collector(
        CollectorConfig(**{"listen": "127.0.0.1:0", "tokens": "open", **quiet, **settings}),
        near,
        destinations=[Destination("far", far, required=required)],
        state=state,
        clock=SystemClock(),
        registry=registry,
        on_incident=incidents,
    )
    async with aiohttp.ClientSession() as session:
        try:
            yield RunningCollector(role, registry, incidents, session, f"http://{await role.start()}")
        finally:
            await role.stop()
    assert incidents == []


async def test_one_that_takes_nothing_holds_up_no_other(tmp_path: Path, near: MemoryStore, far: MemoryStore):
    """The store has the line at once, and is not behind; how the other stands is told; it gets the line in the end."""
    async with collecting(tmp_path, near, far) as running:
        assert await running.post("m f=1 1") == 204
        await until(lambda: near.lines.get("telemetry") == [b"m f=1 1"], seconds=30)
        await until(lambda: running.role.lag() == 0, seconds=30)

        async def told() -> bool:
            queried, beside = (await running.get("/ready"))["destinations"]
            assert beside["name"] == "far"
            return (queried["buffered_lines"], beside["buffered_lines"], beside["waits_for"]) == (
                0,
                1,
                ["bucket_missing"],
            )

        await until(told, seconds=30)
        waiting = {"destination": "far", "bucket": "telemetry"}
        assert running.count("tocsin_buffer_lines", **waiting) == 1
        far.missing.clear()
        await until(lambda: far.lines.get("telemetry") == [b"m f=1 1"], seconds=45)
    assert (far.opened, far.closed) == (1, 1)


async def test_each_goes_on_after_a_restart_where_it_was(tmp_path: Path, near: MemoryStore, far: MemoryStore):
    """Neither gets a line twice, and neither misses one."""
    async with collecting(tmp_path, near, far) as running:
        assert await running.post("m f=1 1") == 204
        await until(lambda: near.lines.get("telemetry") == [b"m f=1 1"], seconds=30)
        await until(lambda: running.role.lag() == 0, seconds=30)
    far.missing.clear()
    async with collecting(tmp_path, near, far) as running:
        assert await running.post("m f=2 2") == 204
        await until(lambda: len(near.lines.get("telemetry", [])) == 2, seconds=30)
        await until(lambda: len(far.lines.get("telemetry", [])) == 2, seconds=30)
    assert near.lines == far.lines == {"telemetry": [b"m f=1 1", b"m f=2 2"]}


async def test_a_full_buffer_is_for_required_destinations_alone(tmp_path: Path, near: MemoryStore, far: MemoryStore):
    """One that is not required skips the oldest lines, counted, rather than have senders refused."""
    settings = {"buffer": DiskConfig(quota_bytes=40_000, segment_bytes=4_000)}
    async with collecting(tmp_path, near, far, required=False, **settings) as running:
        for number in range(400):
            assert await running.post(f"m,n={number} f={number} {number}") == 204

            def taken(count: int = number + 1) -> bool:
                return len(near.lines.get("telemetry", [])) == count

            if number % 20 == 0:
                await until(taken, seconds=30)
        ledger = await running.get("/api/v1/ledger")
        [beside] = [bucket for bucket in ledger["buckets"] if bucket["destination"] == "far"]
        assert beside["skipped"] > 0
        assert beside["skipped"] + beside["buffered"] == 400
        assert ledger["closes"]


async def test_a_required_destination_keeps_its_lines_and_senders_come_back(
    tmp_path: Path, near: MemoryStore, far: MemoryStore
):
    """503 until it takes lines again: nothing is skipped for want of space."""
    settings = {"buffer": DiskConfig(quota_bytes=20_000, segment_bytes=4_000)}
    async with collecting(tmp_path, near, far, **settings) as running:
        count = 0
        while await running.post(f"m,n={count} f={count} {count}") == 204:
            count += 1
        assert count > 0
        buckets = (await running.get("/api/v1/ledger"))["buckets"]
        [beside] = [bucket for bucket in buckets if bucket["destination"] == "far"]
        assert (beside["buffered"], beside["skipped"]) == (count, 0)
