"""Rows and the tags of their series are read one after the other, yet fit each other."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import duckdb
import pyarrow as pa
import pytest

from foundation.batch import FieldType
from influxql.translate.parameters import Parameters
from store.embedded.deadline import Deadline
from store.embedded.recent.rows import TooManyRows, read_rows
from store.embedded.recent.series import SeriesNumbers
from store.embedded.recent.since import Since
from store.embedded.schema import Column, Table, create_sql, new_table, view_sql
from store.embedded.session import Session

TAG, FIELD = Column("h", "tag", None, "t1"), Column("v", "field", FieldType.FLOAT, "f1")

KINDS = {FieldType.FLOAT: pa.float64(), FieldType.INTEGER: pa.int64(), FieldType.UNSIGNED: pa.uint64()}


@pytest.fixture
def table() -> Table:
    """A measurement with one tag and one field."""
    return replace(new_table("m", 1), columns=(TAG, FIELD))


@pytest.fixture
def file(table: Table) -> duckdb.DuckDBPyConnection:
    """Two series, with points at 1, 2, 3 and 4 in turn."""
    file = duckdb.connect()
    for statement in (*create_sql(table), view_sql(table)):
        file.execute(statement)
    file.execute("INSERT INTO s1 VALUES (0, 'stays'), (1, 'goes')")
    file.execute("INSERT INTO r1 VALUES (1, 0, 10), (2, 1, 20), (3, 0, 30), (4, 1, 40)")
    return file


def test_a_series_that_goes_after_its_rows_were_read(
    table: Table, file: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows without tags are no answer: both are read again, as of one moment, and the series is in neither."""
    session = Session(file.cursor, lambda _: None, "db", 0, Deadline(60))
    index, read, snapshots = SeriesNumbers(), Session.stream, []

    def disturbed(session: Session, sql: str, parameters: Parameters) -> object:
        found = list(read(session, sql, parameters))
        snapshots.append(session.in_snapshot)
        if len(snapshots) == 1:
            file.execute("BEGIN; DELETE FROM r1 WHERE series = 1; DELETE FROM s1 WHERE series = 1; COMMIT")
        return found

    monkeypatch.setattr(Session, "stream", disturbed)
    with closing(session):
        rows = read_rows(session, Since(table, 0), [TAG], [FIELD], index)
    assert snapshots == [False, True]
    assert rows.times.tolist() == [1, 3]
    assert rows.fields["f1"].values.tolist() == [10, 30]
    assert [index.known[number] for number in rows.series] == [("stays",)] * 2
    file.close()


@pytest.fixture
def reading(file: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A session that gets rows in small pieces."""
    monkeypatch.setattr("store.embedded.session._BATCH_ROWS", 2_048)
    with closing(Session(file.cursor, lambda _: None, "db", 0, Deadline(60))) as session:
        yield session
    file.close()


@pytest.mark.parametrize(
    ("kind", "sql_type", "values"),
    [
        (FieldType.FLOAT, "DOUBLE", [float(number) / 8 for number in range(9_000)]),
        (FieldType.INTEGER, "BIGINT", [*[7] * 4_000, *range(-40_000, -37_500), *[2**62] * 2_500]),
        (FieldType.UNSIGNED, "UBIGINT", [*[2] * 4_000, *[70_000] * 2_500, *[2**64 - 1] * 2_500]),
        (FieldType.INTEGER, "BIGINT", [None if number % 3_000 < 5 else number for number in range(9_000)]),
        (FieldType.FLOAT, "DOUBLE", [None if number < 5_000 else 0.5 for number in range(9_000)]),
    ],
)
def test_pieces_make_the_same_columns(
    file: duckdb.DuckDBPyConnection, reading: Session, kind: FieldType, sql_type: str, values: list[float | None]
) -> None:
    """Wider numbers and missing ones may come late, and rows in any order."""
    column = Column("w", "field", kind, "f2")
    wide = replace(new_table("m", 1), columns=(TAG, FIELD, column))
    file.execute(f"ALTER TABLE r1 ADD COLUMN f2 {sql_type}")
    file.execute("DELETE FROM r1")
    times = [10_000 - number for number in range(len(values))]
    file.register("wanted", pa.table({"time": times, "w": pa.array(values, KINDS[kind])}))
    file.execute("INSERT INTO r1 SELECT time, 0, 1.0, w FROM wanted")
    found = read_rows(reading, Since(wide, 0), [TAG], [column], SeriesNumbers())
    assert found.times.tolist() == sorted(times)
    read = found.fields["f2"]
    present = [True] * len(values) if read.present is None else read.present.tolist()
    shown = [value if there else None for value, there in zip(read.values.tolist(), present, strict=True)]
    assert shown == values[::-1]
    assert set(found.series.tolist()) == {0}


def test_more_rows_than_there_is_room_for(file: duckdb.DuckDBPyConnection, table: Table, reading: Session) -> None:
    """The rest of them is not read, and the session may ask on."""
    with pytest.raises(TooManyRows):
        read_rows(reading, Since(table, 0), [TAG], [FIELD], SeriesNumbers(), most=3)
    assert len(read_rows(reading, Since(table, 0), [TAG], [FIELD], SeriesNumbers(), most=4).times) == 4
