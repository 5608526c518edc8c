"""The whole collector in this process, on a free port, in front of a store that a test chooses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client import CollectorRegistry

from collector.app import Collector
from collector.config import CollectorConfig, HealthConfig
from collector.intake.host import HostConfig
from foundation.clock import Clock, SystemClock
from foundation.secret import Secret
from store.contract import Store
from store.influxdb import InfluxConfig, InfluxStore
from tests.fakes.buffers import Incidents
from tests.fakes.polling import until
from tests.fakes.store_server import TOKEN

QUIET = CollectorConfig(
    listen="127.0.0.1:0", tokens="open", host=HostConfig(enabled=False), health=HealthConfig(enabled=False)
)
"""Open, and nothing comes in but what the test sends."""


def influx_store(url: str, *, org: str = "o", token: str = TOKEN, timeout_s: float = 60.0) -> InfluxStore:
    """A store that speaks to the server at `url`."""
    timeout = timedelta(seconds=timeout_s)
    return InfluxStore(InfluxConfig(kind="influxdb", url=url, org=org, token=Secret(token), timeout=timeout))


@dataclass
class RunningCollector:
    """A started collector, and what its senders and its operator see of it."""

    role: Collector
    registry: CollectorRegistry
    incidents: Incidents
    session: aiohttp.ClientSession
    url: str
    acknowledged: list[str] = field(default_factory=list)
    """Lines without their times, as they were posted."""

    async def post(self, *lines: str, bucket: str = "telemetry") -> int:
        """One body; its lines count as acknowledged when the status, which is returned, is 204."""
        body = "".join(f"{line}\n" for line in lines)
        async with self.session.post(f"{self.url}/api/v2/write?org=o&bucket={bucket}", data=body) as answer:
            await answer.read()
            if answer.status == 204:
                self.acknowledged += lines
            return answer.status

    async def get(self, path: str) -> Any:
        """The answer to GET, as JSON."""
        async with self.session.get(self.url + path) as answer:
            return await answer.json()

    def count(self, name: str, **labels: str) -> float:
        """A metric's value, 0 where it was never counted."""
        return self.registry.get_sample_value(name, labels) or 0.0

    def retries(self) -> float:
        """Attempts that failed, for whatever reason."""
        samples = [sample for metric in self.registry.collect() for sample in metric.samples]
        return sum(sample.value for sample in samples if sample.name == "tocsin_retries_total")

    async def closes(self) -> bool:
        """Whether the ledger does, now."""
        return bool((await self.get("/api/v1/ledger"))["closes"])

    async def drained(self) -> None:
        """Wait until nothing is left to deliver and the ledger closes over it."""

        async def empty() -> bool:
            return (await self.get("/ready"))["buffered_lines"] == 0 and await self.closes()

        await until(empty, seconds=40, what="an empty buffer and a ledger that closes")


@asynccontextmanager
async def running_collector(
    store: Store,
    state: Path,
    *,
    config: CollectorConfig = QUIET,
    clock: Clock | None = None,
) -> AsyncIterator[RunningCollector]:
    """Start and stop it; a task that should have run for ever and ended fails the test."""
    registry, incidents = CollectorRegistry(), Incidents()
    role = Collector(config, store, state=state, clock=clock or SystemClock(), registry=registry, on_incident=incidents)
    async with aiohttp.ClientSession() as session:
        try:
            url = f"http://{await role.start()}"
            yield RunningCollector(role, registry, incidents, session, url)
        finally:
            await role.stop()
    assert incidents == []
