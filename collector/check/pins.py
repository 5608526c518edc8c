"""Field types on disk: one SQLite file, one row a field, committed with a full sync before anything is acknowledged."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Protocol

from foundation.batch import FieldType
from foundation.errors import ConfigError, Transient

Pin = tuple[str, str, str, FieldType]
"""(bucket, measurement, field, type)"""
_FORMAT = 1
_TABLE = """
CREATE TABLE IF NOT EXISTS pin (
    bucket TEXT NOT NULL, measurement TEXT NOT NULL, field TEXT NOT NULL, type TEXT NOT NULL,
    PRIMARY KEY (bucket, measurement, field)
) WITHOUT ROWID
"""


class PinsNotKept(Transient):
    """The pins could not be written: the batch that brought them must not be acknowledged."""


class Pins(Protocol):
    """Where pins are kept. Calls come one at a time."""

    async def load(self) -> list[Pin]:
        """Every pin."""

    async def save(self, pins: Iterable[Pin]) -> None:
        """Keep pins durably; one that exists stays as it is. Raises PinsNotKept."""

    async def drop(self, bucket: str, measurements: Iterable[str]) -> None:
        """Let go of the pins of these measurements, durably. Raises PinsNotKept."""


class PinFile:
    """Opens the file for each call, which is rare; calls come one at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def load(self) -> list[Pin]:
        """Every pin; makes the file if there is none, and else writes nothing: a full disk is read like any other.

        Raises ConfigError for a file of another version.
        """
        return await asyncio.to_thread(self._load)

    async def save(self, pins: Iterable[Pin]) -> None:
        """Write pins durably; a pin that exists stays as it is. Raises PinsNotKept."""
        try:
            await asyncio.to_thread(self._save, list(pins))
        except sqlite3.Error as error:
            raise PinsNotKept(f"field types could not be written to {self._path}: {error}") from error

    async def drop(self, bucket: str, measurements: Iterable[str]) -> None:
        """Delete the pins of these measurements durably. Raises PinsNotKept."""
        try:
            await asyncio.to_thread(self._drop, bucket, list(measurements))
        except sqlite3.Error as error:
            raise PinsNotKept(f"field types could not be deleted from {self._path}: {error}") from error

    def _load(self) -> list[Pin]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with closing(sqlite3.connect(self._path)) as db, db:
                found = int(db.execute("PRAGMA user_version").fetchone()[0])
                if found not in (0, _FORMAT):
                    raise ConfigError(
                        f"{self._path}: holds field types in format {found}, this version reads format {_FORMAT}; "
                        "run the version that wrote it, or move the file away to learn the types anew"
                    )
                if not found:
                    db.execute(_TABLE)
                    db.execute(f"PRAGMA user_version = {_FORMAT}")
                rows = db.execute("SELECT bucket, measurement, field, type FROM pin").fetchall()
        except sqlite3.Error as error:
            raise ConfigError(f"{self._path}: cannot be read as field types ({error}); move it away") from error
        return [(bucket, measurement, field, FieldType(kind)) for bucket, measurement, field, kind in rows]

    def _save(self, pins: list[Pin]) -> None:
        with closing(sqlite3.connect(self._path)) as db, db:
            db.execute("PRAGMA synchronous = FULL")
            db.executemany("INSERT OR IGNORE INTO pin VALUES (?, ?, ?, ?)", pins)

    def _drop(self, bucket: str, measurements: list[str]) -> None:
        with closing(sqlite3.connect(self._path)) as db, db:
            db.execute("PRAGMA synchronous = FULL")
            db.executemany(
                "DELETE FROM pin WHERE bucket = ? AND measurement = ?", [(bucket, name) for name in measurements]
            )
