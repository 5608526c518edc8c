"""The outbox table: messages that wait, went out, were refused or were held back.

`sqlite` calls it inside its transactions. A lane is what one notifier of one receiver hears of one incident. The
invariants: within a lane at most one firing message waits beside the one that is being sent; a resolve waits only where
the lane has heard, or may have heard, of the incident; what was sent stays sent.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from alerting.memory import codec
from alerting.memory.contract import Attempt, Committed, Decision, Draft, Notification, Outcome, Suppression
from alerting.memory.supersede import carry_over
from alerting.notify.contract import Message, Status

KEPT_ROWS = 10_000
_COLUMNS = (
    "id, notifier, why, message, state, reason, attempts, last_error, doubtful, next_attempt_at, not_before, done_at"
)


class Outbox:
    """Reads and writes the table. `kept_rows`: how many of the newest rows outlive their end."""

    def __init__(self, *, kept_rows: int = KEPT_ROWS) -> None:
        self._kept_rows = kept_rows

    def store(self, connection: sqlite3.Connection, decision: Decision, now: datetime) -> Committed:
        """Put the decision's messages into their lanes."""
        pending: list[Notification] = []
        suppressed: list[Notification] = []
        withdrawn: list[tuple[int, Suppression]] = []
        for draft in decision.drafts:
            if draft.suppression is not None:
                held = draft.suppression.value
                suppressed.append(_add(connection, draft, draft.message, Outcome.SUPPRESSED, held, now))
                continue
            if draft.echo and not self._concerns(connection, draft):
                continue
            taken_back, message = self._withdraw(connection, draft, decision.in_flight, now)
            withdrawn += taken_back
            row = self._insert(connection, draft, message, decision.in_flight, now)
            (pending if row.state is Outcome.PENDING else suppressed).append(row)
        if decision.drafts:
            self._prune(connection)
        return Committed(pending=tuple(pending), suppressed=tuple(suppressed), withdrawn=tuple(withdrawn))

    def mark(self, connection: sqlite3.Connection, attempt: Attempt) -> None:
        """Note what became of an attempt."""
        ended = attempt.outcome is not Outcome.PENDING
        connection.execute(
            "UPDATE outbox SET state = ?, reason = ?, attempts = attempts + ?, last_error = ?,"
            " doubtful = max(doubtful, ?), next_attempt_at = ?, not_before = ?, done_at = ?, receipt = ?"
            " WHERE id = ? AND (state = 'pending' OR ? = 'sent')",
            (
                attempt.outcome.value,
                attempt.reason,
                0 if attempt.outcome is Outcome.SUPPRESSED else 1,
                attempt.error,
                attempt.doubtful,
                _text(attempt.next_attempt_at),
                _text(attempt.not_before),
                _text(attempt.at if ended else None),
                attempt.receipt,
                attempt.id,
                attempt.outcome.value,
            ),
        )

    def announced(self, connection: sqlite3.Connection, incident: str, receiver: str, notifier: str) -> bool:
        """Whether the lane has, or may have, heard of the incident."""
        found = connection.execute(
            "SELECT EXISTS (SELECT 1 FROM outbox WHERE incident = ? AND receiver = ? AND notifier = ?"
            " AND status = 'firing' AND (state = 'sent' OR doubtful))",
            (incident, receiver, notifier),
        ).fetchone()
        return bool(found[0])

    def receipt(self, connection: sqlite3.Connection, incident: str, receiver: str, notifier: str) -> str | None:
        """The newest receipt of the lane."""
        found = connection.execute(
            "SELECT receipt FROM outbox WHERE incident = ? AND receiver = ? AND notifier = ?"
            " AND receipt IS NOT NULL ORDER BY id DESC LIMIT 1",
            (incident, receiver, notifier),
        ).fetchone()
        return str(found[0]) if found else None

    def select(self, connection: sqlite3.Connection, outcome: Outcome, limit: int | None) -> list[Any]:
        """Rows for `notification`: pending ones oldest first, others newest first."""
        order = "ASC" if outcome is Outcome.PENDING else "DESC"
        return connection.execute(
            f"SELECT {_COLUMNS} FROM outbox WHERE state = ? ORDER BY id {order} LIMIT ?",  # noqa: S608 - our own words
            (outcome.value, -1 if limit is None else limit),
        ).fetchall()

    def _concerns(self, connection: sqlite3.Connection, draft: Draft) -> bool:
        """Whether the lane of a draft was told of its incident, or something waits in it."""
        found = connection.execute(
            "SELECT EXISTS (SELECT 1 FROM outbox WHERE incident = ? AND receiver = ? AND notifier = ?"
            " AND (state IN ('sent', 'pending') OR doubtful))",
            (draft.message.incident, draft.message.receiver, draft.notifier),
        ).fetchone()
        return bool(found[0])

    def of_incident(self, connection: sqlite3.Connection, incident: str) -> list[Any]:
        """Rows for `notification` about one incident, oldest first."""
        return connection.execute(
            f"SELECT {_COLUMNS} FROM outbox WHERE incident = ? ORDER BY id",  # noqa: S608 - our own words
            (incident,),
        ).fetchall()

    def count(self, connection: sqlite3.Connection, outcome: Outcome, since: datetime | None) -> int:
        """How many rows there are, or how many came to their end since then."""
        found = connection.execute(
            "SELECT count(*) FROM outbox WHERE state = ?1 AND (?2 IS NULL OR done_at >= ?2)",
            (outcome.value, _text(since)),
        ).fetchone()
        return int(found[0])

    def _withdraw(
        self, connection: sqlite3.Connection, draft: Draft, in_flight: frozenset[int], now: datetime
    ) -> tuple[list[tuple[int, Suppression]], Message]:
        message = draft.message
        reason = Suppression.SUPERSEDED if message.status is Status.FIRING else Suppression.RESOLVED_BEFORE_SENT
        withdrawn: list[tuple[int, Suppression]] = []
        for row_id, data in list(_waiting(connection, draft)):
            if row_id in in_flight:
                continue
            if reason is Suppression.SUPERSEDED:
                message = carry_over(codec.message(data), message)
            connection.execute(
                "UPDATE outbox SET state = 'suppressed', reason = ?, next_attempt_at = NULL, done_at = ? WHERE id = ?",
                (reason.value, _text(now), row_id),
            )
            withdrawn.append((row_id, reason))
        return withdrawn, message

    def _insert(
        self, connection: sqlite3.Connection, draft: Draft, message: Message, in_flight: frozenset[int], now: datetime
    ) -> Notification:
        lane = (message.incident, message.receiver, draft.notifier)
        speaks = (
            message.status is Status.FIRING
            or self.announced(connection, *lane)
            or any(row_id in in_flight for row_id, _ in _waiting(connection, draft))
        )
        if not speaks:
            return _add(connection, draft, message, Outcome.SUPPRESSED, Suppression.NEVER_ANNOUNCED.value, now)
        return _add(connection, draft, message)

    def _prune(self, connection: sqlite3.Connection) -> None:
        """Forget what ended long ago; a lane whose incident is open or that still has something to say is kept."""
        connection.execute(
            "DELETE FROM outbox WHERE id <= (SELECT max(id) FROM outbox) - ? AND state != 'pending'"
            " AND incident NOT IN (SELECT incident FROM groups)"
            " AND incident NOT IN (SELECT incident FROM outbox WHERE state = 'pending')",
            (self._kept_rows,),
        )


def _add(
    connection: sqlite3.Connection,
    draft: Draft,
    message: Message,
    state: Outcome = Outcome.PENDING,
    reason: str = "",
    done_at: datetime | None = None,
) -> Notification:
    """A new row: `message`, on the draft's way; one that does not wait ended at `done_at`."""
    lane = (message.incident, message.receiver, draft.notifier)
    inserted = connection.execute(
        "INSERT INTO outbox (incident, receiver, notifier, status, why, message, state, reason, done_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*lane, message.status.value, draft.why, codec.encode(message), state.value, reason, _text(done_at)),
    )
    return Notification(
        id=inserted.lastrowid or 0,
        notifier=draft.notifier,
        why=draft.why,
        message=message,
        state=state,
        reason=reason,
        done_at=done_at,
    )


def notification(row: Any) -> Notification:
    """A row of `select` as a value."""
    row_id, notifier, why, message, state, reason, attempts, last_error, doubtful, next_at, not_before, done_at = row
    return Notification(
        id=row_id,
        notifier=notifier,
        why=why,
        message=codec.message(message),
        state=Outcome(state),
        reason=reason,
        attempts=attempts,
        last_error=last_error,
        doubtful=bool(doubtful),
        next_attempt_at=_time(next_at),
        not_before=_time(not_before),
        done_at=_time(done_at),
    )


def _waiting(connection: sqlite3.Connection, draft: Draft) -> Iterator[tuple[int, bytes]]:
    """Firing messages of the draft's lane that wait."""
    yield from connection.execute(
        "SELECT id, message FROM outbox WHERE incident = ? AND receiver = ? AND notifier = ?"
        " AND state = 'pending' AND status = 'firing'",
        (draft.message.incident, draft.message.receiver, draft.notifier),
    )


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
