"""An embedded store that comes back without rows that it had confirmed: what the buffer still has it gets again, and
what nobody has is told.
"""

import shutil
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from collector.buffer.disk import DiskConfig
from collector.config import CollectorConfig
from foundation.clock import SystemClock
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from tests.fakes.collector import QUIET, RunningCollector, running_collector

FILE = "telemetry.duckdb"
LABELS = {"destination": "embedded", "bucket": "telemetry", "reason": "setback"}
SMALL = DiskConfig(segment_bytes=1)
"""A segment for each body."""


def sizes(log: bytes) -> list[int]:
    """Where the sizes of the entries of DuckDB's log stand: behind a first one without, size, checksum, content."""
    for start in range(8, 256):
        found, at = [], start
        while at + 16 <= len(log):
            found.append(at)
            at += 16 + struct.unpack_from("<Q", log, at)[0]
        if at == len(log) and len(found) > 2:
            return found
    raise AssertionError("no entries found")


def damage_size(log: Path) -> None:
    """One bit of the size of an entry in the middle: it seems to reach beyond the end, as one that was cut short."""
    content = bytearray(log.read_bytes())
    places = sizes(bytes(content))
    content[places[len(places) // 2] + 5] ^= 0x40
    log.write_bytes(content)


def cut(log: Path) -> None:
    """The second half is missing."""
    content = log.read_bytes()
    log.write_bytes(content[: len(content) // 2])


async def put(collector: RunningCollector, first: int, last: int) -> None:
    """Lines of one field, one body each, all stored at the end."""
    for number in range(first, last):
        assert await collector.post(f"m f={number} {number + 1}") == 204
        await collector.drained()


async def count(collector: RunningCollector) -> int:
    answer = await collector.get("/query?db=telemetry&q=SELECT+count(f)+FROM+m")
    return int(answer["results"][0]["series"][0]["values"][0][1])


def store_in(state: Path) -> EmbeddedStore:
    return EmbeddedStore(EmbeddedConfig(), state=state, clock=SystemClock())


async def killed(state: Path, config: CollectorConfig) -> Path:
    """What the disk holds of a collector in the moment in which it is killed; a copy of an older store lies beside."""
    image = state.with_name("image")
    async with running_collector(store_in(state), state, config=config) as collector:
        await put(collector, 0, 3)
        shutil.copytree(state, state.with_name("older"))
        await put(collector, 3, 8)
        shutil.copytree(state, image)
    return image


def put_back(image: Path) -> None:
    """The store's file and log of an earlier day."""
    for part in image.glob(f"{FILE}*"):
        part.unlink()
    for part in image.with_name("older").glob(f"{FILE}*"):
        shutil.copy2(part, image / part.name)


MISHAPS: dict[str, Callable[[Path], None]] = {
    "a size in the log is damaged": lambda image: damage_size(image / f"{FILE}.wal"),
    "the end of the log is missing": lambda image: cut(image / f"{FILE}.wal"),
    "an older store was put in place": put_back,
    "the store is gone": lambda image: [part.unlink() for part in image.glob(f"{FILE}*")] and None,
}


@pytest.mark.parametrize("mishap", MISHAPS)
async def test_lost_rows_are_delivered_again(tmp_path: Path, mishap: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever happened to the store's file, the buffer has kept what was stored last; it is counted and said."""
    config = replace(QUIET, buffer=SMALL)
    image = await killed(tmp_path / "state", config)
    MISHAPS[mishap](image)

    async with running_collector(store_in(image), image, config=config) as collector:
        await collector.drained()
        assert await count(collector) == 8
        assert 0 < collector.count("tocsin_returned_lines_total", **LABELS) <= 8
        assert collector.count("tocsin_gone_bytes_total", **LABELS) == 0
        assert (await collector.get("/ready"))["destinations"][0]["lacks"] == []
    assert "the store lacks lines that it had confirmed" in caplog.text


async def test_what_the_buffer_has_no_more_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """How much it is, of which bucket, until when, and what brings it back; said once, and again after a restart."""
    config = replace(QUIET, buffer=replace(SMALL, keep_bytes=0))
    image = await killed(tmp_path / "state", config)
    put_back(image)

    for _ in range(2):
        caplog.clear()
        async with running_collector(store_in(image), image, config=config) as collector:
            await collector.drained()
            assert await count(collector) == 4
            gone = collector.count("tocsin_gone_bytes_total", **LABELS)
            assert gone > 0
            (lacks,) = (await collector.get("/ready"))["destinations"][0]["lacks"]
            assert lacks.startswith(f"bucket telemetry lacks the lines of {gone:.0f} bytes of the buffer's log")
            assert "tocsin restore --store" in lacks
        assert caplog.text.count("the store lacks lines that it had confirmed") == 1
        put_back(image)


async def test_one_that_lost_nothing_says_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """After a kill, with segments deleted whose last frames held no lines, all that was confirmed is there."""
    config = replace(QUIET, buffer=replace(SMALL, keep_bytes=0))
    state, image = tmp_path / "state", tmp_path / "image"
    async with running_collector(store_in(state), state, config=config) as collector:
        await put(collector, 0, 2)
        for _ in range(3):
            assert await collector.post("no line") == 400
            await collector.drained()
        shutil.copytree(state, image)

    async with running_collector(store_in(image), image, config=config) as collector:
        await collector.drained()
        assert await count(collector) == 2
        assert collector.count("tocsin_returned_lines_total", **LABELS) == 0
        assert collector.count("tocsin_gone_bytes_total", **LABELS) == 0
    assert "the store lacks" not in caplog.text
