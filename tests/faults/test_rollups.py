"""Rollups after kill -9: what stands in the target is what a run over everything would give."""

import asyncio
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from store.embedded.store import EmbeddedStore
from tests.fakes.rollup_child import BUCKET, COARSE, FINE, make_store
from tests.fakes.servers import ROOT

ROUNDS = 2
SELDOM = timedelta(days=3650)
SERIES = dict[tuple[tuple[str, str], ...], list[list[Any]]]


async def write_and_die(path: Path, seed: int, shipments: int) -> None:
    """Let a child write and roll, and kill it in the middle of it."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.fakes.rollup_child",
        str(path),
        str(seed),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    for _ in range(shipments):
        assert await asyncio.wait_for(child.stdout.readline(), 30)
    child.send_signal(signal.SIGKILL)
    await child.communicate()


async def rows(store: EmbeddedStore, query: str, bucket: str) -> SERIES:
    """Series by tags, rows without windows that hold nothing."""
    (result,) = await store.query(query, bucket)
    assert result.error is None
    return {
        tuple(series.tags.items()): [row for row in series.values if row[2]]
        for series in result.series
        if any(row[2] for row in series.values)
    }


async def test_kill_9_while_rolling(tmp_path: Path) -> None:
    """After every kill, what is still marked and rolled then makes both targets what their sources come to."""
    path = tmp_path / "telemetry.duckdb"
    everything = "WHERE time >= 0 AND time < 2h GROUP BY"
    for round_ in range(ROUNDS):
        await write_and_die(path, seed=round_, shipments=10 + 7 * round_)
        store = make_store(path, SELDOM)
        await store.open()
        await store.roll()
        await store.roll()
        fine = await rows(store, FINE.replace("GROUP BY", everything), BUCKET)
        assert fine
        assert await rows(store, "SELECT s, n FROM m GROUP BY t", "fine") == fine
        coarse = await rows(store, COARSE.replace("GROUP BY", everything), "fine")
        assert await rows(store, "SELECT s, n FROM m", "coarse") == coarse
        assert [one.pending_windows for one in store.standing().rollups] == [0, 0]
        await store.close()
