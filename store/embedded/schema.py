"""What a bucket holds, as values: which measurement is which table, which tag or field is which column.

The writer makes new values when a shipment brings new names and swaps them in after its commit; queries read whatever
is current, without a lock. Physical names (`m7`, `t1`, `f2`) exist because DuckDB ignores the case of identifiers and
InfluxDB does not; they are given once and never used again for anything else.

In the file each (bucket, measurement) is one table: `time BIGINT NOT NULL` (ns since 1970), one VARCHAR column for
each tag (NULL: the point has no such tag), one column for each field (NULL: the point has no such field).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Final, Literal

from foundation.batch import FieldType

FORMAT: Final = 2
"""Version of the file's layout. A newer file is refused, an older one migrated."""

TIME: Final = "time"
"""Physical name of the column that holds nanoseconds since 1970."""

LIFE_SQL: Final = """
CREATE TABLE rollups (
    name VARCHAR NOT NULL, bucket VARCHAR NOT NULL, measurement VARCHAR NOT NULL, definition VARCHAR NOT NULL
);
CREATE TABLE rollup_marks (rollup VARCHAR NOT NULL, spans BIGINT[] NOT NULL);
CREATE TABLE horizons (bucket VARCHAR NOT NULL, before BIGINT NOT NULL);
CREATE TABLE clock (believed BIGINT NOT NULL, doubted DOUBLE);
"""
"""What format 2 added: the life of the points. Older programs would not mark for rollups what they write.

`rollups` names every target that was ever rolled into; its definition is empty while nobody rolls it. `spans` are
first, last, first, last ... of the windows to be rolled. Points of a bucket `before` its horizon may be gone for age.
`clock` holds the last moment that retention believed, and the seconds of running in which it has doubted since.
"""

CATALOG_SQL: Final = (
    """
CREATE TABLE format (version INTEGER NOT NULL);
CREATE TABLE buckets (id INTEGER NOT NULL, name VARCHAR NOT NULL);
CREATE TABLE measurements (
    id INTEGER NOT NULL, bucket INTEGER NOT NULL, name VARCHAR NOT NULL, relation VARCHAR NOT NULL
);
CREATE TABLE columns (
    measurement INTEGER NOT NULL, name VARCHAR NOT NULL, kind VARCHAR NOT NULL, type VARCHAR NOT NULL,
    physical VARCHAR NOT NULL
);
CREATE TABLE positions (log VARCHAR NOT NULL, bucket VARCHAR NOT NULL, position BIGINT NOT NULL);
"""
    + LIFE_SQL
)
"""Makes the catalog of an empty file. `columns.kind` is tag or field; `columns.type` a FieldType, string for tags."""

SQL_TYPES: Final[Mapping[FieldType, str]] = MappingProxyType(
    {
        FieldType.FLOAT: "DOUBLE",
        FieldType.INTEGER: "BIGINT",
        FieldType.UNSIGNED: "UBIGINT",
        FieldType.STRING: "VARCHAR",
        FieldType.BOOLEAN: "BOOLEAN",
    },
)
"""DuckDB's type for each field type."""

Kind = Literal["tag", "field"]


@dataclass(frozen=True, slots=True)
class Column:
    """A tag or field of a measurement. `type` is None for tags, which are always text."""

    name: str
    kind: Kind
    type: FieldType | None
    physical: str

    @property
    def sql_type(self) -> str:
        """DuckDB's type of the column."""
        return "VARCHAR" if self.type is None else SQL_TYPES[self.type]


@dataclass(frozen=True)
class Table:
    """One measurement of one bucket. `relation` is its table; `columns` stand in the order in which they came."""

    measurement: str
    relation: str
    columns: tuple[Column, ...]

    @cached_property
    def tags(self) -> Mapping[str, Column]:
        """Tag key -> column."""
        return MappingProxyType({column.name: column for column in self.columns if column.kind == "tag"})

    @cached_property
    def fields(self) -> Mapping[str, Column]:
        """Field key -> column. A key may be a tag and a field at once, as in InfluxDB."""
        return MappingProxyType({column.name: column for column in self.columns if column.kind == "field"})


Tables = Mapping[str, Table]
"""measurement -> table, of one bucket"""
