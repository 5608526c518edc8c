"""A copy of the whole file as of one moment, made beside it while lines are written and questions are answered.

Runs in a thread of its own, in one transaction that only reads; called by the store. Invariant: a file called *.duckdb
in the folder of copies is whole, on disk, and was opened and counted again; before that it is called *.part.
"""

from __future__ import annotations

import os
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Final

import duckdb

from store.contract import Copied
from store.embedded.damage import reason_of
from store.errors import StoreUnavailable

if TYPE_CHECKING:
    from pathlib import Path

FOLDER: Final = "copies"
"""Beside the file: the one place where the store may make files of its own."""
_ALIAS: Final = "copied"
_LEFT_NS: Final = 86_400_000_000_000
_MEMORY: Final = "256MB"
_MEASUREMENTS: Final = """
SELECT buckets.name, measurements.name, relation FROM measurements JOIN buckets ON measurements.bucket = buckets.id
"""
Lines = dict[str, dict[str, int]]


def folder_of(path: Path) -> Path:
    """Where copies of the file at `path` are made."""
    return path.absolute().parent / FOLDER


def make_copy(connection: duckdb.DuckDBPyConnection, path: Path, now_ns: int) -> Copied:
    """Copy the file at `path`, which `connection` has open. What an earlier copy left behind is removed.

    Raises StoreUnavailable when the disk does not take it, when it is stopped, and when the copy does not hold what
    the file held.
    """
    folder = folder_of(path)
    part, whole = folder / f"{now_ns}.part", folder / f"{now_ns}.duckdb"
    try:
        folder.mkdir(exist_ok=True)
        _remove_leftovers(folder, now_ns)
        lines = _copy(connection, part)
        if count_lines(part) != lines:
            raise StoreUnavailable("the copy does not hold what the store holds; it was thrown away")
        _sync(part)
        part.rename(whole)
        _sync(folder)
    except (duckdb.Error, OSError) as error:
        raise StoreUnavailable(f"the store could not be copied: {reason_of(path, error)}") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return Copied(whole, lines)


def count_lines(path: Path) -> Lines:
    """Bucket -> measurement -> points of a file that nobody has open. Raises duckdb.Error where it is none of ours."""
    with closing(duckdb.connect(path, read_only=True, config={"memory_limit": _MEMORY})) as connection:
        return _counts(connection)


def _copy(connection: duckdb.DuckDBPyConnection, part: Path) -> Lines:
    """Count and copy within one transaction, so that both see the same."""
    ((own,),) = connection.execute("SELECT current_database()").fetchall()
    file, database = str(part).replace("'", "''"), str(own).replace('"', '""')
    connection.execute(f"ATTACH '{file}' AS {_ALIAS}")
    try:
        connection.execute("BEGIN")
        try:
            lines = _counts(connection)
            connection.execute(f'COPY FROM DATABASE "{database}" TO {_ALIAS}')
            connection.execute("COMMIT")
        except BaseException:
            with suppress(duckdb.Error):
                connection.execute("ROLLBACK")
            raise
    finally:
        connection.execute(f"DETACH {_ALIAS}")
    return lines


def _counts(connection: duckdb.DuckDBPyConnection) -> Lines:
    lines: Lines = {name: {} for (name,) in connection.execute("SELECT name FROM buckets").fetchall()}
    for bucket, measurement, relation in connection.execute(_MEASUREMENTS).fetchall():
        ((count,),) = connection.execute(f"SELECT count(*) FROM {relation}").fetchall()  # noqa: S608 - a name of our own
        lines[bucket][measurement] = count
    return lines


def _remove_leftovers(folder: Path, now_ns: int) -> None:
    """Pieces, and copies whose askers must have died a day ago."""
    for left in folder.iterdir():
        if left.suffix == ".part" or (left.stem.isdigit() and int(left.stem) < now_ns - _LEFT_NS):
            left.unlink()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
