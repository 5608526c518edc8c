"""New columns of large tables, a few at a time, ahead of the rows that bring them.

DuckDB makes a column that is added for all rows at once, in memory, and keeps it there until the next checkpoint; a
part of it cannot be put to disk. A shipment with many new fields would need more than there is, each time it is tried.
So the writer adds them in portions, each in a transaction of its own with a checkpoint behind it. A column that stands
there without values is no harm: the same shipment comes again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb

    from store.embedded.catalog import Growth
    from store.embedded.schema import Column

MOST_BYTES: Final = 64_000_000
"""Of new columns that stay in memory until a checkpoint comes."""
_VALUE_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Addition:
    """A column that a table gets which has rows; `size_bytes` is what it takes of memory until a checkpoint."""

    measurement: str
    column: Column
    size_bytes: int


class Widening:
    """Tells what has to go ahead. Lives in the writer's thread."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, most_bytes: int = MOST_BYTES) -> None:
        self._connection = connection
        self._most_bytes = most_bytes
        self._held_bytes = 0
        """what came with rows, without a checkpoint of ours since"""

    def portions(self, growth: Growth) -> Sequence[Sequence[Addition]]:
        """All columns that tables get, in order, a checkpoint behind each portion; none where they may come with rows.

        Those that come with rows are counted, so call it once before each growth is applied.
        """
        additions = list(self._additions(growth))
        size_bytes = sum(one.size_bytes for one in additions)
        if self._held_bytes + size_bytes <= self._most_bytes:
            self._held_bytes += size_bytes
            return ()
        self._held_bytes = 0
        portions: list[list[Addition]] = []
        room = 0
        for one in additions:
            if one.size_bytes > room or not portions:
                portions.append([])
                room = self._most_bytes
            portions[-1].append(one)
            room -= one.size_bytes
        return portions

    def _additions(self, growth: Growth) -> Iterator[Addition]:
        for table, columns in growth.widened():
            sizes = {place: self._rows(place) * _VALUE_BYTES for place in (table.keys, table.points)}
            for column in columns:
                place = table.keys if column.kind == "tag" else table.points
                yield Addition(table.measurement, column, sizes[place])

    def _rows(self, relation: str) -> int:
        told = "SELECT estimated_size FROM duckdb_tables() WHERE table_name = ?"
        ((rows,),) = self._connection.execute(told, [relation]).fetchall()
        return int(rows)
