"""How fast lines are acknowledged durably: the collector alone on one core, the load and a sink on the other.

The store is a sink that answers 204, so delivery runs all the while and costs what it costs.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks.figures import Figure
from benchmarks.lines import bodies
from benchmarks.load import Result, closed_loop, paced, request
from benchmarks.process import collector, pin_load, sink

_PATH = "/api/v2/write?bucket=telemetry&org=bench&precision=ns"
_LINES = 5000
_BATCH_CONNECTIONS, _SINGLE_CONNECTIONS = 4, 64
_CONFIG = """
collector: {{tokens: open, host: {{enabled: false}}, health: {{enabled: false}}}}
store: {{kind: influxdb, url: "http://{sink}", org: bench, token: bench}}
"""


def measure(*, quick: bool) -> Iterator[Figure]:
    """Batches, single points, and the time to acknowledge at half of the highest rate."""
    seconds = 2.0 if quick else 8.0
    pin_load()
    with (
        tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder,
        sink() as store,
        collector(Path(folder), _CONFIG.format(sink=store)) as (address, pid),
    ):
        yield from asyncio.run(_measure(address, pid, seconds))


async def _measure(address: str, pid: int, seconds: float) -> list[Figure]:
    batches = [request(_PATH, body) for body in bodies(16, _LINES)]
    points = [request(_PATH, body) for body in bodies(512, 1, seed=2)]
    await _run(address, batches, _BATCH_CONNECTIONS, 0.5)
    process = psutil.Process(pid)
    before = _spent(process)
    fast = await _run(address, batches, _BATCH_CONNECTIONS, seconds)
    between = _spent(process)
    single = await _run(address, points, _SINGLE_CONNECTIONS, seconds)
    after = _spent(process)
    half = await paced(address, batches, rate=fast.rate / 2, connections=16, seconds=seconds)
    batch_cpu, single_cpu = between - before, after - between
    return [
        Figure("lines acknowledged, batches of 5 000", fast.rate * _LINES, "lines/s", ">= 1.5 M"),
        Figure("the same in a second of CPU time", fast.acknowledged * _LINES / batch_cpu, "lines/s", ">= 1.5 M"),
        Figure("single-point POSTs acknowledged", single.rate, "requests/s", ">= 20 k"),
        Figure("the same in a second of CPU time", single.acknowledged / single_cpu, "requests/s", ">= 20 k"),
        Figure("single-point POST, p99", single.percentile(0.99) * 1000, "ms"),
        Figure("p99 to acknowledge a batch at half load", half.percentile(0.99) * 1000, "ms", "< 10 ms"),
        Figure("p50 to acknowledge a batch at half load", half.percentile(0.5) * 1000, "ms"),
        Figure("resident memory of the collector", process.memory_info().rss, "bytes", "< 200 M"),
    ]


def _spent(process: psutil.Process) -> float:
    """Seconds of CPU time so far; on a busy machine they say more than the clock."""
    times = process.cpu_times()
    return times.user + times.system


async def _run(address: str, requests: list[bytes], connections: int, seconds: float) -> Result:
    return await closed_loop(address, requests, connections=connections, seconds=seconds)
