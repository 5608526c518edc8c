"""How fast a backlog leaves the buffer: into each store, against writing to that store directly.

A buffer is filled first; then delivery alone runs until it is empty. "Directly" hands the store the same lines, in
bodies of 5 000, with nothing in between: what a client without a collector would reach.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from isal import igzip
from prometheus_client import CollectorRegistry

from benchmarks.contract import Wish
from benchmarks.figures import Figure
from benchmarks.lines import bodies
from collector.buffer.disk import DiskBuffer, DiskConfig
from collector.dead.box import DeadConfig, DeadLetters
from collector.deliver.deliverer import Deliverer
from collector.deliver.destinations import Destination
from collector.deliver.outlet import DeliveryConfig
from collector.metrics import BufferMetrics, DeadLetterMetrics, DeliveryMetrics
from foundation.batch import Batch, Position, Shipment
from foundation.clock import SystemClock
from foundation.secret import Secret
from store.contract import Store
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from store.influxdb import InfluxConfig, InfluxStore
from tests.fakes.influxd import running_influxd
from tests.fakes.servers import find_server

_LINES = 5000
_BUCKET = "telemetry"
_GOALS = {"embedded": ">= 600 k", "influxdb": ">= 95 % of direct"}


def measure(wish: Wish) -> Iterator[Figure]:
    """One figure for each store that is there."""
    count = 40 if wish.quick else 200
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        lines = bodies(count, _LINES)
        stores: list[tuple[Store, Store]] = [(_embedded(folder / "through"), _embedded(folder / "direct"))]
        program = find_server("influxd")
        if program is not None:
            server = stack.enter_context(running_influxd(program, folder / "influxd", bucket=_BUCKET))
            config = InfluxConfig(
                kind="influxdb", url=server.url, org=server.org, token=Secret(server.token), bucket=_BUCKET
            )
            stores.append((InfluxStore(config), InfluxStore(config)))
        for through, direct in stores:
            rate = asyncio.run(_through(through, lines, folder / through.name))
            yield Figure(
                f"delivery into {through.name}",
                rate,
                "lines/s",
                _GOALS[through.name],
                "written directly",
                asyncio.run(_directly(direct, bodies(count, _LINES, seed=2))),
            )


def _embedded(folder: Path) -> EmbeddedStore:
    folder.mkdir()
    return EmbeddedStore(EmbeddedConfig(), state=folder, clock=SystemClock())


async def _through(store: Store, lines: Sequence[bytes], folder: Path) -> float:
    registry = CollectorRegistry()
    clock = SystemClock()
    buffer = DiskBuffer(
        DiskConfig(),
        folder,
        [store.name],
        clock=clock,
        metrics=BufferMetrics(registry),
        on_incident=_incident,
    )
    await store.open()
    await buffer.open()
    for body in lines:
        await buffer.append(Batch(_BUCKET, body, _LINES, "bench"))
    deliverer = Deliverer(
        Destination(store.name, store),
        buffer,
        DeadLetters(DeadConfig(), folder / "dead", DeadLetterMetrics(registry)),
        config=DeliveryConfig(),
        metrics=DeliveryMetrics(registry),
        on_incident=_incident,
    )
    began = time.perf_counter()
    await deliverer.start()
    while buffer.backlog(store.name).lines:  # noqa: ASYNC110 - a backlog has no event to wait for
        await asyncio.sleep(0.005)
    seconds = time.perf_counter() - began
    await deliverer.stop()
    await buffer.close()
    await store.close()
    return len(lines) * _LINES / seconds


async def _directly(store: Store, lines: Sequence[bytes]) -> float:
    await store.open()
    shipments = [Shipment(_BUCKET, igzip.compress(body, 1), _LINES) for body in lines]
    began = time.perf_counter()
    for number, shipment in enumerate(shipments, 1):
        await store.write(shipment, Position("direct", _BUCKET, number))
    seconds = time.perf_counter() - began
    await store.close()
    return len(lines) * _LINES / seconds


def _incident(name: str, error: BaseException | None) -> None:
    raise RuntimeError(f"{name} ended by itself") from error
