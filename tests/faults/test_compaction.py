"""Compaction under kill -9, on a disk that is full, and while the store closes."""

import asyncio
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from store.embedded.store import EmbeddedConfig, EmbeddedStore
from tests.fakes.clock import ManualClock
from tests.fakes.disordered import BUCKET, POINTS, SUM
from tests.fakes.polling import until
from tests.fakes.servers import ROOT
from tests.fakes.shipping import Log
from tests.faults.test_embedded_store import no_file_grows, scalar

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "2"))
NEVER = timedelta()
COPIED, COMMITTED, CHECKPOINTED = 2, 3, 5
"""Moments of the child's first move."""


@pytest.fixture
def store(disordered: Path, clock: ManualClock) -> EmbeddedStore:
    """A store on it that compacts when it is told."""
    return EmbeddedStore(EmbeddedConfig(path=disordered, compact_every=NEVER), state=disordered.parent, clock=clock)


def size(path: Path) -> int:
    """Bytes of a file."""
    return path.stat().st_size


async def put_in_order_and_die(path: Path, moment: int, after_s: float = 60.0) -> int:
    """Let a child compact the file until it kills itself at a moment, or is killed after some time; how it ended."""
    module = "tests.fakes.compaction_child"
    child = await asyncio.create_subprocess_exec(sys.executable, "-m", module, str(path), str(moment), cwd=ROOT)
    try:
        return await asyncio.wait_for(child.wait(), after_s)
    except TimeoutError:
        child.kill()
        return await child.wait()


async def check(path: Path, clock: ManualClock) -> int:
    """Open the file: every point is there once, can be copied and put in order; how many were moved."""
    store = EmbeddedStore(EmbeddedConfig(path=path, compact_every=NEVER), state=path.parent, clock=clock)
    await store.open()
    assert await scalar(store, "SELECT count(f), sum(f) FROM m") == [POINTS, SUM]
    assert (await store.copy()).lines == {BUCKET: {"m": POINTS}}
    moved = await store.compact()
    assert await scalar(store, "SELECT count(f), sum(f) FROM m") == [POINTS, SUM]
    await store.close()
    return moved


@pytest.mark.parametrize("moment", [COPIED, COMMITTED, CHECKPOINTED])
async def test_kill_9_at_every_commit(disordered: Path, clock: ManualClock, moment: int) -> None:
    """In front of a move's commit nothing was moved, behind it all of it; every point is there once either way."""
    assert await put_in_order_and_die(disordered, moment) == -signal.SIGKILL
    moved = await check(disordered, clock)
    assert (moved > 0) is (moment == COPIED)


async def test_kill_9_at_any_time(disordered: Path, clock: ManualClock) -> None:
    """Again and again: every point is there once, and the file does not grow by what was not committed."""
    luck, before = Random(1), size(disordered)  # noqa: S311 - when to kill is no secret
    for _ in range(ROUNDS):
        # A quick machine is done before it is killed.
        assert await put_in_order_and_die(disordered, 1_000, after_s=luck.uniform(0.5, 1.5)) in (0, -signal.SIGKILL)
    await check(disordered, clock)
    assert size(disordered) < 4 * before


@pytest.mark.parametrize("room", [1_000, 3_000_000], ids=["at once", "in the middle"])
async def test_full_disk(disordered: Path, store: EmbeddedStore, room: int) -> None:
    """Where the disk is full the points stay where they are, and it is said; with room they are put in order."""
    await store.open()
    with no_file_grows(beyond=size(disordered) + room):
        assert await store.compact() == 0
        assert await scalar(store, "SELECT count(f), sum(f) FROM m") == [POINTS, SUM]
    (problem,) = store.standing().problems
    assert problem.startswith("points cannot be put in order")
    log = Log(store)
    await log.put(b"m f=0 0\n")
    assert await store.compact() > 0
    assert store.standing().problems == ()
    assert await scalar(store, "SELECT count(f), sum(f) FROM m") == [POINTS, SUM]
    await store.close()


async def test_the_store_closes_meanwhile(disordered: Path, clock: ManualClock) -> None:
    """Whatever a move is about, closing stops it, and the file opens again with every point."""
    config, before = EmbeddedConfig(path=disordered, compact_every=timedelta(microseconds=1)), size(disordered)
    store = EmbeddedStore(config, state=disordered.parent, clock=clock)
    await store.open()
    await until(lambda: size(disordered) > before, what="points to be copied")
    await store.close()
    await check(disordered, clock)
