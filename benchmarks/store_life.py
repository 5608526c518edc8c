"""What age, number and lateness do to the embedded store: last values, one hour of a long past, its size.

The store alone, asked within this process, so that an answer is told by the CPU time of all its threads; the bytes are
those of its file and of influxd's folders, with the same points, when each has settled.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import ExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from random import Random

from isal import igzip

from benchmarks.contract import Wish
from benchmarks.figures import Figure
from benchmarks.process import one_core
from benchmarks.store_pair import fill
from benchmarks.store_points import BATCH, BUCKET, START_NS, belated, shipments
from foundation.batch import Position, Shipment
from foundation.clock import SystemClock
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from tests.fakes.influxd import Influxd, running_influxd
from tests.fakes.servers import find_server

_NS = 1_000_000_000
_HOUR_NS, _DAY_NS = 3_600 * _NS, 86_400 * _NS
_SERIES, _QUICK_SERIES = 10_000, 1_000
_POINTS, _QUICK = 5_000_000, 200_000
_YEAR = 365
_PASTS = (1, 30, _YEAR)
_MONTH_NS = 30 * _DAY_NS
_LATE = (0.0, 0.05, 0.3)
_SOME_LATE = 0.05
_TURNS = 15
_SETTLES_S, _EVERY_S = 120.0, 2.0
_CPU = "ms of CPU"
_LAST = 'SELECT last("value") FROM "reading" GROUP BY "device"'
_HOUR = (
    'SELECT percentile("duration_ms", 95), mean("duration_ms"), count("error") FROM "http_request" '
    'WHERE time >= {since} AND time < {until} GROUP BY time(1m), "service"'
)


def measure(wish: Wish) -> Iterator[Figure]:
    """Last values, the last hour, an hour of a past whose points came late, then bytes for each point."""
    points = _QUICK if wish.quick else wish.points or _POINTS
    with one_core(), tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name:
        yield from asyncio.run(_last_values(Path(name) / "last", _QUICK_SERIES if wish.quick else _SERIES))
        yield from asyncio.run(_last_hour(Path(name), points))
        yield from asyncio.run(_late_points(Path(name), points))
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name:
        yield from _sizes(Path(name), points)


async def _last_values(folder: Path, series: int) -> list[Figure]:
    async with _filled(folder, _readings(series)) as store:
        taken, count = await _time(store, _LAST)
    return [Figure(f"last value of each of {count} series", taken * 1e3, _CPU, "< 50")]


async def _last_hour(folder: Path, points: int) -> list[Figure]:
    """At a constant rate, so that only what lies before the hour differs."""
    until = START_NS + _YEAR * _DAY_NS
    text = _HOUR.format(since=until - _HOUR_NS, until=until)
    times = []
    for days in _PASTS:
        goods = shipments(points * days // _YEAR, days * _DAY_NS, start_ns=until - days * _DAY_NS)
        async with _filled(folder / f"{days}d", goods) as store:
            times.append((await _time(store, text))[0])
    return [
        Figure(f"a query over the last hour, {days} days held", taken * 1e3, _CPU, "< 1.2 x one day" * (days > 1))
        for days, taken in zip(_PASTS, times, strict=True)
    ]


async def _late_points(folder: Path, points: int) -> list[Figure]:
    """An hour in the middle of a month: before points are put in order and behind it, and what that costs."""
    text = _HOUR.format(since=START_NS + _MONTH_NS // 2, until=START_NS + _MONTH_NS // 2 + _HOUR_NS)
    figures = []
    for share in _LATE:
        goods = shipments(points, _MONTH_NS)
        async with _filled(folder / f"late{share}", belated(goods, share) if share else goods) as store:
            name = f"an hour a fortnight ago, {share:.0%} late"
            figures.append(Figure(name, (await _time(store, text))[0] * 1e3, _CPU))
            started = time.process_time()
            moved = await store.compact()
            if moved:
                cost = (time.process_time() - started) / moved
                figures.append(Figure(f"{name}, put in order", (await _time(store, text))[0] * 1e3, _CPU))
                figures.append(Figure(f"points moved for that, {share:.0%} late", moved / points, "of all points"))
                figures.append(Figure("putting in order, for each point moved", cost * 1e6, "us of CPU"))
    return figures


def _sizes(folder: Path, points: int) -> list[Figure]:
    program = find_server("influxd")
    with ExitStack() as stack:
        influxd: Influxd | None = None
        if program is not None:
            influxd = stack.enter_context(running_influxd(program, folder / "influxd"))
        asyncio.run(fill(folder / "state", influxd, belated(shipments(points, _DAY_NS), _SOME_LATE)))
        asyncio.run(_compact(folder / "state"))
        theirs = None if influxd is None else _settled(folder / "influxd" / "engine" / "data") / points
    ours = (folder / "state" / "telemetry.duckdb").stat().st_size / points
    name = f"bytes on disk for each point, {_SOME_LATE:.0%} late, behind compaction"
    return [Figure(name, ours, "bytes", "<= influxd", "influxd" * bool(theirs), theirs)]


async def _compact(folder: Path) -> None:
    async with _filled(folder, ()) as store:
        _ = await store.compact()


def _settled(folder: Path) -> int:
    """Bytes once nothing has changed for a while: influxd compacts when it likes."""
    end = time.monotonic() + _SETTLES_S
    size, before = _bytes_in(folder), -1
    while size != before and time.monotonic() < end:
        time.sleep(_EVERY_S)
        size, before = _bytes_in(folder), size
    return size


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@asynccontextmanager
async def _filled(folder: Path, goods: Iterable[Shipment]) -> AsyncIterator[EmbeddedStore]:
    """A store with these shipments besides what it had, which is compacted when it is told."""
    store = EmbeddedStore(EmbeddedConfig(compact_every=timedelta()), state=folder, clock=SystemClock())
    await store.open()
    try:
        for turn, shipment in enumerate(goods, start=1):
            await store.write(shipment, Position("benchmark", BUCKET, turn))
        yield store
    finally:
        await store.close()


async def _time(store: EmbeddedStore, text: str) -> tuple[float, int]:
    """CPU seconds: the median of some answers behind one that warms up; and how many series they had."""
    times, count = [], 0
    for _ in range(_TURNS + 1):
        started = time.process_time()
        (result,) = await store.query(text, BUCKET)
        times.append(time.process_time() - started)
        count = len(result.series)
        if result.error is not None:
            raise RuntimeError(f"{text}: {result.error}")
    return statistics.median(times[1:]), count


def _readings(series: int) -> Iterator[Shipment]:
    """A hundred readings of each device, one a minute."""
    luck = Random(1)
    for minute in range(100):
        at = START_NS + minute * 60 * _NS
        for first in range(0, series, BATCH):
            devices = range(first, min(first + BATCH, series))
            lines = [b"reading,device=d%d value=%.2f %d\n" % (one, luck.gauss(20, 4), at + one) for one in devices]
            yield Shipment(BUCKET, igzip.compress(b"".join(lines), 1), len(lines))
