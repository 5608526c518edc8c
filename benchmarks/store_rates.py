"""How fast the stores take lines: the embedded one, durably, and a real InfluxDB 2, measured in the same run.

The writer is what delivery calls, with the buffer's own form (gzip members); no HTTP intake and no buffer in between.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from isal import igzip

from benchmarks.contract import Wish
from benchmarks.figures import Figure
from foundation.batch import Position, Shipment
from foundation.clock import SystemClock
from foundation.secret import Secret
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from store.influxdb import InfluxConfig, InfluxStore
from tests.fakes.influxd import running_influxd
from tests.fakes.servers import find_server

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from store.contract import Store

_START_NS: Final = 1_760_000_000_000_000_000
_STEP_NS: Final = 1_000_000
_ERRORS: Final = 0.01
_BUCKET: Final = "telemetry"


def measure(wish: Wish) -> Iterable[Figure]:
    """Lines a second into each store, by size of shipment and mixture of shapes."""
    lines = 200_000 if wish.quick else 1_000_000
    small, large, mixed = _shipments(lines, 5_000), _shipments(lines, 50_000), _shipments(lines, 50_000, shapes=50)
    for name, goal, goods in (
        ("embedded, 5 000 lines a write", ">= 3 x influxd", small),
        ("embedded, 50 000 lines a write", ">= 600 k", large),
        ("embedded, 50 shapes mixed", ">= 250 k", mixed),
    ):
        ours, rival = asyncio.run(_into_embedded(goods)), asyncio.run(_into_influxd(goods))
        beaten = None if rival is None else rival.by_wall
        yield Figure(name, ours.by_wall, "lines/s", goal, "" if beaten is None else "influxd", beaten)
        yield Figure(f"{name}, by CPU", ours.by_cpu, "lines/CPU s")


@dataclass(frozen=True, slots=True)
class _Rate:
    """Lines a second by the clock, and by this process's own processor time (which a busy machine does not change)."""

    by_wall: float
    by_cpu: float


def _shipments(lines: int, size: int, *, shapes: int = 1) -> list[Shipment]:
    """Lines of about 120 bytes (4 tags, a float, an integer), in order of time."""
    luck = random.Random(1)
    goods = []
    for start in range(0, lines, size):
        body = b"".join(_line(start + index, luck, shapes) for index in range(size))
        goods.append(Shipment(_BUCKET, igzip.compress(body, 1), size))
    return goods


def _line(number: int, luck: random.Random, shapes: int) -> bytes:
    return (
        b"http_%d,service=shop%d,feature=checkout,endpoint=/api/v1/pay%d,method=POST duration_ms=%.2f,error=%di %d\n"
        % (
            luck.randrange(shapes),
            luck.randrange(5),
            luck.randrange(20),
            luck.random() * 500,
            luck.random() < _ERRORS,
            _START_NS + number * _STEP_NS + luck.randrange(1_000),
        )
    )


async def _into_embedded(goods: Sequence[Shipment]) -> _Rate:
    with tempfile.TemporaryDirectory() as folder:
        store = EmbeddedStore(EmbeddedConfig(), state=Path(folder), clock=SystemClock())
        return await _rate(store, goods)


async def _into_influxd(goods: Sequence[Shipment]) -> _Rate | None:
    """None where there is no influxd."""
    program = find_server("influxd")
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as folder, running_influxd(program, Path(folder)) as server:
        config = InfluxConfig(kind="influxdb", url=server.url, org=server.org, token=Secret(server.token))
        return await _rate(InfluxStore(config), goods)


async def _rate(store: Store, goods: Sequence[Shipment]) -> _Rate:
    """The first shipment makes tables and is not timed."""
    await store.open()
    try:
        positions = _positions()
        await store.write(goods[0], next(positions))
        wall, cpu = time.perf_counter(), time.process_time()
        for shipment in goods[1:]:
            verdict = await store.write(shipment, next(positions))
            if verdict.stored != shipment.lines:
                raise RuntimeError(f"{store.name} refused lines: {verdict.refused[:1]}")
        lines = sum(shipment.lines for shipment in goods[1:])
        return _Rate(lines / (time.perf_counter() - wall), lines / (time.process_time() - cpu))
    finally:
        await store.close()


def _positions() -> Iterator[Position]:
    offset = 0
    while True:
        offset += 1
        yield Position("benchmark", _BUCKET, offset)
