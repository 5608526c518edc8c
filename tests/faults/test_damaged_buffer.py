"""Somebody deletes or spoils pieces of a buffer that waits: what is whole arrives, what is lost is counted."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from collector.buffer.disk import DiskConfig
from tests.fakes.collector import QUIET, RunningCollector, influx_store, running_collector
from tests.fakes.store_server import StoreServer, refuse, store

BODIES = 6
CONFIG = replace(QUIET, buffer=DiskConfig(segment_bytes=1))
"""Every body is a segment of its own."""


@pytest.fixture
async def server() -> AsyncIterator[StoreServer]:
    async with StoreServer(standing=refuse(503, "away")) as one:
        yield one


async def fill(line: RunningCollector) -> None:
    for body in range(BODIES):
        assert await line.post(f"m,n={body} f=1", f"m,n={body} g=2") == 204


def segments(state: Path) -> list[Path]:
    found = sorted(state.rglob("*.seg"))
    assert len(found) == BODIES
    return found


def damage(state: Path) -> tuple[int, int]:
    """The second segment vanishes, the fourth is spoilt in its middle; their sizes."""
    _, vanishes, _, spoilt, *_ = segments(state)
    sizes = vanishes.stat().st_size, spoilt.stat().st_size
    vanishes.unlink()
    content = bytearray(spoilt.read_bytes())
    content[len(content) // 2] ^= 0x40
    spoilt.write_bytes(content)
    return sizes


def arrived(server: StoreServer) -> set[str]:
    """Numbers of the bodies whose lines are in the store."""
    return {line.split(" ")[0].removeprefix("m,n=") for line in server.lines()}


async def test_damage_found_at_the_start_is_passed(server: StoreServer, tmp_path: Path):
    """A restart on a damaged buffer delivers every other segment, counts each lost byte, and its ledger closes."""
    async with running_collector(influx_store(server.url), tmp_path, config=CONFIG) as line:
        await fill(line)
    missing, broken = damage(tmp_path)
    server.standing = store
    async with running_collector(influx_store(server.url), tmp_path, config=CONFIG) as line:
        await line.drained()
        assert line.count("tocsin_buffer_skipped_bytes_total", reason="missing") == missing
        assert line.count("tocsin_buffer_skipped_bytes_total", reason="broken") == broken
    assert arrived(server) == {"0", "2", "4", "5"}


async def test_damage_done_while_lines_wait_is_passed(server: StoreServer, tmp_path: Path):
    """Under the running collector it is the same: the rest arrives, and the ledger says where the lost lines went."""
    async with running_collector(influx_store(server.url), tmp_path, config=CONFIG) as line:
        await fill(line)
        missing, broken = damage(tmp_path)
        server.standing = store
        await line.drained()
        assert line.count("tocsin_buffer_skipped_bytes_total", reason="missing") == missing
        assert line.count("tocsin_buffer_skipped_bytes_total", reason="broken") == broken
        assert await line.post("m,n=after f=1") == 204
        await line.drained()
    assert arrived(server) == {"0", "2", "4", "5", "after"}
