"""The file of the dead letters: one SQLite database in `state/dead/`, its format, and reading it.

Its box alone writes it. Whoever has no collector to ask may read it, without a trace in it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from collector.dead.letter import INTAKE, Account, Count, DeadLetter, Form, Kept, Wanted, measurement_of

FILE = "letters.sqlite"
_FORMAT = 1
_SCHEMA = """
CREATE TABLE letter (
    id INTEGER PRIMARY KEY AUTOINCREMENT, acknowledged INTEGER NOT NULL, size INTEGER NOT NULL,
    accepted_ns INTEGER NOT NULL, bucket TEXT NOT NULL, measurement TEXT NOT NULL, source TEXT NOT NULL,
    destination TEXT NOT NULL, kind TEXT NOT NULL, replays INTEGER NOT NULL DEFAULT 0, protocol TEXT NOT NULL,
    precision TEXT NOT NULL, default_name TEXT NOT NULL, reason TEXT NOT NULL, line BLOB NOT NULL
);
CREATE INDEX oldest ON letter (acknowledged, id, size);
CREATE TABLE gone (
    bucket TEXT NOT NULL, source TEXT NOT NULL, acknowledged INTEGER NOT NULL, how TEXT NOT NULL,
    lines INTEGER NOT NULL, PRIMARY KEY (bucket, source, acknowledged, how)
) WITHOUT ROWID;
"""
_COLUMNS = (
    "line, reason, bucket, source, destination, accepted_ns, measurement, kind, protocol, precision, default_name"
)

_BESIDE_BYTES = 200
"""What a letter takes beside its line and its reason, about."""


@contextmanager
def open_to_write(folder: Path) -> Iterator[sqlite3.Connection]:
    """The database, made where there is none. Raises sqlite3.Error."""
    with closing(sqlite3.connect(folder / FILE)) as db:
        db.execute("PRAGMA synchronous = FULL")
        if _format(db) == 0:
            db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {_FORMAT}; COMMIT;")
        _demand_format(db)
        yield db


@contextmanager
def open_to_read(folder: Path) -> Iterator[sqlite3.Connection | None]:
    """The database, to which nothing is done; None where there is none. Raises sqlite3.Error.

    A box that was killed in the middle of a write left the file so that only another start can finish it.
    """
    path = folder / FILE
    if not path.exists():
        yield None
        return
    with closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)) as db:
        _demand_format(db)
        yield db


def insert(db: sqlite3.Connection, letters: Sequence[DeadLetter]) -> int:
    """Add letters; the bytes that they take."""
    rows = [_row(letter) for letter in letters]
    marks = ", ".join("?" * len(rows[0]))
    db.executemany(f"INSERT INTO letter (acknowledged, size, {_COLUMNS}) VALUES ({marks})", rows)  # noqa: S608 - names of ours
    return sum(row[1] for row in rows)


def select(db: sqlite3.Connection, wanted: Wanted, *, after: int = 0, most: int = -1) -> Iterator[Kept]:
    """The first `most` letters (-1: all) behind the id `after`, oldest first."""
    condition, values = wanted.where()
    rows = db.execute(
        f"SELECT id, replays, {_COLUMNS} FROM letter WHERE {condition} AND id > ? ORDER BY id LIMIT ?",  # noqa: S608 - names of ours
        [*values, after, most],
    )
    for number, replays, *columns, protocol, precision, name in rows:
        yield Kept(number, replace(DeadLetter(*columns), form=Form(protocol, precision, name)), replays)


def count(db: sqlite3.Connection, wanted: Wanted) -> Count:
    """How many there are."""
    condition, values = wanted.where()
    row = db.execute(f"SELECT count(*), coalesce(max(id), 0) FROM letter WHERE {condition}", values)  # noqa: S608 - conditions of ours
    return Count(*row.fetchone())


def accounts(db: sqlite3.Connection) -> list[Account]:
    """Every line that is or was in the file, by bucket, source and what became of it."""
    held = db.execute("SELECT bucket, source, acknowledged, 'held', count(*) FROM letter GROUP BY 1, 2, 3").fetchall()
    gone = db.execute("SELECT bucket, source, acknowledged, how, lines FROM gone").fetchall()
    return [Account(bucket, source, bool(known), how, lines) for bucket, source, known, how, lines in held + gone]


def _format(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _demand_format(db: sqlite3.Connection) -> None:
    found = _format(db)
    if found != _FORMAT:
        raise sqlite3.DatabaseError(f"holds letters in format {found}, this version reads format {_FORMAT}")


def _row(letter: DeadLetter) -> tuple[object, int, *tuple[object, ...]]:
    form = letter.form
    return (
        letter.destination != INTAKE,
        len(letter.line) + len(letter.reason) + _BESIDE_BYTES,
        letter.line,
        letter.reason,
        letter.bucket,
        letter.source,
        letter.destination,
        letter.accepted_ns,
        letter.measurement or measurement_of(letter.line),
        letter.reason_kind,
        form.protocol,
        form.precision,
        form.measurement,
    )
