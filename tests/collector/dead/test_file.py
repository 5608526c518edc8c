"""The file of the dead letters, read by whoever has no collector to ask: nothing of it changes."""

import sqlite3
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from collector.dead import file
from collector.dead.box import DeadConfig, DeadLetters
from collector.dead.letter import DeadLetter, Wanted
from collector.metrics import DeadLetterMetrics


async def write(folder: Path, *lines: bytes) -> None:
    box = DeadLetters(DeadConfig(), folder, DeadLetterMetrics(CollectorRegistry()))
    await box.add([DeadLetter(line, "unable to parse", "telemetry", "token:a", "store", 42) for line in lines])


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def test_reading_leaves_no_trace(tmp_path: Path):
    """Not a byte, not a second file; the database cannot be written through it."""
    await write(tmp_path, b"m f=1 1", b"m f=2 2")
    before = content(tmp_path)

    with file.open_to_read(tmp_path) as db:
        assert db is not None
        assert [kept.letter.line for kept in file.select(db, Wanted())] == [b"m f=1 1", b"m f=2 2"]
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            db.execute("DELETE FROM letter")
    assert content(tmp_path) == before


def test_no_file_is_no_letters_and_none_is_made(tmp_path: Path):
    """A state folder in which nothing was ever refused stays as it is."""
    with file.open_to_read(tmp_path / "dead") as db:
        assert db is None
    assert list(tmp_path.iterdir()) == []


async def test_a_folder_of_any_name_is_read(tmp_path: Path):
    """Also one that means something in a URI."""
    folder = tmp_path / "50% dead?mode=rw#"
    await write(folder, b"m f=1 1")
    with file.open_to_read(folder) as db:
        assert db is not None
        assert len(list(file.select(db, Wanted()))) == 1


async def test_letters_of_another_format_are_refused(tmp_path: Path):
    """Reading and writing alike say which format was found."""
    await write(tmp_path, b"m f=1 1")
    with sqlite3.connect(tmp_path / file.FILE) as db:
        db.execute("PRAGMA user_version = 7")
    db.close()

    for opened in (file.open_to_read, file.open_to_write):
        with pytest.raises(sqlite3.DatabaseError, match="format 7"), opened(tmp_path):
            pass
