"""Rows and the tags of their series are read one after the other, yet fit each other."""

from contextlib import closing
from dataclasses import replace

import duckdb
import pytest

from foundation.batch import FieldType
from influxql.translate.parameters import Parameters
from store.embedded.deadline import Deadline
from store.embedded.recent.rows import read_rows
from store.embedded.recent.series import SeriesNumbers
from store.embedded.schema import Column, Table, create_sql, new_table, view_sql
from store.embedded.session import Session

TAG, FIELD = Column("h", "tag", None, "t1"), Column("v", "field", FieldType.FLOAT, "f1")


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
    index, read, snapshots = SeriesNumbers(), Session.fetch_table, []

    def disturbed(session: Session, sql: str, parameters: Parameters) -> object:
        found = read(session, sql, parameters)
        snapshots.append(session.in_snapshot)
        if len(snapshots) == 1:
            file.execute("BEGIN; DELETE FROM r1 WHERE series = 1; DELETE FROM s1 WHERE series = 1; COMMIT")
        return found

    monkeypatch.setattr(Session, "fetch_table", disturbed)
    with closing(session):
        rows = read_rows(session, table, [TAG], [FIELD], 0, index)
    assert snapshots == [False, False, True]
    assert rows.times.tolist() == [1, 3]
    assert rows.fields["f1"].values.tolist() == [10, 30]
    assert [index.known[number] for number in rows.series] == [("stays",)] * 2
    file.close()
