"""A file of an older format made one of the present: in place, measurement by measurement, in bounded memory.

Called while the file is opened, before anybody else has it. The format is raised first, so that no older program writes
into a file that is half done; then each measurement has a transaction of its own. Whatever interrupts that, the next
opening goes on where it stopped: a measurement that has not been reached is still a table where its view will be.
"""

# ruff: noqa: S608 - the SQL holds our own physical names

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from foundation.logs import logger
from store.embedded.schema import FORMAT, LIFE_SQL, SERIES, TIME, create_sql, view_sql

if TYPE_CHECKING:
    from collections.abc import Iterable

    import duckdb

    from store.embedded.schema import Table

_log = logger("store.embedded")
_WITH_LIFE: Final = 2
_WITH_SERIES: Final = 3


def raise_format(connection: duckdb.DuckDBPyConnection, version: int) -> None:
    """From here on the file is refused by programs that read up to `version`."""
    connection.execute("BEGIN")
    if version < _WITH_LIFE:
        connection.execute(LIFE_SQL)
    connection.execute("UPDATE format SET version = ?", [FORMAT])
    connection.execute("COMMIT")


def migrate_tables(connection: duckdb.DuckDBPyConnection, tables: Iterable[Table]) -> None:
    """Take the tags out of the points of these measurements, which still have them (format 2)."""
    for table in tables:
        _log.info("a measurement gets the form of a newer file", measurement=table.measurement, format=_WITH_SERIES)
        connection.execute("BEGIN")
        _take_series_out(connection, table)
        connection.execute("COMMIT")
        # The blocks of the old table are free for the next one from then on.
        connection.execute("CHECKPOINT")


def _take_series_out(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    old = table.relation
    tags = [column.physical for column in table.columns if column.kind == "tag"]
    fields = [column.physical for column in table.columns if column.kind == "field"]
    for statement in create_sql(table):
        connection.execute(statement)
    numbers = f"SELECT row_number() OVER () - 1, {', '.join(tags)} FROM (SELECT DISTINCT {', '.join(tags)} FROM {old})"
    connection.execute(f"INSERT INTO {table.keys} {numbers if tags else 'SELECT 0'}")
    same = " AND ".join(f"p.{tag} IS NOT DISTINCT FROM s.{tag}" for tag in tags) or "TRUE"
    points = ", ".join([f"p.{TIME}", f"s.{SERIES}", *(f"p.{field}" for field in fields)])
    connection.execute(f"INSERT INTO {table.points} SELECT {points} FROM {old} AS p JOIN {table.keys} AS s ON {same}")
    connection.execute(f"DROP TABLE {old}")
    connection.execute(view_sql(table))
