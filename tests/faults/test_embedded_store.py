"""The embedded store after kill -9, a locked file, a file that is none, and a disk that is full."""

import asyncio
import os
import re
import resource
import signal
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from foundation.clock import SystemClock
from foundation.errors import ConfigError
from store.contract import Verdict
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from store.errors import StoreUnavailable
from tests.fakes.clock import ManualClock
from tests.fakes.polling import until
from tests.fakes.servers import ROOT
from tests.fakes.shipping import Log
from tests.fakes.store_child import BUCKET, LINES, LOG, WORKS

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "2"))


async def start_child(path: Path, *work: str, module: str = "store_child") -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"tests.fakes.{module}", str(path), *work, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )


async def write_and_die(path: Path, commits: int, *work: str) -> int:
    """Let a child commit some shipments, kill it in the middle of the next; the last one it acknowledged."""
    child = await start_child(path, *work)
    assert child.stdout is not None
    acknowledged = 0
    for _ in range(commits):
        acknowledged = int(await asyncio.wait_for(child.stdout.readline(), 60))
    child.send_signal(signal.SIGKILL)
    rest = await child.stdout.read()
    assert await child.wait() == -signal.SIGKILL
    return max([acknowledged, *map(int, rest.split(b"\n")[:-1])])


async def scalar(store: EmbeddedStore, query: str) -> list[object]:
    """The one row of the answer, without its time."""
    (result,) = await store.query(query, BUCKET)
    assert result.error is None
    return list(result.series[0].values[0][1:])


@pytest.mark.parametrize("work", WORKS)
async def test_kill_9_loses_nothing_and_doubles_nothing(tmp_path: Path, clock: ManualClock, work: str) -> None:
    """After every kill rows and position agree, all that was acknowledged is there exactly once, and can be copied."""
    path = tmp_path / "telemetry.duckdb"
    for round_ in range(ROUNDS):
        acknowledged = await write_and_die(path, 3 + 4 * round_, work)
        store = EmbeddedStore(EmbeddedConfig(path=path), state=tmp_path, clock=clock)
        await store.open()
        position = await store.position(LOG, BUCKET)
        assert position is not None
        assert acknowledged <= position <= acknowledged + 1
        per_half = LINES // 2
        total = position * (position + 1) // 2 * per_half
        assert await scalar(store, "SELECT count(f), sum(f), count(g), sum(g) FROM m") == [
            position * LINES,
            2 * total,
            position * per_half,
            total,
        ]
        assert await scalar(store, "SELECT count(latest), max(latest) FROM shared") == [1, position]
        assert (await store.copy()).lines == {BUCKET: {"m": position * LINES, "shared": 1}}
        await store.close()


async def test_kill_9_while_points_expire(tmp_path: Path) -> None:
    """After a kill between slices the file opens, nothing that is young enough is gone, and the next sweep goes on."""
    path, clock, old, young = tmp_path / "telemetry.duckdb", SystemClock(), 450_000, 1_000
    store = EmbeddedStore(EmbeddedConfig(path=path), state=tmp_path, clock=clock)
    await store.open()
    log, now = Log(store, BUCKET), clock.now_ns()
    await log.put(b"".join(b"m f=1 %d\n" % n for n in range(old)))
    await log.put(b"".join(b"m f=2 %d\n" % (now - n) for n in range(young)))
    await store.close()

    child = await start_child(path, module="expiry_child")
    assert child.stdout is not None
    told = [int(await asyncio.wait_for(child.stdout.readline(), 60)) for _ in range(2)]
    child.send_signal(signal.SIGKILL)
    rest = await child.stdout.read()
    await child.wait()
    deleted = sum([*told, *map(int, rest.split(b"\n")[:-1])])

    again = EmbeddedStore(
        EmbeddedConfig(path=path, retention={"default": timedelta(days=1)}), state=tmp_path, clock=clock
    )
    plain = EmbeddedStore(EmbeddedConfig(path=path), state=tmp_path, clock=clock)
    await plain.open()
    (left,) = await scalar(plain, "SELECT count(f) FROM m WHERE f = 1") if deleted < old else (0,)
    assert isinstance(left, int)
    assert left <= old - deleted
    assert await scalar(plain, "SELECT count(f) FROM m WHERE f = 2") == [young]
    assert await plain.position(log.name, BUCKET) == log.offset
    await plain.close()
    await again.open()

    async def swept() -> bool:
        return await scalar(again, "SELECT count(f) FROM m") == [young]

    await until(swept, what="the rest to expire")
    await again.close()


async def test_file_of_another_process_is_refused(tmp_path: Path, clock: ManualClock) -> None:
    """A second process gets an error that says who may open the file and what to do instead."""
    path = tmp_path / "telemetry.duckdb"
    child = await start_child(path)
    assert child.stdout is not None
    await asyncio.wait_for(child.stdout.readline(), 60)
    store = EmbeddedStore(EmbeddedConfig(), state=tmp_path, clock=clock)
    try:
        with pytest.raises(ConfigError, match=r"another process has the store open.*kind: remote"):
            await store.open()
    finally:
        child.kill()
        await child.communicate()
        await store.close()


async def test_file_that_is_no_database_is_refused(tmp_path: Path, clock: ManualClock) -> None:
    """A file with something else in it is named and left as it is."""
    path = tmp_path / "telemetry.duckdb"
    path.write_bytes(b"this is a text, not a database\n" * 500)
    store = EmbeddedStore(EmbeddedConfig(), state=tmp_path, clock=clock)
    with pytest.raises(ConfigError, match=r"telemetry\.duckdb: cannot be opened"):
        await store.open()
    await store.close()
    assert path.read_bytes().startswith(b"this is a text")


async def fill(state: Path, clock: ManualClock) -> int:
    """A store of some megabytes; how many lines are in it."""
    store = EmbeddedStore(EmbeddedConfig(checkpoint_at="1MB"), state=state, clock=clock)
    await store.open()
    log = Log(store, BUCKET)
    for part in range(4):
        rows = range(part * 20_000, (part + 1) * 20_000)
        await log.put(b"".join(b'm s="%032x",f=%d.5 %d\n' % (n * 2**120 // 7919, n * 31 % 1009, n) for n in rows))
    await store.close()
    return 80_000


def damage(file: Path, first: int, length: int) -> None:
    """Turn the bits of so many bytes round."""
    content = bytearray(file.read_bytes())
    for index in range(first, min(first + length, len(content))):
        content[index] ^= 0xFF
    file.write_bytes(content)


async def meet_damage(state: Path, clock: ManualClock) -> str:
    """What is said when the store is opened, read and copied: the first complaint; reading without one is a failure."""
    store = EmbeddedStore(EmbeddedConfig(), state=state, clock=clock)
    try:
        await store.open()
        for query in ("SELECT sum(f) FROM m", "SELECT distinct(s) FROM m", "SELECT first(s) FROM m"):
            await store.query(query, BUCKET)
        await store.copy()
    except (ConfigError, StoreUnavailable) as error:
        return str(error)
    finally:
        await store.close()
    raise AssertionError("the damage was not met")


@pytest.mark.parametrize("where", ["a header", "every block", "the end is missing"])
async def test_a_damaged_file_says_so(tmp_path: Path, clock: ManualClock, where: str) -> None:
    """At open, or at the first read that meets it: that it is damaged, and what mends it; never an answer out of it."""
    await fill(tmp_path, clock)
    file = tmp_path / "telemetry.duckdb"
    size = file.stat().st_size
    if where == "a header":
        damage(file, 4096, 64)
    elif where == "every block":
        damage(file, 3 * 4096, size)
    else:
        os.truncate(file, size // 2)
    complaint = await meet_damage(tmp_path, clock)
    assert re.search(r"telemetry\.duckdb: is damaged \(.*\); stop the collector, .*`tocsin restore --store", complaint)


@pytest.mark.parametrize("copies", [False, True])
async def test_damage_that_one_reader_met_is_told_to_all(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture, *, copies: bool
) -> None:
    """Whoever looks at the store's standing learns of it, once in the log, and lines are stored as before."""
    await fill(tmp_path, clock)
    file = tmp_path / "telemetry.duckdb"
    os.truncate(file, file.stat().st_size // 2)
    store = EmbeddedStore(EmbeddedConfig(), state=tmp_path, clock=clock)
    await store.open()
    assert store.standing().problems == ()
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await (store.copy() if copies else store.query("SELECT distinct(s) FROM m", BUCKET))
    (problem,) = store.standing().problems
    assert re.match(r".*telemetry\.duckdb: is damaged .*`tocsin restore --store BACKUP`", problem)
    assert caplog.text.count("the store's file is damaged") == 1
    await Log(store, BUCKET, "another").put(b"n f=1 1\n")
    assert await scalar(store, "SELECT count(f) FROM n") == [1]
    await store.close()


async def test_a_damaged_log_says_so(tmp_path: Path, clock: ManualClock) -> None:
    """The file's own log has checksums too: nothing of it is left out in silence."""
    path = tmp_path / "telemetry.duckdb"
    await write_and_die(path, 6)
    log = path.with_name(path.name + ".wal")
    values = struct.pack("<d", 3.0) * 8  # of the third shipment: within a record, whose length would tell of a torn end
    damage(log, log.read_bytes().index(values), len(values))
    assert "is damaged" in await meet_damage(tmp_path, clock)


@contextmanager
def no_file_grows(beyond: int) -> Iterator[None]:
    """Writes behind `beyond` bytes of any file fail, as they do on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (beyond, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("lines", [50, 30_000], ids=["by the log", "by the data"])
async def test_full_disk(tmp_path: Path, clock: ManualClock, lines: int) -> None:
    """On a full disk writes are unavailable and leave nothing, reads go on, and with room the same shipment goes in."""

    def body(number: int) -> bytes:
        rows = range(number * lines, (number + 1) * lines)
        return b"".join(b"m,t=%d f=%d.5,g=%di %d\n" % (n * 7919 % 9973, n * 31 % 1009, n, n) for n in rows)

    store = EmbeddedStore(EmbeddedConfig(), state=tmp_path, clock=clock)
    await store.open()
    log = Log(store, BUCKET)
    stored, reached = 0, 0
    with no_file_grows(beyond=300_000):
        while stored < 1000:
            try:
                await log.put(body(stored))
            except StoreUnavailable:
                break
            stored, reached = stored + 1, log.offset
        assert stored < 1000
        assert await store.position(log.name, BUCKET) == reached
        if stored:
            assert await scalar(store, "SELECT count(f) FROM m") == [stored * lines]
    assert await log.put(body(stored)) == Verdict(stored=lines)
    assert await scalar(store, "SELECT count(f) FROM m") == [(stored + 1) * lines]
    assert await store.position(log.name, BUCKET) == log.offset
    await store.close()


async def test_full_disk_at_a_checkpoint(tmp_path: Path, clock: ManualClock) -> None:
    """When DuckDB gives the database up because a checkpoint failed, the store opens it anew and loses nothing."""
    path = tmp_path / "telemetry.duckdb"
    store = EmbeddedStore(EmbeddedConfig(path=path, checkpoint_at="1MB"), state=tmp_path, clock=clock)
    await store.open()
    log, lines, stored = Log(store, BUCKET), 2_000, 0

    async def put_next() -> None:
        nonlocal stored
        rows = range(stored * lines, (stored + 1) * lines)
        before = log.offset
        try:
            await log.put(b"".join(b'm s="%032x",f=%d.5 %d\n' % (n * 2**120 // 7919, n * 31 % 1009, n) for n in rows))
        except StoreUnavailable:
            log.offset = before
            raise
        stored += 1

    async def put_many() -> None:
        while stored < 1000:
            await put_next()

    while path.stat().st_size < 3_000_000:
        await put_next()
    with no_file_grows(beyond=2_000_000), pytest.raises(StoreUnavailable, match="checkpoint"):
        await put_many()
    assert await scalar(store, "SELECT count(f) FROM m") in ([stored * lines], [(stored + 1) * lines])
    await put_next()
    await put_next()
    assert await scalar(store, "SELECT count(f) FROM m") == [stored * lines]
    assert await store.position(log.name, BUCKET) == log.offset
    await store.close()
