"""What a bucket holds, as values: which measurement is which table, which tag or field is which column.

The writer makes new values when a shipment brings new names and swaps them in after its commit; queries read whatever
is current, without a lock. Physical names (`m7`, `t1`, `f2`) exist because DuckDB ignores the case of identifiers and
InfluxDB does not; they are given once and never used again for anything else.

In the file each (bucket, measurement) with the number 7 is two tables and a view over both:

    r7  its points: `time BIGINT` (ns since 1970), `series INTEGER`, a column for each field (NULL: the point lacks it)
    s7  its series: `series INTEGER`, one VARCHAR column for each tag (NULL: the series has no such tag)
    m7  its points with the tags of their series, as questions read them

A series' number is given once. That spares writing tags with each point, and comparing them where points are merged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Final, Literal

from foundation.batch import FieldType

FORMAT: Final = 3
"""Version of the file's layout. A newer file is refused, an older one migrated."""

TIME: Final = "time"
"""Physical name of the column that holds nanoseconds since 1970."""

SERIES: Final = "series"
"""Physical name of the column that holds the number of a point's series."""

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
    """One measurement of one bucket, or rows that are read like one.

    `relation` is what to read from: the view of its points; `columns` stand in the order in which they came. `number`
    is the measurement's in the file, None for rows that are not there.
    """

    measurement: str
    relation: str
    columns: tuple[Column, ...]
    number: int | None = None

    @property
    def points(self) -> str:
        """The table of points without tags; where there is none, the relation itself."""
        return self.relation if self.number is None else points_of(self.relation)

    @property
    def keys(self) -> str:
        """The table of series of a measurement in the file."""
        return keys_of(self.relation)

    @cached_property
    def tags(self) -> Mapping[str, Column]:
        """Tag key -> column."""
        return MappingProxyType({column.name: column for column in self.columns if column.kind == "tag"})

    @cached_property
    def fields(self) -> Mapping[str, Column]:
        """Field key -> column. A key may be a tag and a field at once, as in InfluxDB."""
        return MappingProxyType({column.name: column for column in self.columns if column.kind == "field"})


def points_of(relation: str) -> str:
    """The table of points behind the view of a measurement."""
    return f"r{relation[1:]}"


def keys_of(relation: str) -> str:
    """The table of series behind the view of a measurement."""
    return f"s{relation[1:]}"


def new_table(measurement: str, number: int) -> Table:
    """A measurement of the file that has no columns yet."""
    return Table(measurement, f"m{number}", (), number)


def create_sql(table: Table) -> tuple[str, str]:
    """Make the tables of a measurement with all its columns."""
    time, series = f"{TIME} BIGINT NOT NULL", f"{SERIES} INTEGER NOT NULL"
    fields = [f"{column.physical} {column.sql_type}" for column in table.fields.values()]
    tags = [f"{column.physical} {column.sql_type}" for column in table.tags.values()]
    return (
        f"CREATE TABLE {table.points} ({', '.join([time, series, *fields])})",
        f"CREATE TABLE {table.keys} ({', '.join([series, *tags])})",
    )


def view_sql(table: Table) -> str:
    """Makes the view of a measurement, or makes it anew."""
    columns = [f"{'s' if column.kind == 'tag' else 'r'}.{column.physical}" for column in table.columns]
    series = f" JOIN {table.keys} AS s ON r.{SERIES} = s.{SERIES}" if table.tags else ""
    points = f"SELECT {', '.join([f'r.{TIME}', *columns])} FROM {table.points} AS r{series}"  # noqa: S608 - our names
    return f"CREATE OR REPLACE VIEW {table.relation} AS {points}"


Tables = Mapping[str, Table]
"""measurement -> table, of one bucket"""
