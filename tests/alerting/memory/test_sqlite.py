"""The SQLite file: what a crash leaves, files of older formats, what is refused, a disk that is full."""

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from alerting.alert import Change
from alerting.memory.contract import (
    Attempt,
    Decision,
    MemoryFailed,
    Outcome,
)
from alerting.memory.sqlite import SqliteMemory
from foundation.errors import ConfigError
from tests.alerting.desk import change
from tests.alerting.memory.keeping import LANE, NOW, entry, fired, firing, in_hand, silenced


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "alerting.sqlite"


@pytest.fixture
async def memory(path: Path) -> AsyncIterator[SqliteMemory]:
    memory = SqliteMemory(path)
    await memory.open()
    yield memory
    await memory.close()


async def test_file_of_the_first_format_is_taken_up(memory: SqliteMemory, path: Path) -> None:
    """It had no silences and no receipts; what it holds stays, and it can hold them from now on."""
    await memory.commit(Decision(alerts=(change(Change.FIRED).alert,)), now=NOW)
    await memory.close()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE silences")
        connection.execute("DROP TABLE acknowledgements")
        connection.execute("ALTER TABLE outbox DROP COLUMN receipt")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    again = SqliteMemory(path)
    await again.open()
    await again.commit(Decision(silences=(silenced(),)), now=NOW)
    assert [kept.alert for kept in await again.alerts()] == [change(Change.FIRED).alert]
    assert list(await again.silences()) == [silenced()]
    await again.close()


async def test_a_file_of_the_second_format_is_taken_up(memory: SqliteMemory, path: Path) -> None:
    """It had no receipts; what waits in it is sent, and its receipt is kept."""
    group = fired().group
    await memory.commit(Decision(drafts=(firing(group),)), now=NOW)
    await memory.close()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE acknowledgements")
        connection.execute("ALTER TABLE outbox DROP COLUMN receipt")
        connection.execute("PRAGMA user_version = 2")
    connection.close()
    again = SqliteMemory(path)
    await again.open()
    (row,) = await again.notifications(Outcome.PENDING)
    await again.mark(Attempt(id=row.id, outcome=Outcome.SENT, at=NOW, receipt="one"))
    assert await again.receipt(group.incident, *LANE) == "one"
    await again.close()


async def test_a_file_of_the_third_format_is_taken_up(memory: SqliteMemory, path: Path) -> None:
    """It had no acknowledgements; its groups stay, and it can hold them from now on."""
    await memory.commit(Decision(groups=(fired(),)), now=NOW)
    await memory.close()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE acknowledgements")
        connection.execute("PRAGMA user_version = 3")
        connection.execute("UPDATE groups SET data = json_remove(data, '$.taken', '$.spared_at')")
    connection.close()
    again = SqliteMemory(path)
    await again.open()
    await again.commit(Decision(acknowledged=(in_hand(),)), now=NOW)
    assert list(await again.acknowledgements()) == [in_hand()]
    assert list((await again.recall()).groups) == [fired().group]
    await again.close()


async def test_after_a_crash_whatever_waits_is_doubtful(memory: SqliteMemory, path: Path) -> None:
    """A file that was not closed may hold messages that were on their way; a clean one does not."""
    group, other = fired().group, fired("Other").group
    await memory.commit(Decision(drafts=(firing(group),)), now=NOW)
    await memory.close()
    clean = SqliteMemory(path)
    await clean.open()
    assert not await clean.announced(group.incident, *LANE)
    await clean.commit(Decision(drafts=(firing(other),)), now=NOW)
    copy = path.with_name("copy.sqlite")
    for suffix in ("", "-wal"):
        copy.with_name(copy.name + suffix).write_bytes(path.with_name(path.name + suffix).read_bytes())
    await clean.close()
    crashed = SqliteMemory(copy)
    await crashed.open()
    assert await crashed.announced(other.incident, *LANE)
    await crashed.close()


async def test_second_process_is_refused(memory: SqliteMemory, path: Path) -> None:
    """Two processes on one file would page twice: the second is told so."""
    with pytest.raises(ConfigError, match="another Tocsin is using it"):
        await SqliteMemory(path).open()


@pytest.mark.parametrize(
    ("statement", "told"),
    [("PRAGMA user_version = 99", "has format 99"), ("PRAGMA application_id = 7", "not Tocsin's")],
)
async def test_file_of_another_kind_is_refused_and_kept(
    memory: SqliteMemory, path: Path, statement: str, told: str
) -> None:
    """A file of a newer format, or of another program, is refused with the way out, and left as it is."""
    await memory.close()
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()
    before = _bytes(path)
    with pytest.raises(ConfigError, match=told):
        await SqliteMemory(path).open()
    assert _bytes(path) == before


@pytest.fixture
def damaged(path: Path) -> Path:
    path.parent.mkdir()
    path.write_bytes(b"not a database, but long enough to be read as one" * 100)
    return path


async def test_damaged_file_is_refused(damaged: Path) -> None:
    """What is no database is an error that says what to do."""
    with pytest.raises(ConfigError, match="restore it from a backup"):
        await SqliteMemory(damaged).open()


async def test_full_disk_is_transient(memory: SqliteMemory, path: Path) -> None:
    """What cannot be stored raises MemoryFailed, nothing of it is there, and later it works again."""
    pages = await memory._run(lambda connection: connection.execute("PRAGMA page_count").fetchone()[0])
    await memory._run(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}"))
    big = replace(entry(1), summary="x" * 100_000)
    with pytest.raises(MemoryFailed, match="full"):
        await memory.commit(Decision(alerts=(change(Change.FIRED).alert,), history=(big,)), now=NOW)
    assert list(await memory.alerts()) == []
    await memory._run(lambda connection: connection.execute("PRAGMA max_page_count = 100000"))
    await memory.commit(Decision(history=(big,)), now=NOW)
    assert await memory.history(1) == [big]


def _bytes(path: Path) -> bytes:
    return path.read_bytes()
