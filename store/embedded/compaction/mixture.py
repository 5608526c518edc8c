"""In which row groups of a table all series stand mixed, as the file has them: what came in small shipments does.

It is read once of each group, in about a millisecond, and remembered for as long as the process runs.
"""

# ruff: noqa: S608 - the SQL holds our own physical names and integers

from __future__ import annotations

from typing import TYPE_CHECKING

from store.embedded.clustering import MOST_NS, is_mixed
from store.embedded.compaction.groups import rows_of
from store.embedded.schema import SERIES

if TYPE_CHECKING:
    from collections.abc import Iterable

    import duckdb

    from store.embedded.compaction.disorder import Group

    Key = tuple[int, int, int, int]


class Mixture:
    """Of one table. One thread at a time."""

    def __init__(self) -> None:
        self._known: dict[Key, bool] = {}

    def among(self, connection: duckdb.DuckDBPyConnection, relation: str, groups: Iterable[Group]) -> frozenset[Group]:
        """Those of the groups that are mixed, and span so little time that they may stand otherwise."""
        short = [group for group in groups if group.last_ns - group.first_ns <= MOST_NS]
        self._known = {
            _key(group): self._known[_key(group)] if _key(group) in self._known else _look(connection, relation, group)
            for group in short
        }
        return frozenset(group for group in short if self._known[_key(group)])


def _key(group: Group) -> Key:
    return group.start, group.rows, group.first_ns, group.last_ns


def _look(connection: duckdb.DuckDBPyConnection, relation: str, group: Group) -> bool:
    read = connection.execute(f"SELECT {SERIES} FROM {relation} WHERE {rows_of((group,))}")
    return is_mixed(read.fetchnumpy()[SERIES])
