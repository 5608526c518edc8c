"""What queries of the embedded store put to disk for lack of memory: when the disk is full, and after a kill."""

from pathlib import Path

import pytest

from store.embedded.store import EmbeddedConfig, EmbeddedStore
from store.errors import StoreUnavailable
from tests.fakes.clock import ManualClock
from tests.fakes.shipping import Log
from tests.fakes.store_child import BUCKET
from tests.faults.test_embedded_store import fill, no_file_grows, scalar


async def test_a_query_without_room_on_disk_fails_alone(tmp_path: Path, clock: ManualClock) -> None:
    """It says why; the next one is answered, and lines are stored."""
    lines = await fill(tmp_path, clock)
    store = EmbeddedStore(EmbeddedConfig(memory_limit="8MB", recent_limit=""), state=tmp_path, clock=clock)
    await store.open()
    with no_file_grows(beyond=20_000), pytest.raises(StoreUnavailable, match=r"cannot read: .*telemetry\.duckdb\.tmp"):
        await store.query("SELECT distinct(s) FROM m", BUCKET)
    assert await scalar(store, "SELECT count(f) FROM m") == [lines]
    await Log(store, BUCKET, "another").put(b"n f=1 1\n")
    assert await scalar(store, "SELECT count(f) FROM n") == [1]
    await store.close()


async def test_what_a_killed_process_left_is_removed(tmp_path: Path, clock: ManualClock) -> None:
    """At the start, so that a disk that was full of it has room."""
    left = tmp_path / "telemetry.duckdb.tmp" / "duckdb_temp_0_0_storage_DEFAULT-0.tmp"
    left.parent.mkdir()
    left.write_bytes(bytes(1000))
    store = EmbeddedStore(EmbeddedConfig(), state=tmp_path, clock=clock)
    await store.open()
    assert not left.exists()
    await store.close()
