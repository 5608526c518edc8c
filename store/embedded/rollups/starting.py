"""What the file knows of rollups, brought in line with the configuration when it is opened.

A rollup that is new, or means something else than before, begins with everything that its source holds. One that is no
longer configured leaves its rows. Runs in the writer's thread, within a transaction of its own.
"""

# ruff: noqa: S608 - the SQL holds our own physical names

from __future__ import annotations

from typing import TYPE_CHECKING

from foundation.logs import logger

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    from store.embedded.catalog import Catalog
    from store.embedded.rollups.definition import Place, Rollup
    from store.embedded.rollups.marks import Marks

_log = logger("store.embedded.rollups")


def begin_rollups(connection: duckdb.DuckDBPyConnection, catalog: Catalog, marks: Marks) -> Mapping[str, str]:
    """Mark what has to be rolled from the beginning; rollup -> why it must not run, where it would harm others."""
    rows = connection.execute("SELECT name, bucket, measurement, definition FROM rollups").fetchall()
    stored = {name: definition for name, _, _, definition in rows if definition}
    owned = {(bucket, measurement) for _, bucket, measurement, _ in rows}
    for name in stored.keys() - marks.rollups.keys():
        connection.execute("UPDATE rollups SET definition = '' WHERE name = ?", [name])
        connection.execute("DELETE FROM rollup_marks WHERE rollup = ?", [name])
    refused: dict[str, str] = {}
    for rollup in marks.rollups.values():
        target = rollup.target
        if stored.get(rollup.name) == rollup.definition:
            continue
        if (target.bucket, target.measurement) not in owned and _span(connection, catalog, target):
            refused[rollup.name] = f"{target} holds points that no rollup wrote; name another target, or drop them"
            continue
        _take_up(connection, catalog, marks, rollup)
    return refused


def _take_up(connection: duckdb.DuckDBPyConnection, catalog: Catalog, marks: Marks, rollup: Rollup) -> None:
    connection.execute(
        "DELETE FROM rollups WHERE name = ? AND bucket = ? AND measurement = ?",
        [rollup.name, rollup.target.bucket, rollup.target.measurement],
    )
    connection.execute("UPDATE rollups SET definition = '' WHERE name = ?", [rollup.name])
    row = [rollup.name, rollup.target.bucket, rollup.target.measurement, rollup.definition]
    connection.execute("INSERT INTO rollups VALUES (?, ?, ?, ?)", row)
    held = _span(connection, catalog, rollup.source)
    if held is None:
        return
    # Rows behind the source's last point are those of a definition before: they are to go.
    rolled = _span(connection, catalog, rollup.target)
    marks.mark(rollup, held[0], max(held[1], rolled[1] if rolled else held[1]))
    _log.info("a rollup begins with all that its source holds", rollup=rollup.name, definition=rollup.definition)


def _span(connection: duckdb.DuckDBPyConnection, catalog: Catalog, place: Place) -> tuple[int, int] | None:
    """The times of the first and last point of a measurement."""
    table = (catalog.tables(place.bucket) or {}).get(place.measurement)
    if table is None:
        return None
    ((first, last),) = connection.execute(f"SELECT min(time), max(time) FROM {table.points}").fetchall()
    return None if first is None else (int(first), int(last))
