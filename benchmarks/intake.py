"""How fast lines are acknowledged durably: the collector alone on one core, the load and a sink on the other.

The store is a sink that answers 204, so delivery runs all the while and costs what it costs. Where the binary of
VictoriaMetrics is installed, it gets the same lines on the same core afterwards.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import psutil

from benchmarks.figures import Figure
from benchmarks.lines import bodies, readings
from benchmarks.load import Result, closed_loop, paced, request
from benchmarks.process import collector, pin_load, sink, victoria_metrics

_PATH = "/api/v2/write?bucket=telemetry&org=bench&precision=ns"
_JSON_PATH = "/v1/telemetry?bucket=telemetry"
_LINES, _ITEMS = 5000, 100
_BATCH_CONNECTIONS, _JSON_CONNECTIONS, _SINGLE_CONNECTIONS = 4, 8, 64
_BATCHES, _POINTS = "lines acknowledged, batches of 5 000", "single-point POSTs acknowledged"
_RIVAL = "VictoriaMetrics, single node"
_CONFIG = """
collector: {{tokens: open, host: {{enabled: false}}, health: {{enabled: false}}}}
store: {{kind: influxdb, url: "http://{sink}", org: bench, token: bench}}
"""


def measure(*, quick: bool) -> Iterator[Figure]:
    """Batches, JSON, single points, and the time to acknowledge at half of the highest rate."""
    seconds = 2.0 if quick else 8.0
    pin_load()
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        with sink() as store, collector(Path(folder), _CONFIG.format(sink=store)) as (address, pid):
            ours = asyncio.run(_measure(address, psutil.Process(pid), seconds))
        with victoria_metrics(Path(folder) / "rival") as address_of_rival:
            if address_of_rival is not None:
                theirs = asyncio.run(_measure_rival(address_of_rival, seconds))
                ours = [
                    replace(one, rival=_RIVAL, rival_value=theirs[one.name]) if one.name in theirs else one
                    for one in ours
                ]
    yield from ours


async def _measure(address: str, process: psutil.Process, seconds: float) -> list[Figure]:
    batches = [request(_PATH, body) for body in bodies(16, _LINES)]
    points = [request(_PATH, body) for body in bodies(512, 1, seed=2)]
    arrays = [request(_JSON_PATH, body) for body in readings(64, _ITEMS)]
    await _run(address, batches, _BATCH_CONNECTIONS, 0.5)
    marks = [_spent(process)]
    fast = await _run(address, batches, _BATCH_CONNECTIONS, seconds)
    marks.append(_spent(process))
    json = await _run(address, arrays, _JSON_CONNECTIONS, seconds)
    marks.append(_spent(process))
    single = await _run(address, points, _SINGLE_CONNECTIONS, seconds)
    marks.append(_spent(process))
    half = await paced(address, batches, rate=fast.rate / 2, connections=16, seconds=seconds)
    cpu = [after - before for before, after in pairwise(marks)]
    return [
        Figure(_BATCHES, fast.rate * _LINES, "lines/s", ">= 1.5 M"),
        Figure("the same in a second of CPU time", fast.acknowledged * _LINES / cpu[0], "lines/s", ">= 1.5 M"),
        Figure("JSON readings, arrays of 100", json.rate * _ITEMS, "readings/s", ">= 150 k"),
        Figure("JSON in a second of CPU time", json.acknowledged * _ITEMS / cpu[1], "readings/s", ">= 150 k"),
        Figure(_POINTS, single.rate, "requests/s", ">= 20 k"),
        Figure("POSTs in a second of CPU time", single.acknowledged / cpu[2], "requests/s", ">= 20 k"),
        Figure("single-point POST, p99", single.percentile(0.99) * 1000, "ms"),
        Figure("p99 to acknowledge a batch at half load", half.percentile(0.99) * 1000, "ms", "< 10 ms"),
        Figure("p50 to acknowledge a batch at half load", half.percentile(0.5) * 1000, "ms"),
        Figure("resident memory of the collector", process.memory_info().rss, "bytes", "< 200 M"),
    ]


async def _measure_rival(address: str, seconds: float) -> dict[str, float]:
    """The same load; it acknowledges what is in memory, and syncs later."""
    batches = [request("/write", body) for body in bodies(16, _LINES)]
    points = [request("/write", body) for body in bodies(512, 1, seed=2)]
    await _run(address, batches, _BATCH_CONNECTIONS, 0.5)
    fast = await _run(address, batches, _BATCH_CONNECTIONS, seconds)
    single = await _run(address, points, _SINGLE_CONNECTIONS, seconds)
    return {_BATCHES: fast.rate * _LINES, _POINTS: single.rate}


def _spent(process: psutil.Process) -> float:
    """Seconds of CPU time so far; on a busy machine they say more than the clock."""
    times = process.cpu_times()
    return times.user + times.system


async def _run(address: str, requests: list[bytes], connections: int, seconds: float) -> Result:
    return await closed_loop(address, requests, connections=connections, seconds=seconds)
