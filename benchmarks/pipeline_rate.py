"""How fast bodies are judged: decode and check alone, one core, no socket and no disk; in seconds of CPU time.

What intake can reach at most; the difference to the intake benchmark is HTTP, compression and the disk.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import orjson

from benchmarks.contract import Wish
from benchmarks.figures import Figure
from benchmarks.lines import bodies
from collector.check.catalog import ChecksConfig
from collector.check.catalog import build as build_checks
from collector.check.field_types import FieldTypes, FieldTypesConfig
from collector.check.pins import PinFile
from collector.decode.catalog import build as build_decoders
from collector.decode.contract import Arrival
from collector.decode.json_telemetry import JsonTelemetry, JsonTelemetryConfig
from collector.decode.line_protocol import LineProtocol
from collector.pipeline import BadLines, Pipeline
from foundation.batch import FieldType
from foundation.clock import SystemClock

_LINES = 5_000
_ITEMS = 100
_RECEIVED_NS = 1_767_225_600_000_000_000
_BAD_EVERY = 100


def measure(wish: Wish) -> Iterable[Figure]:
    """Lines a second for bodies of 5 000: known, without timestamps, with bad lines, and as JSON."""
    seconds = 0.3 if wish.quick else 2.0
    with tempfile.TemporaryDirectory() as folder:
        pipeline = asyncio.run(_open(Path(folder)))
        known = bodies(4, _LINES)
        bare = [b"".join(line.rpartition(b" ")[0] + b"\n" for line in body.splitlines()) for body in known]
        marred = [b"".join(_mar(body.splitlines(keepends=True))) for body in known]
        single = [line + b"\n" for line in known[0].splitlines()[:100]]
        readings = [orjson.dumps([{"device": f"d{item}", "temp": 21.5 + item} for item in range(_ITEMS)])]
        text, json = LineProtocol.name, JsonTelemetry.name
        yield Figure("known lines, schema guard on", _rate(pipeline, text, known, seconds), "lines/s", ">= 1.5 M")
        yield Figure("the same without timestamps", _rate(pipeline, text, bare, seconds), "lines/s")
        yield Figure("the same, one line in 100 bad", _rate(pipeline, text, marred, seconds), "lines/s")
        yield Figure("bodies of one line", _rate(pipeline, text, single, seconds), "lines/s", ">= 20 k")
        yield Figure("JSON arrays of 100", _rate(pipeline, json, readings, seconds), "items/s", ">= 150 k")


async def _open(folder: Path) -> Pipeline:
    guard = FieldTypes(FieldTypesConfig(), PinFile(folder / "field_types.sqlite"), _holds_nothing, SystemClock())
    await guard.open()
    return Pipeline(build_decoders(JsonTelemetryConfig()), build_checks(ChecksConfig(), guard), BadLines.KEEP)


async def _holds_nothing(_bucket: str) -> Mapping[str, Mapping[str, FieldType]]:
    return {}


def _mar(lines: list[bytes]) -> Iterable[bytes]:
    for number, line in enumerate(lines):
        yield b"not a line\n" if number % _BAD_EVERY == 0 else line


def _rate(pipeline: Pipeline, kind: str, samples: list[bytes], seconds: float) -> float:
    arrivals = [Arrival(body, _RECEIVED_NS) for body in samples]

    def judge(arrival: Arrival) -> int:
        outcome = pipeline.run(kind, arrival, bucket="telemetry", source="benchmark")
        return outcome.accepted + outcome.dropped

    for arrival in arrivals:
        judge(arrival)
    return _per_second(judge, arrivals, seconds)


def _per_second(judge: Callable[[Arrival], int], arrivals: list[Arrival], seconds: float) -> float:
    lines, began = 0, time.process_time()
    while (spent := time.process_time() - began) < seconds:
        for arrival in arrivals:
            lines += judge(arrival)
    return lines / spent
