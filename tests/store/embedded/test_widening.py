"""New fields come to large tables within the memory there is, whatever happens on the way."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from foundation.batch import FieldType, Position
from store.embedded import writer
from store.embedded.catalog import Growth, load_catalog
from store.embedded.file import OpenFile
from store.embedded.widening import Widening
from tests.fakes.disordered import BUCKET, POINTS, open_plainly
from tests.fakes.shipping import shipment

FIELDS = 60
"""Half a gigabyte, in a table of that many points."""


@pytest.fixture
def file(disordered: Path) -> Iterator[OpenFile]:
    """A table with many points, and less memory than the new fields would take at once."""
    opened = open_plainly(disordered)
    opened.connection.execute("SET memory_limit = '150MB'")
    yield opened
    opened.close()


def write(file: OpenFile) -> None:
    """A line with many new fields and a new tag."""
    cells = b",".join(b"g%d=1" % number for number in range(FIELDS))
    verdict = file.writer.write(shipment(b"m,t=a %s 5\n" % cells, BUCKET), Position("more", BUCKET, 1))
    assert (verdict.stored, verdict.refused) == (1, ())


def counted(file: OpenFile) -> list[int]:
    """Points, points with the last of the new fields and with the new tag, columns told by the catalog."""
    table = (file.catalog.tables(BUCKET) or {})["m"]
    last = table.fields[f"g{FIELDS - 1}"].physical
    (found,) = file.writing.execute(f"SELECT count(*), count({last}), count(t1) FROM m1").fetchall()  # noqa: S608 - ours
    return [*found, len(table.columns)]


def test_many_new_fields_take_little_memory(file: OpenFile) -> None:
    """They are there with the line that brought them, once, and take no memory any more."""
    write(file)
    assert counted(file) == [POINTS + 1, 1, 1, FIELDS + 2]
    ((held,),) = file.writing.execute("SELECT sum(memory_usage_bytes) FROM duckdb_memory()").fetchall()
    assert held < 100_000_000


def test_a_shipment_that_fails_behind_its_columns(file: OpenFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """The columns stay, the rows do not; the shipment comes again, and finds them."""

    def fail(*_: object) -> int:
        raise duckdb.IOException("the disk is gone")

    with monkeypatch.context() as broken:
        broken.setattr(writer, "store_rows", fail)
        with pytest.raises(duckdb.IOException):
            write(file)
    assert file.writer.position("more", BUCKET) == 0
    write(file)
    assert counted(file) == [POINTS + 1, 1, 1, FIELDS + 2]


def test_columns_that_come_one_by_one_add_up(tmp_path: Path) -> None:
    """Each may be small: once they are many together, the next goes ahead; a column of a new table never does."""
    connection = duckdb.connect(tmp_path / "t.duckdb")
    catalog = load_catalog(connection, tmp_path)
    widening = Widening(connection, most_bytes=20_000)

    def grow(*fields: str, measurement: str = "m") -> Growth:
        growth = catalog.grow("b")
        for field in fields:
            growth.column(measurement, field, "field", FieldType.FLOAT)
        return growth

    def portions(growth: Growth) -> list[list[str]]:
        told = [[one.column.name for one in portion] for portion in widening.portions(growth)]
        growth.apply(connection)
        catalog.adopt(growth)
        return told

    assert portions(grow("f")) == []
    connection.execute("INSERT INTO r1 SELECT i, 0, i FROM range(1000) t(i)")
    assert portions(grow("a")) == []
    assert portions(grow("b")) == []
    assert portions(grow(*map(str, range(9)), measurement="n")) == []
    assert portions(grow("c", "d", "e")) == [["c", "d"], ["e"]]
    assert portions(grow("g")) == []
    connection.close()
