"""Copies of the embedded store: whole, of one moment, and in nobody's way."""

import asyncio
from pathlib import Path

import duckdb
import pytest

from store.embedded.copying import count_lines
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from store.errors import StoreUnavailable
from tests.fakes.clock import ManualClock
from tests.fakes.shipping import Log

ODD = b'SELECT,from=x,tag\\ key=a\\,b F=1,f=2,i=-7i,u=18446744073709551615u,s="a\n\\"b\\"",b=true 10\n'


async def answers(store: EmbeddedStore) -> list[object]:
    found: list[object] = []
    for query in ("SHOW MEASUREMENTS", "SHOW FIELD KEYS", "SHOW TAG KEYS", 'SELECT * FROM "SELECT"', "SELECT * FROM m"):
        found += await store.query(query, "telemetry")
    return found


async def test_a_copy_answers_as_the_store_does(tmp_path: Path, clock: ManualClock) -> None:
    """Every bucket, type and name is in it, with the positions; the counts say so."""
    store = EmbeddedStore(EmbeddedConfig(), state=tmp_path / "it's", clock=clock)
    await store.open()
    log = Log(store)
    await log.put(ODD + b"m f=1 1\nm,h=a f=2 2\nm,h=a f=3 2\n")
    await Log(store, "second").put(b"m f=1 1\n")
    copied = await store.copy()
    assert copied.lines == {"telemetry": {"SELECT": 1, "m": 2}, "second": {"m": 1}} == count_lines(copied.path)
    await log.put(b"m f=9 9\n")

    other = EmbeddedStore(EmbeddedConfig(path=copied.path), state=tmp_path, clock=clock)
    await other.open()
    assert await other.position(log.name, log.bucket) == log.offset - len(b"m f=9 9\n")
    again = Log(other, name="another")
    await again.put(b"m f=9 9\n")
    assert await answers(other) == await answers(store)
    await other.close()
    await store.close()


async def test_writes_go_on_beside_copies(tmp_path: Path, clock: ManualClock) -> None:
    """Each copy holds whole shipments, whatever is written meanwhile."""
    store = EmbeddedStore(EmbeddedConfig(checkpoint_at="1MB"), state=tmp_path, clock=clock)
    await store.open()
    log = Log(store)
    await log.put(b"m f=0 0\nn f=0 0\n")
    seen: list[int] = []

    async def copy() -> None:
        for _ in range(5):
            copied = await store.copy()
            counts = copied.lines["telemetry"]
            assert counts["m"] == counts["n"]
            seen.append(counts["m"])
            copied.path.unlink()

    copying = asyncio.create_task(copy())
    number = 0
    while not copying.done():
        number += 1
        rows = [b"m f=%d %d\nn f=%d %d\n" % (n, n, n, n) for n in range(number * 500, number * 500 + 500)]
        await log.put(b"".join(rows))
    await copying
    assert seen == sorted(seen)
    assert all(count % 500 == 1 for count in seen)
    await store.close()


async def test_a_copy_that_is_stopped_leaves_nothing(tmp_path: Path, clock: ManualClock) -> None:
    """Closing the store or losing interest ends a copy; the next one finds the folder in order."""
    store = EmbeddedStore(EmbeddedConfig(), state=tmp_path, clock=clock)
    await store.open()
    await Log(store).put(b"".join(b"m f=%d %d\n" % (n, n) for n in range(100_000)))
    copying = asyncio.create_task(store.copy())
    await asyncio.sleep(0)
    copying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await copying
    (tmp_path / "copies").mkdir(exist_ok=True)
    (tmp_path / "copies" / "5.part").write_text("half of it")
    (tmp_path / "copies" / "5.duckdb").write_text("whose asker died long ago")
    copied = await store.copy()
    assert [path for path in (tmp_path / "copies").iterdir() if path.name.startswith("5.")] == []
    assert copied.lines == {"telemetry": {"m": 100_000}}
    await store.close()
    with pytest.raises(StoreUnavailable, match="not open"):
        await store.copy()


async def test_a_copy_where_there_is_no_room(tmp_path: Path, clock: ManualClock) -> None:
    """What cannot be made is told; the store goes on."""
    (tmp_path / "copies").write_text("a file where the folder should be")
    store = EmbeddedStore(EmbeddedConfig(), state=tmp_path, clock=clock)
    await store.open()
    with pytest.raises(StoreUnavailable, match="could not be copied"):
        await store.copy()
    assert (await Log(store).put(b"m f=1 1\n")).stored == 1
    await store.close()


async def test_no_query_reaches_other_files(tmp_path: Path, clock: ManualClock) -> None:
    """The folder of copies is all that the open file may touch."""
    store = EmbeddedStore(EmbeddedConfig(), state=tmp_path, clock=clock)
    await store.open()
    file = store._opened()
    with pytest.raises(duckdb.PermissionException):
        file.writing.execute(f"ATTACH '{tmp_path}/elsewhere.duckdb'")
    with pytest.raises(duckdb.Error, match="Cannot enable external access"):
        file.writing.execute("SET enable_external_access = true")
    await store.close()
