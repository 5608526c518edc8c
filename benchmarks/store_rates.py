"""How fast the stores take lines: the embedded one, durably, and a real InfluxDB 2, measured in the same run.

The writer is what delivery calls, with the buffer's own form (gzip members); no HTTP intake and no buffer in between.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from isal import igzip

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


def measure(*, quick: bool) -> Iterable[Figure]:
    """Lines a second into each store, by size of shipment and mixture of shapes."""
    lines = 100_000 if quick else 1_000_000
    small, large, mixed = _shipments(lines, 5_000), _shipments(lines, 50_000), _shipments(lines // 2, 50_000, shapes=50)
    rival = {id(goods): asyncio.run(_into_influxd(goods)) for goods in (small, large, mixed)}
    for name, goal, goods in (
        ("lines into the embedded store, durable, shipments of 5 000", ">= 3 x influxd", small),
        ("lines into the embedded store, durable, shipments of 50 000", ">= 600 k", large),
        ("lines into the embedded store, 50 shapes mixed line by line", ">= 250 k", mixed),
    ):
        rate = asyncio.run(_into_embedded(goods))
        beaten = rival[id(goods)]
        yield Figure(name, rate, "lines/s", goal, "" if beaten is None else "influxd 2.9.1, same shipments", beaten)


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


async def _into_embedded(goods: Sequence[Shipment]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        store = EmbeddedStore(EmbeddedConfig(), state=Path(folder), clock=SystemClock())
        return await _rate(store, goods)


async def _into_influxd(goods: Sequence[Shipment]) -> float | None:
    """None where there is no influxd."""
    program = find_server("influxd")
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as folder, running_influxd(program, Path(folder)) as server:
        config = InfluxConfig(kind="influxdb", url=server.url, org=server.org, token=Secret(server.token))
        return await _rate(InfluxStore(config), goods)


async def _rate(store: Store, goods: Sequence[Shipment]) -> float:
    await store.open()
    try:
        began = time.perf_counter()
        for position, shipment in zip(_positions(), goods, strict=False):
            verdict = await store.write(shipment, position)
            if verdict.stored != shipment.lines:
                raise RuntimeError(f"{store.name} refused lines: {verdict.refused[:1]}")
        return sum(shipment.lines for shipment in goods) / (time.perf_counter() - began)
    finally:
        await store.close()


def _positions() -> Iterator[Position]:
    offset = 0
    while True:
        offset += 1
        yield Position("benchmark", _BUCKET, offset)
