"""The thread that owns the SQLite file."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from alerting.memory.writer import Writer


def prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE IF NOT EXISTS t (x INTEGER)")


@pytest.fixture
async def writer(tmp_path: Path) -> AsyncIterator[Writer]:
    writer = Writer(tmp_path / "w.sqlite", prepare)
    await writer.start()
    yield writer
    await writer.stop()


def insert(number: int) -> Callable[[sqlite3.Connection], int]:
    return lambda connection: connection.execute("INSERT INTO t VALUES (?)", (number,)).rowcount


async def rows(writer: Writer) -> list[int]:
    return [x for (x,) in await writer.run(lambda c: c.execute("SELECT x FROM t ORDER BY rowid").fetchall())]


async def test_jobs_that_wait_share_a_transaction(writer: Writer) -> None:
    """Jobs that came while one ran are committed together, in their order."""
    gate, commits = threading.Event(), []
    await writer.run(lambda c: c.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None))
    commits.clear()
    first = asyncio.create_task(writer.run(lambda _: gate.wait(5)))
    await asyncio.sleep(0)
    rest = [asyncio.create_task(writer.run(insert(n))) for n in range(50)]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(first, *rest)
    await writer.run(lambda c: c.set_trace_callback(None))
    assert len(commits) <= 3
    assert await rows(writer) == list(range(50))


async def test_job_that_fails_takes_back_its_own_work_only(writer: Writer) -> None:
    """A failing job leaves nothing, and those beside it are unharmed."""

    def broken(connection: sqlite3.Connection) -> None:
        insert(99)(connection)
        raise ValueError("broken")

    results = await asyncio.gather(
        writer.run(insert(1)),
        writer.run(broken),
        writer.run(insert(2)),
        return_exceptions=True,
    )
    assert isinstance(results[1], ValueError)
    assert [results[0], results[2]] == [1, 1]
    assert await rows(writer) == [1, 2]


async def test_jobs_given_before_the_stop_are_done(tmp_path: Path) -> None:
    """A stop finishes what waits; after it nothing is taken."""
    writer = Writer(tmp_path / "w.sqlite", prepare)
    await writer.start()
    jobs = [asyncio.create_task(writer.run(insert(n))) for n in range(20)]
    await asyncio.sleep(0)
    await writer.stop()
    await asyncio.gather(*jobs)
    with pytest.raises(sqlite3.ProgrammingError):
        await writer.run(insert(99))
    again = Writer(tmp_path / "w.sqlite", prepare)
    await again.start()
    assert await rows(again) == list(range(20))
    await again.stop()


async def test_fault_while_preparing_is_told(tmp_path: Path) -> None:
    """What goes wrong while the file is opened reaches whoever opens it."""

    def broken(connection: sqlite3.Connection) -> None:
        connection.execute("no SQL")

    with pytest.raises(sqlite3.OperationalError):
        await Writer(tmp_path / "w.sqlite", broken).start()
