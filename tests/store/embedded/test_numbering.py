"""A series has one number for as long as it has points, however its tags are written and whatever is remembered."""

from pathlib import Path

import duckdb
import pyarrow as pa
from isal import igzip

from foundation.batch import Position, Shipment
from store.embedded.catalog import load_catalog
from store.embedded.index import SeriesIndex
from store.embedded.numbering import Numbering, part_of, trimmed
from store.embedded.writer import Writer


class File:
    """A DuckDB file with a writer."""

    def __init__(self, path: Path) -> None:
        self.connection = duckdb.connect(path)
        self.catalog = load_catalog(self.connection, path)
        self.index = SeriesIndex()
        self.writer = Writer(self.connection.cursor(), self.catalog, index=self.index)

    def put(self, *lines: bytes) -> None:
        body = b"".join(line + b"\n" for line in lines)
        position = Position("log", "b", self.writer.position("log", "b") + 1)
        assert self.writer.write(Shipment("b", igzip.compress(body, 1), len(lines)), position).stored == len(lines)

    def series(self) -> list[tuple[object, ...]]:
        """The table of series, by number."""
        return self.connection.cursor().execute("SELECT * FROM s1 ORDER BY series").fetchall()


def test_a_series_has_one_number(tmp_path: Path) -> None:
    """Order of tags, escapes and another start make no other series; a tag more does."""
    first = File(tmp_path / "t.duckdb")
    first.put(b"m,a=1,b=x f=1 1", b"m,b=x,a=1 f=1 2", b"m,b=x f=1 3", b"m f=1 4", b'm,a=1,b=x s="\\"" 5')
    known = first.series()
    assert [row[1:] for row in known] == [("1", "x"), (None, "x"), (None, None)]
    first.put(b"m,b=x,a=1 f=1 6", b"m,a=1,b=x,c=new f=1 7")
    first.connection.close()
    again = File(tmp_path / "t.duckdb")
    again.put(b"m,b=x f=1 8", b"m,c=new,b=x,a=1 f=1 9", b"m,c=new f=1 10")
    assert [row[0] for row in again.series()] == [0, 1, 2, 3, 4]
    assert [row[1:] for row in again.series()][3:] == [("1", "x", "new"), (None, None, "new")]
    again.connection.close()


def test_numbers_that_were_forgotten_are_found_in_the_file(tmp_path: Path) -> None:
    """Memory holds a few; what does not fit is looked up, and no series gets a second number."""
    file = File(tmp_path / "t.duckdb")
    file.put(*(b"m,a=%d f=1 1" % number for number in range(10)))
    table = (file.catalog.tables("b") or {})["m"]
    names = [str(number) for number in range(10)]
    rows = pa.table({"time": range(10), "ordinal": range(10), "t1": names})
    numbering = Numbering(file.connection.cursor(), most=4)
    for start in (0, 5, 2, 0):
        numbered = numbering.number(table, part_of(rows.slice(start, 5), table))
        assert numbered.column("series").to_pylist() == list(range(start, start + 5))
    file.connection.close()


def test_missing_tags_at_the_end_are_left_out() -> None:
    """So that a tag that comes later changes no key."""
    assert trimmed(("a", None, "b", None, None)) == ("a", None, "b")
    assert trimmed((None,)) == ()


def test_series_without_points_are_let_go(tmp_path: Path) -> None:
    """Once they are most of a measurement's; those that have points keep their numbers, others get new ones."""
    file = File(tmp_path / "t.duckdb")
    file.put(*(b"m,a=%d f=1 %d" % (number, number) for number in range(3_000)))
    table = (file.catalog.tables("b") or {})["m"]
    file.index.look(table, lambda sql: file.connection.cursor().execute(sql).fetchall())
    assert file.writer.expire("b", "m1", 2_990, 10_000) == 2_990
    assert len(file.series()) == 3_000
    assert file.writer.expire("b", "m1", 2_990, 10_000) == 0
    assert [row[0] for row in file.series()] == list(range(2_990, 3_000))
    file.put(b"m,a=5 f=2 5000", b"m,a=2995 f=2 5001")
    found = file.connection.cursor().execute("SELECT t1, f1 FROM m1 WHERE time >= 5000 ORDER BY time").fetchall()
    assert found == [("5", 2.0), ("2995", 2.0)]
    assert [row[0] for row in file.series()] == list(range(2_990, 3_001))
    file.connection.close()


def test_no_number_is_given_twice(tmp_path: Path) -> None:
    """Not even that of the newest series, when it has lost its points and nobody remembers it."""
    file = File(tmp_path / "t.duckdb")
    file.put(*(b"m,a=%d f=1 %d" % (number, number) for number in range(3_000)))
    table = (file.catalog.tables("b") or {})["m"]
    file.index.look(table, lambda sql: file.connection.cursor().execute(sql).fetchall())
    assert file.writer.expire("b", "m1", 3_000, 10_000) == 3_000
    assert file.writer.expire("b", "m1", 3_000, 10_000) == 0
    file.connection.close()
    again = File(tmp_path / "t.duckdb")
    again.put(b"m,a=new f=1 5000")
    assert again.series() == [(2_999, "2999"), (3_000, "new")]
    again.connection.close()
