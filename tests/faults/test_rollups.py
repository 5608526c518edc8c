"""Rollups after kill -9, and on a full disk: what stands in the target is what a run over everything would give."""

import asyncio
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from store.embedded.rollups.definition import RollupConfig, RollupTarget
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from tests.fakes.clock import ManualClock
from tests.fakes.rollup_child import BUCKET, COARSE, FINE, make_store
from tests.fakes.servers import ROOT
from tests.fakes.shipping import Log
from tests.faults.test_embedded_store import no_file_grows

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
        assert await asyncio.wait_for(child.stdout.readline(), 60)
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


async def test_full_disk(tmp_path: Path, clock: ManualClock) -> None:
    """A rollup that cannot write says so and leaves its marks; questions are answered; with room it goes on."""
    fine = RollupConfig(name="fine", query=FINE, target=RollupTarget(bucket="fine"))
    config = EmbeddedConfig(rollups=(fine,), roll_every=SELDOM)
    store = EmbeddedStore(config, state=tmp_path, clock=clock)
    await store.open()
    log = Log(store, BUCKET)
    await log.put(b"".join(b"m,t=%d f=%di %d\n" % (n % 3, n, n * 10**8) for n in range(30_000)))
    with no_file_grows(beyond=1_000):
        await store.roll()
        (told,) = store.standing().rollups
        assert "cannot write" in told.problem
        assert told.pending_windows == 300
        assert await rows(store, FINE.replace("GROUP BY", "WHERE time >= 0 AND time < 2h GROUP BY"), BUCKET)
    clock.advance(timedelta(hours=1))
    await store.roll()
    assert store.standing().rollups[0].problem == ""
    fresh = await rows(store, FINE.replace("GROUP BY", "WHERE time >= 0 AND time < 2h GROUP BY"), BUCKET)
    assert await rows(store, "SELECT s, n FROM m GROUP BY t", "fine") == fresh
    await store.close()
