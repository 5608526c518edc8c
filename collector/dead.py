"""Dead letters: lines that were refused for good, by a store after the acknowledgement or by intake instead of one.

Kept in one SQLite file in `state/dead/`, bounded: the oldest go, and are counted, when there would be too much; lines
that nobody acknowledged go first. Delivery and intake put letters in, the operator's routes look at them, put them
through intake again and throw them away.

Invariants: `add` returns after the sync, so a cursor moves past a line only when the line is stored or in here. The id
of a letter never changes and never comes back. What leaves is counted in the transaction that takes it out.

Concurrency: any task may call anything; calls take turns. Other processes may read meanwhile.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from collector.metrics import DeadLetterMetrics
from foundation.errors import Transient

_FILE = "letters.sqlite"
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
_KINDS = (
    ("type_conflict", ("type conflict", "already exists as type")),
    ("outside_retention", ("retention policy", "beyond retention", "outside retention")),
    ("too_large", ("too large", "max key length", "maximum string")),
    ("unparsable", ("unable to parse", "bad timestamp", "missing fields", "invalid")),
)
_NAME = re.compile(rb"(?:[^\\, ]|\\.){1,200}")
_ESCAPED = re.compile(r"\\([, ])")
_REFUSED = "refused"
_EVICTED, _PURGED, _REPLAYED = "evicted", "purged", "replayed"
INTAKE = "intake"
"""The destination of a letter that was refused before it was acknowledged."""
T = TypeVar("T")


class LettersNotKept(Transient):
    """The file of the dead letters cannot be written or read for now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadConfig:
    """How many bytes of dead letters are kept."""

    most_bytes: int = 256 << 20

    def __post_init__(self) -> None:
        """Refuse a bound that cannot hold a line."""
        if self.most_bytes < 1 << 16:
            raise ValueError("most_bytes of the dead letters is at least 65536")


@dataclass(frozen=True, slots=True)
class Form:
    """How a line is written: its protocol, the unit of its timestamps ("" is the protocol's own), its default name."""

    protocol: str = "line_protocol"
    precision: str = "ns"
    measurement: str = ""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One line, why `destination` refused it, who sent it and when it was accepted (ns).

    `kind` is the reason as one of a few names; where it is empty it is taken from the reason's words.
    """

    line: bytes
    reason: str
    bucket: str
    source: str
    destination: str
    accepted_ns: int
    measurement: str = ""
    kind: str = ""
    form: Form = field(default_factory=Form)

    @property
    def reason_kind(self) -> str:
        """The kind, given or found."""
        return self.kind or reason_kind(self.reason)


@dataclass(frozen=True, slots=True)
class Kept:
    """A letter in the box: the id under which it stays, and how often it was put through intake again in vain."""

    id: int
    letter: DeadLetter
    replays: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which letters: all that fit everything given. `reason` is a kind, or words that stand in the reason."""

    ids: tuple[int, ...] = ()
    bucket: str = ""
    measurement: str = ""
    reason: str = ""
    source: str = ""
    since_ns: int = 0

    def where(self) -> tuple[str, list[object]]:
        """As an SQL condition and its parameters."""
        conditions, values = ["accepted_ns >= ?"], [self.since_ns]  # type: tuple[list[str], list[object]]
        for column in ("bucket", "measurement", "source"):
            if wish := getattr(self, column):
                conditions.append(f"{column} = ?")
                values.append(wish)
        if self.reason:
            conditions.append("(kind = ? OR instr(reason, ?) > 0)")
            values += [self.reason, self.reason]
        if self.ids:
            conditions.append(f"id IN ({','.join('?' * len(self.ids))})")
            values += self.ids
        return " AND ".join(conditions), values


@dataclass(frozen=True, slots=True)
class Account:
    """Lines of one bucket and source in the box, by what became of them: `held`, evicted, purged or replayed.

    `acknowledged` is whether they were accepted before a store refused them.
    """

    bucket: str
    source: str
    acknowledged: bool
    how: str
    lines: int


class DeadLetters:
    """The dead letters of one collector, in `folder`."""

    def __init__(self, config: DeadConfig, folder: Path, metrics: DeadLetterMetrics) -> None:
        self._most_bytes = config.most_bytes
        self._folder = folder
        self._metrics = metrics
        self._turn = asyncio.Lock()
        self._size_bytes: int | None = None

    def adopt(self, config: DeadConfig) -> None:
        """Keep by `config` from the next letter on."""
        self._most_bytes = config.most_bytes

    def count_from_zero(self, bucket: str) -> None:
        """Show a bucket without dead letters as zero: a board cannot tell a gap from a fault."""
        self._metrics.lines.labels(bucket, _REFUSED)

    async def add(self, letters: Sequence[DeadLetter]) -> None:
        """Return when the letters are durable. Raises LettersNotKept."""
        if not letters:
            return
        await self._do(partial(self._add, letters))
        for letter in letters:
            self._metrics.lines.labels(letter.bucket, letter.reason_kind).inc()

    async def find(self, wanted: Wanted, *, after: int = 0, most: int = 100) -> list[Kept]:
        """The first `most` letters behind the id `after`, oldest first. Raises LettersNotKept."""
        return await self._do(lambda db: list(_select(db, wanted, after, most)))

    async def purge(self, wanted: Wanted) -> int:
        """Throw letters away; how many they were. Raises LettersNotKept."""
        return await self._do(lambda db: self._take_out(db, *wanted.where(), _PURGED))

    async def replayed(self, ids: Sequence[int]) -> None:
        """Take out letters whose lines are durable in the buffer again. Raises LettersNotKept."""
        if ids:
            await self._do(lambda db: self._take_out(db, *Wanted(ids=tuple(ids)).where(), _REPLAYED))

    async def refused_again(self, refusals: Sequence[tuple[int, str, str]]) -> None:
        """Note on each (id, kind, reason) that another replay was in vain, and why. Raises LettersNotKept."""
        rows = [(kind, reason, number) for number, kind, reason in refusals]
        update = "UPDATE letter SET replays = replays + 1, kind = ?, reason = ? WHERE id = ?"
        if rows:
            await self._do(lambda db: db.executemany(update, rows))

    async def accounts(self) -> list[Account]:
        """Every line that is or was in the box, by bucket, source and what became of it. Raises LettersNotKept."""
        return await self._do(_accounts)

    async def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        async with self._turn:
            try:
                return await asyncio.to_thread(self._in_transaction, work)
            except (sqlite3.Error, OSError) as error:
                self._size_bytes = None
                raise LettersNotKept(f"{self._folder / _FILE}: {error}") from error

    def _in_transaction(self, work: Callable[[sqlite3.Connection], T]) -> T:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _opened(self._folder) as db, db:
            return work(db)

    def _add(self, letters: Sequence[DeadLetter], db: sqlite3.Connection) -> None:
        if self._size_bytes is None:
            self._size_bytes = int(db.execute("SELECT coalesce(sum(size), 0) FROM letter").fetchone()[0])
        rows = [_row(letter) for letter in letters]
        marks = ", ".join("?" * len(rows[0]))
        db.executemany(f"INSERT INTO letter (acknowledged, size, {_COLUMNS}) VALUES ({marks})", rows)  # noqa: S608 - names of ours
        self._size_bytes += sum(row[1] for row in rows)
        if self._size_bytes > self._most_bytes:
            self._evict(db, self._size_bytes - self._most_bytes)

    def _evict(self, db: sqlite3.Connection, excess_bytes: int) -> None:
        freed, last = 0, (0, 0)
        for size, *place in db.execute("SELECT size, acknowledged, id FROM letter ORDER BY 2, 3"):
            freed, last = freed + size, tuple(place)
            if freed >= excess_bytes:
                break
        self._take_out(db, "(acknowledged, id) <= (?, ?)", list(last), _EVICTED)
        self._metrics.evicted.inc(freed)

    def _take_out(self, db: sqlite3.Connection, condition: str, values: list[object], how: str) -> int:
        """Delete what fits the condition, and count it where counts last."""
        counted = db.execute(
            "SELECT bucket, source, acknowledged, count(*), sum(size) FROM letter "  # noqa: S608 - conditions of ours
            f"WHERE {condition} GROUP BY 1, 2, 3",
            values,
        ).fetchall()
        db.execute(f"DELETE FROM letter WHERE {condition}", values)  # noqa: S608 - conditions of ours
        for bucket, source, acknowledged, lines, size in counted:
            db.execute(
                "INSERT INTO gone VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (bucket, source, acknowledged, how) DO UPDATE SET lines = lines + excluded.lines",
                (bucket, source, acknowledged, how, lines),
            )
            self._metrics.removed.labels(bucket, how).inc(lines)
            if self._size_bytes is not None:
                self._size_bytes -= size
        return sum(lines for _, _, _, lines, _ in counted)


def read_letters(folder: Path) -> Iterator[DeadLetter]:
    """All dead letters of a folder, oldest first; for whoever has no collector to ask."""
    if (folder / _FILE).exists():
        with _opened(folder) as db:
            yield from (kept.letter for kept in _select(db, Wanted(), 0, -1))


def reason_kind(reason: str) -> str:
    """The reason as one of a few names, fit for a metric's label: the text itself names fields and values."""
    for kind, signs in _KINDS:
        if any(sign in reason for sign in signs):
            return kind
    return _REFUSED


@contextmanager
def _opened(folder: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(folder / _FILE)) as db:
        db.execute("PRAGMA synchronous = FULL")
        found = int(db.execute("PRAGMA user_version").fetchone()[0])
        if found == 0:
            db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {_FORMAT}; COMMIT;")
        elif found != _FORMAT:
            raise sqlite3.DatabaseError(f"holds letters in format {found}, this version reads format {_FORMAT}")
        yield db


def _select(db: sqlite3.Connection, wanted: Wanted, after: int, most: int) -> Iterator[Kept]:
    condition, values = wanted.where()
    rows = db.execute(
        f"SELECT id, replays, {_COLUMNS} FROM letter WHERE {condition} AND id > ? ORDER BY id LIMIT ?",  # noqa: S608 - names of ours
        [*values, after, most],
    )
    for number, replays, *columns, protocol, precision, name in rows:
        yield Kept(number, replace(DeadLetter(*columns), form=Form(protocol, precision, name)), replays)


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
        letter.measurement or _measurement(letter.line),
        letter.reason_kind,
        form.protocol,
        form.precision,
        form.measurement,
    )


def _measurement(line: bytes) -> str:
    """What stands before the first comma or blank that is not escaped: good enough to look for, broken lines too."""
    name = _NAME.match(line)
    return _ESCAPED.sub(r"\1", name[0].decode("utf-8", "replace")) if name else ""


def _accounts(db: sqlite3.Connection) -> list[Account]:
    held = db.execute("SELECT bucket, source, acknowledged, 'held', count(*) FROM letter GROUP BY 1, 2, 3").fetchall()
    gone = db.execute("SELECT bucket, source, acknowledged, how, lines FROM gone").fetchall()
    return [Account(bucket, source, bool(known), how, lines) for bucket, source, known, how, lines in held + gone]
