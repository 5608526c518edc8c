"""The sources of a SELECT: measurements by name or regex, in this or another database, and inner SELECTs."""

from __future__ import annotations

import re2

from influxql.ast import KeyFilter, Measurement
from influxql.errors import QueryError
from store.embedded.schema import Table, Tables
from store.embedded.session import Session

DEFAULT_POLICY = "autogen"
"""The one retention policy of a database; InfluxDB 2 maps bucket `a/b` to database `a`, policy `b`."""


def find_tables(session: Session, source: Measurement) -> list[Table]:
    """The measurements that `source` means, by name; none where there are none. Raises QueryError."""
    tables = find_database(session, source.database, source.policy)
    if source.regex is not None:
        pattern = re2.compile(source.regex)
        return [tables[name] for name in sorted(tables) if pattern.search(name)]
    found = tables.get(source.name or "")
    return [found] if found else []


def find_database(session: Session, database: str | None, policy: str | None = None) -> Tables:
    """The measurements of a database and policy. Raises QueryError where there is none."""
    name = database or session.database
    if policy not in (None, DEFAULT_POLICY):
        tables = session.tables(f"{name}/{policy}")
        if tables is None:
            raise QueryError(f"retention policy not found: {policy}")
        return tables
    tables = session.tables(name)
    if tables is None:
        raise QueryError(f"database not found: {name}")
    return tables


def accepts_name(wish: KeyFilter, name: str) -> bool:
    """Whether a WITH KEY or WITH MEASUREMENT takes the name."""
    if wish.op in ("=", "IN"):
        return name in wish.values
    if wish.op == "!=":
        return name not in wish.values
    found = bool(re2.compile(wish.values[0]).search(name))
    return found if wish.op == "=~" else not found
