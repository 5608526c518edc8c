"""SQL that is parsed once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import duckdb
import pytest

from store.embedded.statements import Statements


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory with ten rows."""
    with closing(duckdb.connect()) as made:
        made.execute("CREATE TABLE m1 AS SELECT range AS time, range * 2 AS f1 FROM range(10)")
        yield made


def test_a_text_is_parsed_once_and_answers_other_values(connection: duckdb.DuckDBPyConnection) -> None:
    """The second question with the same text gets the same statement, in another cursor, with its own values bound."""
    statements, sql = Statements(), "SELECT sum(f1) FROM m1 WHERE time >= $p0 AND time <= $p1"
    first = statements.parse(connection, sql)
    assert connection.execute(first.statement, {"p0": 0, "p1": 3}).fetchall() == [(12,)]
    with closing(connection.cursor()) as other:
        again = statements.parse(other, sql)
        assert again is first
        assert other.execute(again.statement, {"p0": 4, "p1": 4.5}).fetchall() == [(8,)]


def test_another_schema_is_seen(connection: duckdb.DuckDBPyConnection) -> None:
    """A column that came after a text was parsed, and a table that was made anew, are found by it."""
    statements, sql = Statements(), "SELECT * FROM m1 WHERE time = $p0"
    connection.execute(statements.parse(connection, sql).statement, {"p0": 1})
    connection.execute("ALTER TABLE m1 ADD COLUMN f2 VARCHAR")
    assert connection.execute(statements.parse(connection, sql).statement, {"p0": 1}).fetchall() == [(1, 2, None)]
    connection.execute("DROP TABLE m1")
    connection.execute("CREATE TABLE m1 AS SELECT 'late' AS f9, 1 AS time")
    assert connection.execute(statements.parse(connection, sql).statement, {"p0": 1}).fetchall() == [("late", 1)]


def test_names_are_those_that_the_text_binds(connection: duckdb.DuckDBPyConnection) -> None:
    """What a text does not name is not bound, though it was made for a part of it that proved false."""
    sql = "SELECT f1 FROM m1 WHERE time > $p1 OR time < $p12 OR time = $p1"
    assert Statements().parse(connection, sql).names == {"p1", "p12"}


def test_texts_are_bounded(connection: duckdb.DuckDBPyConnection) -> None:
    """A text is forgotten behind many others, and one that is very long is not kept at all."""
    statements = Statements()
    first = statements.parse(connection, "SELECT 0")
    assert statements.parse(connection, "SELECT 0") is first
    for number in range(1, 501):
        statements.parse(connection, f"SELECT {number}")
    assert statements.parse(connection, "SELECT 0") is not first
    long = f"SELECT {' + '.join(['1'] * 2_000)}"
    assert statements.parse(connection, long).statement == long
