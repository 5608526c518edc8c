"""Which number each series of a table has; new series get the next one, within the transaction of their first points.

Lives in the writer's thread. What it keeps in memory is what it met last; whatever else there is stands in the file.
Whoever rolls a transaction back calls `clear`, for then nobody knows what was given.
"""

# ruff: noqa: S608 - the SQL holds our own physical names; values stand in Arrow tables

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from store.embedded.schema import SERIES, keys_of, points_of

if TYPE_CHECKING:
    import duckdb

    from store.embedded.schema import Table

Tags = tuple[str | None, ...]
"""Values of a series in the order of its table's tag columns; those at the end that it has not are left out."""

MOST_KEPT: Final = 200_000
"""About 300 bytes each."""
_FEW: Final = 1_000
_WANTED: Final = "wanted"


@dataclass(frozen=True, slots=True)
class Part:
    """Points of one measurement on their way into the file.

    `rows` is an Arrow table with physical names: `time`, `ordinal` (of rows with the same time and series the later
    one has the higher), fields, and as `series` the place of its series among `series`, which are all different.
    """

    rows: Any
    series: Sequence[Tags]


def trimmed(values: Sequence[str | None]) -> Tags:
    """The values without those at the end that are missing."""
    end = len(values)
    while end and values[end - 1] is None:
        end -= 1
    return tuple(values[:end])


def part_of(rows: Any, table: Table) -> Part:
    """Rows (Arrow) that hold their tags as columns, as a part. For few rows: it makes an object for each."""
    tags = [column.physical for column in table.tags.values()]
    nothing: list[str | None] = [None] * rows.num_rows
    columns = [rows.column(name).to_pylist() if name in rows.column_names else nothing for name in tags]
    places: dict[Tags, int] = {}
    keys = zip(*columns, strict=True) if columns else [()] * rows.num_rows
    codes = [places.setdefault(trimmed(key), len(places)) for key in keys]
    kept = rows.select([name for name in rows.column_names if name not in tags])
    return Part(kept.append_column(SERIES, pa.array(codes, pa.int32())), tuple(places))


class Numbering:
    """The numbers of the series of all tables."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, most: int = MOST_KEPT) -> None:
        """`most` numbers are kept in memory, of all tables together."""
        self._connection = connection
        self._most = most
        self._pruned: dict[str, int] = {}
        """table of series -> how many were left of it when those without points were let go"""
        self._known: dict[str, dict[Tags, int]] = {}
        self._next: dict[str, int] = {}
        self._kept = 0

    def number(self, table: Table, part: Part) -> Any:
        """The part's rows with the numbers of their series; those that the file has not are put into it."""
        known = self._known.setdefault(table.keys, {})
        missing = [tags for tags in part.series if tags not in known]
        if missing:
            if self._kept + len(missing) > self._most:
                self.clear()
                known, missing = self._known.setdefault(table.keys, {}), list(part.series)
            found = self._find(table, missing)
            found |= self._give(table, [tags for tags in missing if tags not in found])
            known |= found
            self._kept += len(found)
        numbers = np.array([known[tags] for tags in part.series], np.int32)
        place = part.rows.column_names.index(SERIES)
        codes = part.rows.column(place).to_numpy()
        return part.rows.set_column(place, SERIES, pa.array(numbers[codes]))

    def forget(self, table: Table) -> None:
        """The table is gone."""
        self._forget(table.keys)
        self._next.pop(table.keys, None)

    def prune(self, relation: str, alive: int | None) -> None:
        """Let go of series without points, where they are most of a measurement's: `alive` have some, None: unknown.

        Within a transaction. It looks at all points, so it has to be worth it.
        """
        keys, points = keys_of(relation), points_of(relation)
        ((held,),) = self._connection.execute(f"SELECT count(*) FROM {keys}").fetchall()
        most = self._pruned.get(keys, 0) + self._most if alive is None else 2 * alive + _FEW
        if held <= most:
            return
        # The highest number stays, so that none is given a second time: readers keep what each stands for.
        gone = f"{SERIES} NOT IN (SELECT DISTINCT {SERIES} FROM {points})"
        highest = f"(SELECT max({SERIES}) FROM {keys})"
        self._connection.execute(f"DELETE FROM {keys} WHERE {gone} AND {SERIES} < {highest}")
        ((self._pruned[keys],),) = self._connection.execute(f"SELECT count(*) FROM {keys}").fetchall()
        self._forget(keys)

    def clear(self) -> None:
        """Nobody knows what was committed."""
        self._known.clear()
        self._next.clear()
        self._kept = 0

    def _forget(self, keys: str) -> None:
        self._kept -= len(self._known.pop(keys, ()))

    def _find(self, table: Table, wanted: Sequence[Tags]) -> dict[Tags, int]:
        """The numbers that the file has."""
        if self._next_of(table) == 0:
            return {}
        tags = [column.physical for column in table.tags.values()]
        same = [f"wanted.{tag} IS NOT DISTINCT FROM s.{tag}" for tag in tags]
        self._connection.register(_WANTED, _columns(tags, wanted, range(len(wanted))))
        try:
            on = " AND ".join(same or ["TRUE"])
            found = self._connection.execute(
                f"SELECT wanted.{SERIES}, s.{SERIES} FROM {_WANTED} JOIN {table.keys} AS s ON {on}"
            )
            return {wanted[place]: number for place, number in found.fetchall()}
        finally:
            self._connection.unregister(_WANTED)

    def _give(self, table: Table, fresh: Sequence[Tags]) -> dict[Tags, int]:
        if not fresh:
            return {}
        first = self._next_of(table)
        given = range(first, first + len(fresh))
        tags = [column.physical for column in table.columns if column.kind == "tag"]
        self._connection.from_arrow(_columns(tags, fresh, given)).insert_into(table.keys)
        self._next[table.keys] = first + len(fresh)
        return dict(zip(fresh, given, strict=True))

    def _next_of(self, table: Table) -> int:
        if table.keys not in self._next:
            ((last,),) = self._connection.execute(f"SELECT max({SERIES}) FROM {table.keys}").fetchall()
            self._next[table.keys] = 0 if last is None else int(last) + 1
        return self._next[table.keys]


def _columns(tags: Sequence[str], series: Sequence[Tags], numbers: Sequence[int]) -> Any:
    """The series as an Arrow table: numbers first, then a column for each tag."""
    made: Mapping[str, Any] = {
        tag: pa.array([key[place] if place < len(key) else None for key in series], pa.string())
        for place, tag in enumerate(tags)
    }
    return pa.table({SERIES: pa.array(numbers, pa.int32()), **made})
