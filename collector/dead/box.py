"""The box in which dead letters are kept, bounded: the oldest go, and are counted, when there would be too much.

Lines that nobody acknowledged go first. Delivery and intake put letters in; the operator's routes look at them, put
them through intake again and throw them away.

Invariants: `add` returns after the sync, so a cursor moves past a line only when the line is stored or in here. The id
of a letter never changes and never comes back. What leaves is counted in the transaction that takes it out.

Concurrency: any task may call anything; calls take turns. Other processes may read meanwhile.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from collector.dead import file
from collector.dead.letter import Account, Count, DeadLetter, Kept, Wanted
from collector.metrics import DeadLetterMetrics
from foundation.errors import Transient

_REFUSED = "refused"
_EVICTED, _PURGED, _REPLAYED = "evicted", "purged", "replayed"
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
        return await self._do(lambda db: list(file.select(db, wanted, after=after, most=most)))

    async def count(self, wanted: Wanted) -> Count:
        """How many letters fit. Raises LettersNotKept."""
        return await self._do(lambda db: file.count(db, wanted))

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
        return await self._do(file.accounts)

    async def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        async with self._turn:
            try:
                return await asyncio.to_thread(self._in_transaction, work)
            except (sqlite3.Error, OSError) as error:
                self._size_bytes = None
                raise LettersNotKept(f"{self._folder / file.FILE}: {error}") from error

    def _in_transaction(self, work: Callable[[sqlite3.Connection], T]) -> T:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with file.open_to_write(self._folder) as db, db:
            return work(db)

    def _add(self, letters: Sequence[DeadLetter], db: sqlite3.Connection) -> None:
        if self._size_bytes is None:
            self._size_bytes = int(db.execute("SELECT coalesce(sum(size), 0) FROM letter").fetchone()[0])
        self._size_bytes += file.insert(db, letters)
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
