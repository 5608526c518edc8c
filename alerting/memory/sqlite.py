"""Memory in one SQLite file: WAL, synchronous=FULL, one thread, one transaction a decision.

The composition root builds it; dispatcher and API use it through the contract. The invariant: a method that returned
has left its work on the disk.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import orjson

from alerting.acknowledgement import Acknowledgement
from alerting.memory import codec, schema
from alerting.memory.contract import (
    Attempt,
    Committed,
    Decision,
    HistoryEntry,
    KeptAlert,
    MemoryFailed,
    Notification,
    Outcome,
    Recollection,
    Words,
)
from alerting.memory.outbox import Outbox, notification
from alerting.memory.writer import Prepare, Writer
from alerting.muting.silence import Silence
from alerting.routing.group import Member
from foundation.errors import ConfigError

T = TypeVar("T")

HISTORY_ROWS = 10_000
_AFTER_HEX = "g"
"""Sorts behind every digit of an id."""


class SqliteMemory:
    """Keeps everything in the file at `path`. `history_rows`: how many transitions are kept."""

    def __init__(
        self, path: Path, *, history_rows: int = HISTORY_ROWS, writer: Callable[[Path, Prepare], Writer] = Writer
    ) -> None:
        self._path = path
        self._history_rows = history_rows
        self._outbox = Outbox()
        self._writer = writer(path, lambda connection: schema.prepare(connection, path))
        self._lock: int | None = None

    async def open(self) -> None:
        """Lock and open the file. Raises ConfigError."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = _lock(self._path)
            await self._writer.start()
            await self._run(_wake)
        except (sqlite3.Error, OSError, MemoryFailed) as error:
            await self._release()
            raise ConfigError(
                f"{self._path}: cannot be opened: {error}; restore it from a backup, or move it away to start afresh"
            ) from error
        except BaseException:
            await self._release()
            raise

    async def close(self, *, clean: bool = True) -> None:
        """Finish what was asked for and release the file."""
        try:
            if self._lock is not None and clean:
                await self._run(_fall_asleep)
        finally:
            await self._release()

    async def commit(self, decision: Decision, *, now: datetime) -> Committed:
        """Store one decision."""

        def job(connection: sqlite3.Connection) -> Committed:
            _store_alerts(connection, decision)
            _store_groups(connection, decision)
            self._store_history(connection, decision.history)
            _store_silences(connection, decision)
            _store_acknowledgements(connection, decision)
            return self._outbox.store(connection, decision, now)

        return await self._run(job)

    async def mark(self, attempt: Attempt) -> None:
        """Note what became of an attempt."""
        await self._run(lambda connection: self._outbox.mark(connection, attempt))

    async def announced(self, incident: str, receiver: str, notifier: str) -> bool:
        """Whether the notifier has, or may have, heard of the incident."""
        return await self._run(lambda connection: self._outbox.announced(connection, incident, receiver, notifier))

    async def receipt(self, incident: str, receiver: str, notifier: str) -> str | None:
        """The newest receipt that the notifier gave for the incident."""
        return await self._run(lambda connection: self._outbox.receipt(connection, incident, receiver, notifier))

    async def recall(self) -> Recollection:
        """What a start goes on with."""
        return await self._run(_recall)

    async def alerts(self, only: Collection[str] | None = None) -> Sequence[KeptAlert]:
        """All alerts; or those with these ids, as far as there are such."""

        def job(connection: sqlite3.Connection) -> list[tuple[bytes, bytes | None]]:
            if only is None:
                return connection.execute("SELECT alert, words FROM alerts").fetchall()
            found = (
                connection.execute("SELECT alert, words FROM alerts WHERE id = ?", (one,)).fetchone() for one in only
            )
            return [row for row in found if row is not None]

        return [KeptAlert(alert=codec.alert(data), words=codec.words(said)) for data, said in await self._run(job)]

    async def ids(self, beginning: str) -> Sequence[str]:
        """The ids of alerts that begin so, two at most: enough to know whether one is meant."""
        rows = await self._run(
            lambda connection: connection.execute(
                "SELECT id FROM alerts WHERE id >= ?1 AND id < ?1 || ?2 LIMIT 2", (beginning, _AFTER_HEX)
            ).fetchall()
        )
        return [alert_id for (alert_id,) in rows]

    async def words(self, ids: Collection[str]) -> Mapping[str, Words]:
        """The last words of these alerts, by their ids."""
        rows = await self._run(
            lambda connection: connection.execute(
                "SELECT id, words FROM alerts WHERE id IN (SELECT value FROM json_each(?))",
                (orjson.dumps(list(ids)).decode(),),
            ).fetchall()
        )
        return {alert_id: codec.words(said) for alert_id, said in rows}

    async def silences(self) -> Sequence[Silence]:
        """All silences that were not forgotten."""
        rows = await self._run(lambda connection: connection.execute("SELECT data FROM silences").fetchall())
        return [codec.silence(data) for (data,) in rows]

    async def acknowledgements(self) -> Sequence[Acknowledgement]:
        """All acknowledgements in force."""
        rows = await self._run(lambda connection: connection.execute("SELECT data FROM acknowledgements").fetchall())
        return [codec.acknowledgement(data) for (data,) in rows]

    async def notifications(self, outcome: Outcome, limit: int | None = None) -> Sequence[Notification]:
        """Rows of the outbox: pending ones oldest first, others newest first."""
        rows = await self._run(lambda connection: self._outbox.select(connection, outcome, limit))
        return [notification(row) for row in rows]

    async def messages(self, incident: str) -> Sequence[Notification]:
        """Rows of the outbox about one incident, oldest first."""
        rows = await self._run(lambda connection: self._outbox.of_incident(connection, incident))
        return [notification(row) for row in rows]

    async def count(self, outcome: Outcome, *, since: datetime | None = None) -> int:
        """How many rows of the outbox there are, or how many came to their end since then."""
        return await self._run(lambda connection: self._outbox.count(connection, outcome, since))

    async def history(
        self, limit: int, *, alert_id: str | None = None, rule: str | None = None
    ) -> Sequence[HistoryEntry]:
        """Transitions, newest first."""
        rows = await self._run(
            lambda connection: connection.execute(
                "SELECT data FROM history WHERE (?1 IS NULL OR alert_id = ?1) AND (?2 IS NULL OR rule = ?2)"
                " ORDER BY id DESC LIMIT ?3",
                (alert_id, rule, limit),
            ).fetchall()
        )
        return [codec.history_entry(data) for (data,) in rows]

    def _store_history(self, connection: sqlite3.Connection, entries: tuple[HistoryEntry, ...]) -> None:
        if not entries:
            return
        connection.executemany(
            "INSERT INTO history (alert_id, rule, data) VALUES (?, ?, ?)",
            ((entry.alert_id, entry.rule, codec.encode(entry)) for entry in entries),
        )
        connection.execute("DELETE FROM history WHERE id <= (SELECT max(id) FROM history) - ?", (self._history_rows,))

    async def _run(self, job: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return await self._writer.run(job)
        except sqlite3.Error as error:
            raise MemoryFailed(f"{self._path}: {error}; what alerting decided could not be stored") from error

    async def _release(self) -> None:
        await self._writer.stop()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _lock(path: Path) -> int:
    """Hold `path`.lock for as long as the process lives. Raises ConfigError when another one holds it."""
    descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise ConfigError(f"{path}: another Tocsin is using it; stop that one, or set another `state` folder") from None
    return descriptor


def _wake(connection: sqlite3.Connection) -> None:
    """After a crash, whatever waits may have been on its way: the service may have it."""
    clean = connection.execute("SELECT clean FROM life").fetchone()[0]
    if not clean:
        connection.execute("UPDATE outbox SET doubtful = 1 WHERE state = 'pending'")
    connection.execute("UPDATE life SET clean = 0")


def _fall_asleep(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE life SET clean = 1")


def _recall(connection: sqlite3.Connection) -> Recollection:
    """Row by row, so that no second copy of it all is ever held."""
    shared = codec.Shared()
    alerts = {
        shared.text(alert_id): codec.alert(data, shared)
        for alert_id, data in connection.execute("SELECT id, alert FROM alerts")
    }
    members: dict[bytes, dict[str, Member]] = defaultdict(dict)
    for key, data in connection.execute("SELECT key, data FROM members"):
        member = codec.member(data, shared)
        members[key][member.alert_id] = member
    groups = [
        codec.group(data, members.pop(key, {})) for key, data in connection.execute("SELECT key, data FROM groups")
    ]
    return Recollection(alerts, groups)


def _store_alerts(connection: sqlite3.Connection, decision: Decision) -> None:
    connection.executemany(
        "INSERT INTO alerts (id, rule, state, alert, words) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
        " rule = excluded.rule, state = excluded.state, alert = excluded.alert,"
        " words = coalesce(excluded.words, words)",
        (
            (
                alert.fingerprint,
                alert.rule,
                alert.state.value,
                codec.encode(alert),
                codec.encode(said) if (said := decision.words.get(alert.fingerprint)) else None,
            )
            for alert in decision.alerts
        ),
    )
    connection.executemany("DELETE FROM alerts WHERE id = ?", ((alert_id,) for alert_id in decision.forgotten))


def _store_silences(connection: sqlite3.Connection, decision: Decision) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO silences (id, data) VALUES (?, ?)",
        ((one.id, codec.silence_bytes(one)) for one in decision.silences),
    )
    connection.executemany("DELETE FROM silences WHERE id = ?", ((one,) for one in decision.unsilenced))


def _store_acknowledgements(connection: sqlite3.Connection, decision: Decision) -> None:
    connection.executemany("DELETE FROM acknowledgements WHERE id = ?", ((one,) for one in decision.released))
    connection.executemany(
        "INSERT OR REPLACE INTO acknowledgements (id, data) VALUES (?, ?)",
        ((one.alert_id, codec.encode(one)) for one in decision.acknowledged),
    )


def _store_groups(connection: sqlite3.Connection, decision: Decision) -> None:
    """Each statement for all groups at once: a statement more for each of thousands of groups is what would cost."""
    changes = [(codec.key_bytes(change.group.key), change) for change in decision.groups]
    kept = [(key, change) for key, change in changes if not change.closed]
    connection.executemany(
        "DELETE FROM members WHERE key = ? AND id = ?", [(key, gone) for key, change in changes for gone in change.gone]
    )
    connection.executemany("DELETE FROM groups WHERE key = ?", [(key,) for key, change in changes if change.closed])
    connection.executemany(
        "INSERT OR REPLACE INTO groups (key, incident, data) VALUES (?, ?, ?)",
        ((key, change.group.incident, codec.group_bytes(change.group)) for key, change in kept),
    )
    connection.executemany(
        "INSERT OR REPLACE INTO members (key, id, data) VALUES (?, ?, ?)",
        (
            (key, alert_id, codec.encode(change.group.members[alert_id]))
            for key, change in kept
            for alert_id in change.members
        ),
    )
