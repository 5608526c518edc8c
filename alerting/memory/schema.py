"""Tables of the SQLite file, its format number, and what is done with a file of another format.

`sqlite` calls `prepare` once for each connection. The invariant: a file that this program does not understand is left
as it is.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from foundation.errors import ConfigError

FORMAT = 4
APPLICATION = 0x70C5_1A  # "tocsin", alerting
_SILENCES = "CREATE TABLE silences (id TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID"
_ACKNOWLEDGEMENTS = "CREATE TABLE acknowledgements (id TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID"
_STEPS = {1: (_SILENCES,), 2: ("ALTER TABLE outbox ADD COLUMN receipt TEXT",), 3: (_ACKNOWLEDGEMENTS,)}
"""Format -> what makes the next one of it."""
_TABLES = (
    _SILENCES,
    _ACKNOWLEDGEMENTS,
    """CREATE TABLE alerts (
        id TEXT PRIMARY KEY, rule TEXT NOT NULL, state TEXT NOT NULL, alert BLOB NOT NULL, words BLOB
    ) WITHOUT ROWID""",
    """CREATE TABLE groups (
        key BLOB PRIMARY KEY, incident TEXT NOT NULL, data BLOB NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE members (
        key BLOB NOT NULL, id TEXT NOT NULL, data BLOB NOT NULL, PRIMARY KEY (key, id)
    ) WITHOUT ROWID""",
    """CREATE TABLE outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        incident TEXT NOT NULL, receiver TEXT NOT NULL, notifier TEXT NOT NULL,
        status TEXT NOT NULL, why TEXT NOT NULL, message BLOB NOT NULL,
        state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '',
        attempts INTEGER NOT NULL DEFAULT 0, last_error TEXT NOT NULL DEFAULT '', doubtful INTEGER NOT NULL DEFAULT 0,
        next_attempt_at TEXT, not_before TEXT, done_at TEXT, receipt TEXT
    )""",
    "CREATE INDEX outbox_by_state ON outbox (state, id)",
    "CREATE INDEX outbox_by_incident ON outbox (incident, receiver, notifier)",
    """CREATE TABLE history (
        id INTEGER PRIMARY KEY AUTOINCREMENT, alert_id TEXT NOT NULL, rule TEXT NOT NULL, data BLOB NOT NULL
    )""",
    "CREATE INDEX history_by_alert ON history (alert_id, id)",
    "CREATE INDEX history_by_rule ON history (rule, id)",
    "CREATE TABLE life (one INTEGER PRIMARY KEY CHECK (one = 1), clean INTEGER NOT NULL)",
    "INSERT INTO life VALUES (1, 1)",
)


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the connection durable and the file ready. Raises ConfigError and sqlite3.Error."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    empty = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
    if not empty and application != APPLICATION:
        raise ConfigError(f"{path}: is a database, but not Tocsin's; move it away or set another `state` folder")
    if found > FORMAT:
        raise ConfigError(
            f"{path}: has format {found}, this Tocsin reads up to {FORMAT}; use the newer Tocsin that wrote it, "
            "or set another `state` folder"
        )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    if empty:
        _create(connection)
    elif found < FORMAT:
        _migrate(connection, found)


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for statement in _TABLES:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("COMMIT")


def _migrate(connection: sqlite3.Connection, found: int) -> None:
    """All steps or none: a crash in between leaves the file as it was."""
    connection.execute("BEGIN IMMEDIATE")
    for step in range(found, FORMAT):
        for statement in _STEPS[step]:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("COMMIT")
