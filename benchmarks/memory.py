"""What the collector keeps in memory at full rate: resident bytes every ten seconds, and where they are going.

Batches of 5 000 lines as fast as they are acknowledged, into a sink that answers 204, for `--minutes` (the goal is held
against ten). The slope is that of a straight line through all samples but those of the first fifth, in which tables,
caches and the allocator's arenas fill up once.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import linear_regression

import psutil

from benchmarks.contract import Wish
from benchmarks.figures import Figure
from benchmarks.intake import BATCH_CONNECTIONS, CONFIG, LINES, PATH
from benchmarks.lines import bodies
from benchmarks.load import Result, closed_loop, request, run
from benchmarks.process import collector, pin_load, sink
from benchmarks.watch import buffered_lines

_EVERY_S, _QUICK_EVERY_S = 10.0, 0.5
_QUICK_S = 5.0
_MINUTE_S = 60.0
_SETTLES = 0.2


def measure(wish: Wish) -> Iterator[Figure]:
    """First, last and largest, and the slope."""
    seconds = _QUICK_S if wish.quick else wish.minutes * _MINUTE_S
    every_s = _QUICK_EVERY_S if wish.quick else _EVERY_S
    pin_load()
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name, sink() as store:
        config = CONFIG.format(sink=store, checks="")
        with collector(Path(name), config, profile=wish.profile, name="memory") as (address, pid):
            result, samples = run(_watch(address, psutil.Process(pid), seconds, every_s))
            waiting = buffered_lines(address)
    settled = samples[int(len(samples) * _SETTLES) :]
    times, sizes = [time_s for time_s, _ in settled], [size for _, size in settled]
    slope = linear_regression(times, sizes).slope if len(set(times)) > 1 else 0.0
    yield Figure("resident memory, first", samples[0][1], "bytes", "< 200 M")
    yield Figure("resident memory, last", samples[-1][1], "bytes", "< 200 M")
    yield Figure("resident memory, largest", max(size for _, size in samples), "bytes", "< 200 M")
    yield Figure("its slope", slope * _MINUTE_S, "bytes/min", "flat")
    yield Figure("minutes watched", seconds / _MINUTE_S, "min", "10")
    yield Figure("lines acknowledged meanwhile", result.rate * LINES, "lines/s")
    yield Figure("lines not yet delivered at the end", waiting, "lines")


async def _watch(
    address: str, process: psutil.Process, seconds: float, every_s: float
) -> tuple[Result, Sequence[tuple[float, int]]]:
    """What came back, and (second, resident bytes) from the first second of load to its end."""
    batches = [request(PATH, body) for body in bodies(16, LINES)]
    loop = asyncio.get_running_loop()
    began = loop.time()
    samples: list[tuple[float, int]] = []
    load = asyncio.create_task(closed_loop(address, batches, connections=BATCH_CONNECTIONS, seconds=seconds))
    while not load.done():
        await asyncio.wait({load}, timeout=every_s)
        samples.append((loop.time() - began, process.memory_info().rss))
        print(f"{samples[-1][0]:6.0f} s  {samples[-1][1] / 1e6:7.1f} MB", file=sys.stderr, flush=True)
    return await load, samples
