"""How fast lines are acknowledged durably: the collector alone on one core, the load and a sink on the other.

The store is a sink that answers 204, so delivery runs all the while and costs what it costs. Every row has a collector
of its own. Where the binary of VictoriaMetrics is installed, it gets the same lines on the same core afterwards.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil

from benchmarks.contract import Wish
from benchmarks.figures import Figure
from benchmarks.lines import bodies, readings
from benchmarks.load import Result, closed_loop, paced, request, run
from benchmarks.process import collector, pin_load, sink, trivial, victoria_metrics

PATH = "/api/v2/write?bucket=telemetry&org=bench&precision=ns"
_JSON_PATH = "/v1/telemetry?bucket=telemetry"
LINES, _ITEMS = 5000, 100
BATCH_CONNECTIONS, _JSON_CONNECTIONS, _SINGLE_CONNECTIONS = 4, 8, 64
_BATCHES, _POINTS = "lines acknowledged, batches of 5 000", "single-point POSTs acknowledged"
_RIVAL = "VictoriaMetrics, single node"
CONFIG = """
collector: {{tokens: open, host: {{enabled: false}}, health: {{enabled: false}}, checks: {{{checks}}}}}
store: {{kind: influxdb, url: "http://{sink}", org: bench, token: bench}}
"""
_BUDGET = "cardinality: {per_measurement: 100000, per_source: 200000}"
"""The schema guard needs no setting: it always stands."""


@dataclass(slots=True)
class Load:
    """What is sent, made once for all rows."""

    batches: list[bytes] = field(default_factory=lambda: [request(PATH, body) for body in bodies(16, LINES)])
    points: list[bytes] = field(default_factory=lambda: [request(PATH, body) for body in bodies(512, 1, seed=2)])
    arrays: list[bytes] = field(default_factory=lambda: [request(_JSON_PATH, body) for body in readings(64, _ITEMS)])

    @property
    def rivals_batches(self) -> list[bytes]:
        """The same lines for /write."""
        return [request("/write", wire.partition(b"\r\n\r\n")[2]) for wire in self.batches]

    @property
    def rivals_points(self) -> list[bytes]:
        """The same lines for /write."""
        return [request("/write", wire.partition(b"\r\n\r\n")[2]) for wire in self.points]


@dataclass(frozen=True, slots=True)
class Row:
    """Rows measured with one collector: `checks` is its configuration, `measure` gets its address and its process."""

    name: str
    measure: Callable[[Load, str, psutil.Process, float], Coroutine[Any, Any, list[Figure]]]
    checks: str = ""


def measure(wish: Wish) -> Iterator[Figure]:
    """Batches, with and without a budget of series, the time to acknowledge them, JSON and single points."""
    seconds = 2.0 if wish.quick else 8.0
    pin_load()
    load = Load()
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name:
        folder = Path(name)
        with sink() as store:
            ours = [figure for row in _ROWS for figure in _measure(row, load, folder / row.name, store, wish, seconds)]
        theirs = _measure_rival(load, folder / "rival", seconds)
        with trivial() as address:
            limits = run(_limits(load, address, seconds / 2))
    for one in ours:
        yield replace(one, rival=_RIVAL, rival_value=theirs[one.name]) if one.name in theirs else one
    yield from limits


def _measure(row: Row, load: Load, folder: Path, store: str, wish: Wish, seconds: float) -> list[Figure]:
    config = CONFIG.format(sink=store, checks=row.checks)
    with collector(folder, config, profile=wish.profile, name=row.name) as (address, pid):
        return run(row.measure(load, address, psutil.Process(pid), seconds))


async def _batches(load: Load, address: str, process: psutil.Process, seconds: float) -> list[Figure]:
    fast, spent_s = await _spending(process, load.batches, address, BATCH_CONNECTIONS, seconds)
    half = await paced(address, load.batches, rate=fast.rate / 2, connections=16, seconds=seconds)
    return [
        Figure(_BATCHES, fast.rate * LINES, "lines/s", ">= 1.5 M"),
        Figure("the same in a second of CPU time", fast.acknowledged * LINES / spent_s, "lines/s", ">= 1.5 M"),
        Figure("p99 to acknowledge a batch at half load", half.percentile(0.99) * 1000, "ms", "< 10 ms"),
        Figure("p50 to acknowledge a batch at half load", half.percentile(0.5) * 1000, "ms"),
        Figure("resident memory after batches", process.memory_info().rss, "bytes", "< 200 M"),
    ]


async def _budgeted(load: Load, address: str, process: psutil.Process, seconds: float) -> list[Figure]:
    fast, spent_s = await _spending(process, load.batches, address, BATCH_CONNECTIONS, seconds)
    return [
        Figure("batches with a cardinality budget", fast.rate * LINES, "lines/s", ">= 1 M"),
        Figure("these in a second of CPU time", fast.acknowledged * LINES / spent_s, "lines/s", ">= 1 M"),
    ]


async def _readings(load: Load, address: str, process: psutil.Process, seconds: float) -> list[Figure]:
    json, spent_s = await _spending(process, load.arrays, address, _JSON_CONNECTIONS, seconds)
    return [
        Figure("JSON readings, arrays of 100", json.rate * _ITEMS, "readings/s", ">= 150 k"),
        Figure("JSON in a second of CPU time", json.acknowledged * _ITEMS / spent_s, "readings/s", ">= 150 k"),
    ]


async def _points(load: Load, address: str, process: psutil.Process, seconds: float) -> list[Figure]:
    single, spent_s = await _spending(process, load.points, address, _SINGLE_CONNECTIONS, seconds)
    return [
        Figure(_POINTS, single.rate, "requests/s", ">= 20 k"),
        Figure("POSTs in a second of CPU time", single.acknowledged / spent_s, "requests/s", ">= 20 k"),
        Figure("single-point POST, p99", single.percentile(0.99) * 1000, "ms"),
    ]


_ROWS = (
    Row("batches", _batches),
    Row("budget", _budgeted, _BUDGET),
    Row("json", _readings),
    Row("points", _points),
)


def _measure_rival(load: Load, folder: Path, seconds: float) -> Mapping[str, float]:
    """The same load; it acknowledges what is in memory, and syncs later."""
    with victoria_metrics(folder) as address:
        if address is None:
            return {}
        fast = run(_warmed(address, load.rivals_batches, BATCH_CONNECTIONS, seconds))
        single = run(_warmed(address, load.rivals_points, _SINGLE_CONNECTIONS, seconds))
    return {_BATCHES: fast.rate * LINES, _POINTS: single.rate}


async def _limits(load: Load, address: str, seconds: float) -> list[Figure]:
    """The highest figures that this load generator can measure."""
    fast = await closed_loop(address, load.batches, connections=BATCH_CONNECTIONS, seconds=seconds)
    single = await closed_loop(address, load.points, connections=_SINGLE_CONNECTIONS, seconds=seconds)
    return [
        Figure("the load alone, batches", fast.rate * LINES, "lines/s"),
        Figure("the load alone, single points", single.rate, "requests/s"),
    ]


async def _spending(
    process: psutil.Process, requests: list[bytes], address: str, connections: int, seconds: float
) -> tuple[Result, float]:
    """What came back, and the seconds of CPU time it cost: on a busy machine they say more than the clock."""
    await _warm(address, requests, connections)
    before = _spent(process)
    result = await closed_loop(address, requests, connections=connections, seconds=seconds)
    return result, _spent(process) - before


async def _warmed(address: str, requests: list[bytes], connections: int, seconds: float) -> Result:
    await _warm(address, requests, connections)
    return await closed_loop(address, requests, connections=connections, seconds=seconds)


async def _warm(address: str, requests: list[bytes], connections: int) -> None:
    await closed_loop(address, requests, connections=connections, seconds=0.5)


def _spent(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system
