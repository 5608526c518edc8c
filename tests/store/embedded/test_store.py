"""The embedded store's own life: files, buckets, threads. What it shares with others is in the contract suite."""

import asyncio
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from foundation.batch import FieldType
from foundation.errors import ConfigError
from foundation.settings import decode
from store.contract import StatementResult, Verdict
from store.embedded.file import Cursors
from store.embedded.schema import Column, Table
from store.embedded.sizes import read_size
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from store.errors import QueryLimitExceeded
from tests.fakes.clock import ManualClock
from tests.fakes.polling import until
from tests.fakes.shipping import Log


async def test_file_stands_in_the_state_folder(tmp_path: Path, clock: ManualClock) -> None:
    """The file is state/telemetry.duckdb unless a path is configured; folders are made."""
    for config, expected in (
        (EmbeddedConfig(), tmp_path / "state" / "telemetry.duckdb"),
        (EmbeddedConfig(path=tmp_path / "elsewhere" / "x.duckdb"), tmp_path / "elsewhere" / "x.duckdb"),
    ):
        store = EmbeddedStore(config, state=tmp_path / "state", clock=clock)
        await store.open()
        await store.close()
        assert expected.is_file()


async def test_bucket_comes_with_its_first_write(tmp_path: Path, clock: ManualClock) -> None:
    """A bucket exists from its first line on, also after the file was closed."""
    store = EmbeddedStore(EmbeddedConfig(), state=tmp_path, clock=clock)
    await store.open()
    assert await store.buckets() == ()
    await Log(store, "second").put(b"m f=1 1\n")
    await Log(store, "first").put(b"m f=1 1\n")
    await store.close()
    again = EmbeddedStore(EmbeddedConfig(create_buckets=False), state=tmp_path, clock=clock)
    await again.open()
    assert await again.buckets() == ("first", "second")
    assert (await Log(again, "first", "new log").put(b"m f=2 2\n")).stored == 1
    await again.close()


async def test_queries_see_whole_shipments_while_writing(tmp_path: Path, clock: ManualClock) -> None:
    """Queries run beside writes and see either all of a shipment or nothing of it."""
    store = EmbeddedStore(EmbeddedConfig(), state=tmp_path, clock=clock)
    await store.open()
    log = Log(store)
    seen: list[int] = []
    await log.put(b"m f=0 0\n")

    async def watch() -> None:
        while len(seen) < 40 or seen[-1] < 1 + 20 * 100:
            (result,) = await store.query("SELECT count(f) FROM m", "telemetry")
            seen.append(int(str(result.series[0].values[0][1])))

    watching = asyncio.create_task(watch())
    for number in range(20):
        await log.put(b"".join(b"m f=1 %d\n" % (1 + number * 100 + index) for index in range(100)))
    await asyncio.wait_for(watching, 60)
    await store.close()
    assert {count % 100 for count in seen} == {1}
    assert seen == sorted(seen)


def make_endless(store: EmbeddedStore) -> None:
    """Let readers of `telemetry` find a measurement that takes hours to read."""
    assert store._file is not None
    columns = (Column("v", "field", FieldType.FLOAT, "f1"),)
    relation = "(SELECT range AS time, 1.0 AS f1 FROM range(1000000000000))"
    store._file.reader._schema = {"telemetry": {"endless": Table("endless", relation, columns)}}.get


async def test_questions_never_hold_up_writes(tmp_path: Path, clock: ManualClock) -> None:
    """While every thread for questions is busy for hours, lines are stored; who waits for a thread waits no longer than
    the deadline, and who goes away frees one.
    """
    store = EmbeddedStore(EmbeddedConfig(queries=2), state=tmp_path, clock=clock)
    await store.open()
    log = Log(store)
    await log.put(b"m f=1 1\n")
    make_endless(store)

    def ask(deadline_s: float) -> asyncio.Future[tuple[StatementResult, ...]]:
        return asyncio.ensure_future(store.query("SELECT stddev(v) FROM endless", "telemetry", deadline_s=deadline_s))

    busy, waiting = [ask(3600), ask(3600)], ask(30)
    for number in range(20):
        assert await log.put(b"m f=1 %d\n" % number) == Verdict(stored=1)
    assert not any(task.done() for task in (*busy, waiting))
    clock.advance(timedelta(seconds=31))
    busy.pop().cancel()
    with pytest.raises(QueryLimitExceeded, match="waited 30 s for others"):
        await waiting
    busy.pop().cancel()
    assert len(await store.query("SHOW DATABASES", "telemetry")) == 1
    await store.close()


async def test_close_waits_for_what_runs(tmp_path: Path, clock: ManualClock) -> None:
    """A write that was begun before close is finished by it."""
    store = EmbeddedStore(EmbeddedConfig(), state=tmp_path, clock=clock)
    await store.open()
    log = Log(store)
    writing = asyncio.create_task(log.put(b"".join(b"m f=1 %d\n" % n for n in range(20_000))))
    await asyncio.sleep(0)
    await store.close()
    assert (await writing).stored == 20_000


async def test_running_questions_can_be_stopped() -> None:
    """What would be calculated for ever ends at once, and a cursor that is closed already does not get in the way."""
    with duckdb.connect() as connection:
        cursors = Cursors(connection)
        cursors.make().close()
        endless = "SELECT sum(a.i * b.i % 7) FROM range(10000000) a(i), range(10000000) b(i)"
        asking = asyncio.create_task(asyncio.to_thread(lambda: cursors.make().execute(endless).fetchall()))

        def stopped() -> bool:
            cursors.interrupt()
            return asking.done()

        await until(stopped, seconds=20, what="the question to be stopped")
        with pytest.raises(duckdb.InterruptException):
            await asking


async def test_folder_that_cannot_be_made(tmp_path: Path, clock: ManualClock) -> None:
    """A path below a file is a clear error, not a traceback of the database."""
    (tmp_path / "file").write_text("")
    store = EmbeddedStore(EmbeddedConfig(path=tmp_path / "file" / "t.duckdb"), state=tmp_path, clock=clock)
    with pytest.raises(ConfigError, match=r"t\.duckdb"):
        await store.open()
    await store.close()


@pytest.mark.parametrize("text", ["threads: 0", "queries: 0", "memory_limit: lots"])
def test_configuration_is_checked(text: str, tmp_path: Path) -> None:
    """No threads, no queries, or an amount of memory that is none are refused by name."""
    with pytest.raises(ConfigError, match=text.partition(":")[0]):
        decode(EmbeddedConfig, f"{{kind: embedded, {text}}}", name="tocsin.yml", folder=tmp_path, env={})


@pytest.mark.parametrize(
    ("memory", "recent", "buffers"),
    [
        ("640MB", "128MB", 480_000_000),
        ("320MB", "96MB", 192_000_000),
        ("16MB", "96MB", 8_000_000),
        ("16MB", "", 16_000_000),
    ],
)
async def test_one_limit_is_divided(memory: str, recent: str, buffers: int, tmp_path: Path, clock: ManualClock) -> None:
    """Rows kept in memory take their part, at most half; DuckDB stands at what is left, but for its reserve."""
    config = EmbeddedConfig(memory_limit=memory, recent_limit=recent)
    assert config.buffers.most + config.recent_bytes == read_size("memory_limit", memory)
    store = EmbeddedStore(config, state=tmp_path, clock=clock)
    await store.open()
    told = store._opened().connection.execute("SELECT value FROM duckdb_settings() WHERE name = 'memory_limit'")
    ((shown,),) = told.fetchall()
    await store.close()
    assert config.buffers.standing == buffers
    number, unit = shown.split(" ")
    assert float(number) * 1024 ** ["bytes", "KiB", "MiB"].index(unit) == pytest.approx(buffers, rel=0.02)
