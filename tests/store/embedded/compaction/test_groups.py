"""Where row groups begin among the rowids: behind each other, behind gaps, with rows and without."""

# ruff: noqa: S608 - the SQL holds our own integers

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from store.embedded.compaction.groups import Layout, end_of, read_layout, rows_of

ROWS = 2048


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A table `m` of ten small groups, each with times of its own, and an eleventh that still grows."""
    with duckdb.connect() as made:
        made.execute(f"ATTACH '{tmp_path / 'small.duckdb'}' AS small (ROW_GROUP_SIZE {ROWS})")
        made.execute("USE small")
        made.execute("CREATE TABLE m (time BIGINT NOT NULL, t1 VARCHAR, f1 DOUBLE)")
        made.execute(f"INSERT INTO m SELECT i, 'a', i FROM range({ROWS * 10 + 100}) rows(i)")
        made.execute("CHECKPOINT")
        yield made


def firsts(connection: duckdb.DuckDBPyConnection) -> list[int]:
    """Where the groups begin; each must hold the very rows that it tells of."""
    groups = read_layout(connection, "m").groups
    for group in groups:
        found = f"SELECT min(time), max(time) FROM m WHERE {rows_of((group,))}"
        assert connection.execute(found).fetchall() == [(group.first_ns, group.last_ns)]
        assert group.size_bytes > 0
    return [group.start // ROWS for group in groups]


def drop(connection: duckdb.DuckDBPyConnection, first: int, last: int) -> None:
    """Delete the rows of some groups, whole."""
    connection.execute(f"DELETE FROM m WHERE rowid BETWEEN {first * ROWS} AND {(last + 1) * ROWS - 1}")


def test_groups_one_behind_the_other(connection: duckdb.DuckDBPyConnection) -> None:
    """All but the one that still grows; the table ends behind that."""
    assert firsts(connection) == list(range(10))
    assert end_of(connection, "m") == end_of(connection, "m", 5 * ROWS) == ROWS * 10 + 100
    assert end_of(connection, "m", 1_000_000) == 0


def test_a_table_without_rows(connection: duckdb.DuckDBPyConnection) -> None:
    """It has no groups, and ends where it begins."""
    connection.execute("CREATE TABLE empty (time BIGINT NOT NULL)")
    assert read_layout(connection, "empty") == Layout((), 0)
    assert end_of(connection, "empty") == 0


def test_groups_behind_gaps(connection: duckdb.DuckDBPyConnection) -> None:
    """Groups that were dropped leave gaps, at the beginning and in between; the others are found behind them."""
    drop(connection, 0, 1)
    drop(connection, 5, 5)
    connection.execute("CHECKPOINT")
    assert firsts(connection) == [2, 3, 4, 6, 7, 8, 9]


def test_groups_without_rows_that_a_reader_holds(connection: duckdb.DuckDBPyConnection) -> None:
    """They are still there, since a question may need them, and are none: there is nothing to move."""
    with connection.cursor() as reader:
        reader.execute("USE small")
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM m").fetchall()
        drop(connection, 0, 0)
        drop(connection, 4, 5)
        connection.execute("CHECKPOINT")
        assert firsts(connection) == [1, 2, 3, 6, 7, 8, 9]
        assert read_layout(connection, "m").held_bytes > 0
    connection.execute("INSERT INTO m VALUES (0, 'a', 0)")
    connection.execute("CHECKPOINT")
    assert read_layout(connection, "m").held_bytes == 0
