"""The row groups of a table as DuckDB has them: `pragma_storage_info` tells how many rows each has, and their times.

It does not tell where a group begins among the rowids. A group stands directly behind the one before it, unless
others between them had lost all their rows and were dropped; then its rowids stay what they were, and there is a gap.
Runs within the caller's transaction.
"""

# ruff: noqa: S608 - the SQL holds our own physical names and integers

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from store.embedded.compaction.disorder import Group
from store.embedded.schema import TIME

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb


@dataclass(frozen=True, slots=True)
class Layout:
    """The groups that have rows, in their order, but for the last, which still grows.

    `held_bytes`: what others take, all of whose rows were moved or deleted, while a question may still need them.
    """

    groups: tuple[Group, ...]
    held_bytes: int


def read_layout(connection: duckdb.DuckDBPyConnection, relation: str) -> Layout:
    """How a table stands in the file now."""
    # Everything is tried to be read as a number, as FILTER comes behind that: other columns have other statistics.
    first, last = (f"TRY_CAST(stats.{end} AS BIGINT)" for end in ("min", "max"))
    times = f"FILTER (WHERE column_name = '{TIME}' AND segment_type = 'BIGINT')"
    block = "SELECT block_size FROM pragma_database_size() WHERE database_name = current_database()"
    ((block_size,),) = connection.execute(block).fetchall()
    told = connection.execute(
        f"SELECT sum(count) {times}, min({first}) {times}, max({last}) {times}, "
        f"count(DISTINCT block_id) FILTER (WHERE block_id >= 0) "
        f"FROM pragma_storage_info('{relation}') GROUP BY row_group_id ORDER BY row_group_id"
    ).fetchall()
    told_groups = [Group(0, int(rows), first, last, blocks * block_size) for rows, first, last, blocks in told if rows]
    groups = tuple(_placed(connection, relation, told_groups))
    held_bytes = sum(one.size_bytes for one in told_groups) - sum(one.size_bytes for one in groups)
    return Layout(groups[:-1], held_bytes)


def rows_of(groups: tuple[Group, ...]) -> str:
    """The condition that picks the rows of these groups."""
    return " OR ".join(f"rowid BETWEEN {group.start} AND {group.stop - 1}" for group in groups)


def end_of(connection: duckdb.DuckDBPyConnection, relation: str, known: int = 0) -> int:
    """Behind the table's last rowid, looked for from `known` on; 0 where there is none."""
    ((last,),) = connection.execute(f"SELECT max(rowid) FROM {relation} WHERE rowid >= {known}").fetchall()
    return 0 if last is None else int(last) + 1


def _placed(connection: duckdb.DuckDBPyConnection, relation: str, groups: list[Group]) -> Iterator[Group]:
    at = 0
    for group in groups:
        present = _next_row(connection, relation, at)
        if present is None:
            return
        if present != at and _fits(connection, relation, group, present):
            at = present
        if present < at + group.rows:
            yield Group(at, group.rows, group.first_ns, group.last_ns, group.size_bytes)
        at += group.rows


def _next_row(connection: duckdb.DuckDBPyConnection, relation: str, at: int) -> int | None:
    found = connection.execute(f"SELECT rowid FROM {relation} WHERE rowid >= {at} LIMIT 1").fetchall()
    return int(found[0][0]) if found else None


def _fits(connection: duckdb.DuckDBPyConnection, relation: str, group: Group, start: int) -> bool:
    """Whether it is this group that begins there: then its rows have its very first and last time."""
    within = f"rowid BETWEEN {start} AND {start + group.rows - 1}"
    (found,) = connection.execute(f"SELECT min({TIME}), max({TIME}) FROM {relation} WHERE {within}").fetchall()
    return found == (group.first_ns, group.last_ns)
