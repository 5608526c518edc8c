"""One shipment is one transaction; rows are unique by time and tags, merged field by field; positions go with them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from isal import igzip

from foundation.batch import FieldType, Position, Refused, Shipment
from foundation.errors import ConfigError
from store.contract import Verdict
from store.embedded.catalog import Catalog, load_catalog
from store.embedded.writer import Writer


class File:
    """A DuckDB file with a writer, and plain SQL to look into it."""

    def __init__(self, path: Path) -> None:
        self.connection = duckdb.connect(path)
        self.catalog: Catalog = load_catalog(self.connection, path)
        self.writer = Writer(self.connection.cursor(), self.catalog)
        self.offset = max(self.positions().values(), default=0)

    def put(self, body: bytes, bucket: str = "b") -> Verdict:
        """Write the next shipment of the log."""
        self.offset += len(body)
        return self.writer.write(shipment(body, bucket), Position("log", bucket, self.offset))

    def rows(self, measurement: str, bucket: str = "b") -> list[dict[str, Any]]:
        """The rows of a measurement by logical names, without nulls, by time."""
        tables = self.catalog.tables(bucket)
        assert tables is not None
        table = tables[measurement]
        names = {column.physical: column.name for column in table.columns} | {"time": "time"}
        cursor = self.connection.cursor().execute(f"SELECT * FROM {table.relation} ORDER BY ALL")  # noqa: S608 - our own
        header = [names[str(column[0])] for column in cursor.description or ()]
        return [
            {name: value for name, value in zip(header, row, strict=True) if value is not None}
            for row in cursor.fetchall()
        ]

    def positions(self) -> dict[tuple[str, str], int]:
        """What the file says of positions."""
        found = self.connection.cursor().execute("SELECT log, bucket, position FROM positions").fetchall()
        return {(log, bucket): offset for log, bucket, offset in found}


def shipment(body: bytes, bucket: str = "b") -> Shipment:
    return Shipment(bucket, igzip.compress(body, 1), body.count(b"\n"))


@pytest.fixture
def file(tmp_path: Path) -> Iterator[File]:
    opened = File(tmp_path / "t.duckdb")
    yield opened
    opened.connection.close()


def test_points_become_rows(file: File) -> None:
    """Tags are text, fields have InfluxDB's types, what a point lacks is null."""
    verdict = file.put(b'm,t=a f=1,i=2i,u=3u,s="x",b=true 1\nm f=2 2\n')
    assert verdict == Verdict(stored=2)
    assert file.rows("m") == [
        {"time": 1, "t": "a", "f": 1.0, "i": 2, "u": 3, "s": "x", "b": True},
        {"time": 2, "f": 2.0},
    ]


@pytest.mark.parametrize("separate", [False, True], ids=["in one shipment", "in two shipments"])
def test_same_point_is_merged_field_by_field(file: File, separate: bool) -> None:
    """Of one series and time there is one row: fields are added, and of an equal field the last write wins."""
    first, second = b"m,t=a f=1,g=1 10\nm,t=b f=7 10\n", b"m,t=a f=2,h=2 10\n"
    for body in [first, second] if separate else [first + second]:
        file.put(body)
    assert file.rows("m") == [
        {"time": 10, "t": "a", "f": 2.0, "g": 1.0, "h": 2.0},
        {"time": 10, "t": "b", "f": 7.0},
    ]


def test_last_write_wins_across_shapes(file: File) -> None:
    """The order of lines decides, also where equal points are written in different forms."""
    file.put(b'm,a=1,b=2 f=1 5\nm,b=2,a=1 f=2,s="x\\"" 5\nm,a=1,b=2 f=3 5\n')
    assert file.rows("m") == [{"time": 5, "a": "1", "b": "2", "f": 3.0, "s": 'x"'}]


def test_points_without_a_tag_are_their_own_series(file: File) -> None:
    """A missing tag is a value of its own when points are compared, old rows and new tags included."""
    file.put(b"m f=1 10\n")
    file.put(b"m,t=a f=2 10\n")
    file.put(b"m f=3 10\nm,t=a g=4 10\n")
    assert file.rows("m") == [{"time": 10, "t": "a", "f": 2.0, "g": 4.0}, {"time": 10, "f": 3.0}]


def test_late_points_find_their_place(file: File) -> None:
    """Points older than what is stored are added or merged, whatever stands between."""
    file.put(b"m f=1 100\nm f=2 200\nm f=3 300\n")
    file.put(b"m f=9 200\nm f=4 150\nm f=5 400\nm f=6 -7\n")
    assert [(row["time"], row["f"]) for row in file.rows("m")] == [
        (-7, 6.0),
        (100, 1.0),
        (150, 4.0),
        (200, 9.0),
        (300, 3.0),
        (400, 5.0),
    ]


def test_type_conflict_refuses_the_line_alone(file: File) -> None:
    """A field of another type than it is pinned to is refused in influxd's words; the rest is stored."""
    verdict = file.put(b"m f=1 10\nm f=2i 20\nm f=3 30\n")
    reason = 'field type conflict: input field "f" on measurement "m" is type integer, already exists as type float'
    assert verdict == Verdict(stored=2, refused=(Refused(b"m f=2i 20", reason, 2),))
    later = file.put(b"m f=true 40\n")
    assert [refused.reason for refused in later.refused] == [
        'field type conflict: input field "f" on measurement "m" is type boolean, already exists as type float'
    ]
    assert [row["time"] for row in file.rows("m")] == [10, 30]


def test_bad_line_is_refused_with_its_reason(file: File) -> None:
    """A line that is no line protocol is refused and the rest stored; the position stays, until it is moved alone."""
    verdict = file.put(b"m f=1 10\nnonsense\nm f=2 20\nm f=1\n")
    assert verdict.stored == 2
    assert [(refused.line, refused.number) for refused in verdict.refused] == [(b"nonsense", 2), (b"m f=1", 4)]
    assert file.positions() == {}
    assert file.put(b"") == Verdict(stored=0)
    assert file.positions() == {("log", "b"): file.offset}


def test_odd_names_and_strings(file: File) -> None:
    """Any legal name and string is kept as it is: quotes, keywords, case, escapes, newlines, unicode."""
    file.put(
        b'SELECT,time\\ zone=a\\,b,From=c "f\\ g"=1,F=2,f=3 1\n'
        b'gr\xc3\xbc\xc3\x9fe,\xe2\x98\x83=\xe2\x98\x83 s="a\n\\"b\\" \\\\ c" 2\n'
    )
    assert file.rows("SELECT") == [{"time": 1, "time zone": "a,b", "From": "c", '"f g"': 1.0, "F": 2.0, "f": 3.0}]
    assert file.rows("grüße") == [{"time": 2, "☃": "☃", "s": 'a\n"b" \\ c'}]


def test_tag_and_field_of_one_name(file: File) -> None:
    """A key may be a tag and a field at once, and physical names keep them apart."""
    file.put(b"day,day=x day=3i 0\n")
    tables = file.catalog.tables("b")
    assert tables is not None
    assert [(column.name, column.kind, column.physical) for column in tables["day"].columns] == [
        ("day", "tag", "t1"),
        ("day", "field", "f1"),
    ]


def test_extremes(file: File) -> None:
    """The ends of integers, unsigned integers and time are kept exactly."""
    most, least = 9_223_372_036_854_775_806, -9_223_372_036_854_775_806
    file.put(b"m i=9223372036854775807i,u=18446744073709551615u %d\nm i=-9223372036854775808i %d\n" % (most, least))
    assert file.rows("m") == [
        {"time": least, "i": -(2**63)},
        {"time": most, "i": 2**63 - 1, "u": 2**64 - 1},
    ]


def test_buckets_are_apart(file: File) -> None:
    """Equal names in two buckets are two tables, with types of their own."""
    file.put(b"m f=1 1\n", "b")
    file.put(b"m f=1i 1\n", "c")
    assert file.catalog.buckets() == ("b", "c")
    assert type(file.rows("m", "b")[0]["f"]) is float
    assert type(file.rows("m", "c")[0]["f"]) is int


def test_position_makes_writing_twice_harmless(file: File) -> None:
    """A shipment at or before the stored position is not written again."""
    file.put(b"m f=1 1\n")
    first = file.offset
    file.put(b"m f=2 1\n")
    again = file.writer.write(shipment(b"m f=1 1\n"), Position("log", "b", first))
    assert again == Verdict(stored=1)
    assert file.rows("m") == [{"time": 1, "f": 2.0}]
    assert file.writer.position("log", "b") == file.offset
    assert file.writer.position("another", "b") == 0


def test_parts_of_a_shipment_share_a_position(file: File) -> None:
    """What arrives at the position that is stored already is stored too: a refused shipment is cut and written so."""
    file.put(b"m f=1 1\n")
    here = Position("log", "b", file.offset)
    file.writer.write(shipment(b"m f=2 2\n"), here)
    file.writer.write(shipment(b"m f=3 3\n"), here)
    assert [row["time"] for row in file.rows("m")] == [1, 2, 3]
    assert file.positions() == {("log", "b"): file.offset}


def test_failed_transaction_leaves_nothing(file: File) -> None:
    """When a commit fails, neither rows nor columns nor position remain, and the same shipment goes in afterwards."""
    file.put(b"m f=1 1\n")
    before = file.positions()
    blocker = file.connection.cursor()
    blocker.execute("BEGIN")
    blocker.execute("UPDATE positions SET position = 0")
    with pytest.raises(duckdb.Error):
        file.put(b"m,new=tag g=1i 2\nn f=1 1\n")
    blocker.execute("ROLLBACK")
    assert file.positions() == before
    assert file.rows("m") == [{"time": 1, "f": 1.0}]
    file.put(b'm,new=tag g="now a string" 2\n')
    assert file.rows("m") == [{"time": 1, "f": 1.0}, {"time": 2, "new": "tag", "g": "now a string"}]


class ShortOfMemory:
    """A connection that lacks memory for these statements, each once."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, *refused: str) -> None:
        self._connection = connection
        self._refused = list(refused)

    def execute(self, sql: str, *parameters: Any) -> Any:
        """As DuckDB does; what was begun stays begun."""
        if sql in self._refused:
            self._refused.remove(sql)
            raise duckdb.OutOfMemoryException(f"no memory for {sql}")
        return self._connection.execute(sql, *parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def test_what_could_not_be_undone_is_undone_by_the_next(file: File) -> None:
    """A transaction for whose end there was no memory, neither way, does not stand in the way of those behind it."""
    short: Any = ShortOfMemory(file.connection.cursor(), "COMMIT", "ROLLBACK")
    file.writer = Writer(short, file.catalog)
    with pytest.raises(duckdb.OutOfMemoryException, match="COMMIT"):
        file.put(b"m f=1 1\n")
    file.put(b"m f=2 2\n")
    assert file.rows("m") == [{"time": 2, "f": 2.0}]
    assert file.positions() == {("log", "b"): file.offset}


def test_everything_is_there_after_reopening(tmp_path: Path) -> None:
    """Catalog, rows and positions outlive the process; later shipments merge with them and names go on being new."""
    path = tmp_path / "t.duckdb"
    first = File(path)
    first.put(b"m,t=a f=1 10\n")
    first.connection.close()
    second = File(path)
    second.put(b"m,t=a g=2i 10\nn x=1 1\n")
    tables = second.catalog.tables("b")
    assert tables is not None
    assert {name: table.fields[key].type for name, table in tables.items() for key in table.fields} == {
        "m": FieldType.INTEGER,
        "n": FieldType.FLOAT,
    }
    assert second.rows("m") == [{"time": 10, "t": "a", "f": 1.0, "g": 2}]
    assert len({table.relation for table in tables.values()}) == 2
    assert second.positions() == {("log", "b"): second.offset}
    second.connection.close()


def test_newer_format_is_refused(tmp_path: Path) -> None:
    """A file of a later format is a clear error that names the file and both formats."""
    path = tmp_path / "t.duckdb"
    File(path).connection.close()
    with duckdb.connect(path) as connection:
        connection.execute("UPDATE format SET version = 99")
    with duckdb.connect(path) as connection, pytest.raises(ConfigError, match=r"t\.duckdb.* format 99, .* up to 3"):
        load_catalog(connection, path)


def test_foreign_file_is_refused(tmp_path: Path) -> None:
    """A DuckDB file of another program is left alone."""
    path = tmp_path / "t.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (a INTEGER)")
        with pytest.raises(ConfigError, match="not made by Tocsin"):
            load_catalog(connection, path)
