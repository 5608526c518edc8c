"""A file of an older format is brought up to date when it is opened, whatever interrupts that."""

from pathlib import Path
from typing import Any

import duckdb
import pytest
from isal import igzip

from foundation.batch import Position, Shipment
from store.embedded.catalog import Catalog, load_catalog
from store.embedded.writer import Writer

CATALOG = """
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
INSERT INTO buckets VALUES (1, 'b');
INSERT INTO measurements VALUES (1, 1, 'm', 'm1'), (2, 1, 'plain', 'm2'), (4, 1, 'other', 'm4');
INSERT INTO columns VALUES
    (1, 't', 'tag', 'string', 't1'), (1, 'f', 'field', 'float', 'f1'), (1, 'u', 'tag', 'string', 't2'),
    (1, 's', 'field', 'string', 'f2'), (2, 'f', 'field', 'unsigned', 'f1'),
    (4, 't', 'tag', 'string', 't1'), (4, 'f', 'field', 'boolean', 'f1');
INSERT INTO positions VALUES ('log', 'b', 77);
CREATE TABLE m1 (time BIGINT NOT NULL, t1 VARCHAR, f1 DOUBLE, t2 VARCHAR, f2 VARCHAR);
INSERT INTO m1 VALUES
    (1, 'a', 1.5, NULL, NULL), (1, 'a', 2.5, 'x', 's'), (2, NULL, NULL, 'x', 'only'), (2, 'a', 3.5, NULL, NULL),
    (3, NULL, 4.5, NULL, NULL);
CREATE TABLE m2 (time BIGINT NOT NULL, f1 UBIGINT);
INSERT INTO m2 VALUES (1, 18446744073709551615), (2, NULL);
CREATE TABLE m4 (time BIGINT NOT NULL, t1 VARCHAR, f1 BOOLEAN);
INSERT INTO m4 SELECT range, 'series ' || range % 7, range % 2 = 0 FROM range(1000);
"""
"""A file of format 1, as it was made then."""
LIFE = """
CREATE TABLE rollups (
    name VARCHAR NOT NULL, bucket VARCHAR NOT NULL, measurement VARCHAR NOT NULL, definition VARCHAR NOT NULL
);
CREATE TABLE rollup_marks (rollup VARCHAR NOT NULL, spans BIGINT[] NOT NULL);
CREATE TABLE horizons (bucket VARCHAR NOT NULL, before BIGINT NOT NULL);
CREATE TABLE clock (believed BIGINT NOT NULL, doubted DOUBLE);
INSERT INTO horizons VALUES ('b', -5);
"""
"""What format 2 had besides."""


class Interrupted(Exception):
    """The process ends here."""


class Failing:
    """A connection that ends at a given statement."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, statements: int) -> None:
        self._connection = connection
        self._left = statements

    def execute(self, *arguments: Any) -> duckdb.DuckDBPyConnection:
        """Run the statement, unless it is the one."""
        self._left -= 1
        if not self._left:
            raise Interrupted
        return self._connection.execute(*arguments)


def old_file(path: Path, version: int) -> list[Any]:
    """Make one; the rows of its measurements."""
    with duckdb.connect(path) as connection:
        connection.execute(CATALOG)
        if version > 1:
            connection.execute(LIFE)
        connection.execute("INSERT INTO format VALUES (?)", [version])
        return rows_of(connection)


def rows_of(connection: duckdb.DuckDBPyConnection) -> list[Any]:
    """The rows of all measurements, by the names that they always had."""
    asked = ("time, t1, f1, t2, f2 FROM m1", "time, f1 FROM m2", "time, t1, f1 FROM m4")
    return [connection.execute(f"SELECT {one} ORDER BY ALL").fetchall() for one in asked]


@pytest.mark.parametrize("version", [1, 2])
def test_older_format_is_migrated(tmp_path: Path, version: int) -> None:
    """All rows and positions are kept, tags stand with the series, each once, and older programs refuse the file."""
    path = tmp_path / "t.duckdb"
    before = old_file(path, version)
    with duckdb.connect(path) as connection:
        load_catalog(connection, path)
    with duckdb.connect(path) as connection:
        load_catalog(connection, path)
        assert rows_of(connection) == before
        assert connection.execute("SELECT version FROM format").fetchall() == [(3,)]
        counts = [connection.execute(f"SELECT count(*) FROM s{number}").fetchall() for number in (1, 2, 4)]  # noqa: S608 - ours
        assert counts == [[(4,)], [(1,)], [(7,)]]
        assert connection.execute("SELECT count(*) FROM rollups").fetchall() == [(0,)]
        tables = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        assert not tables & {"m1", "m2", "m4"}


def test_writing_goes_on_behind_a_migration(tmp_path: Path) -> None:
    """Series are found again, whatever order their tags come in; new ones, tags and fields come as ever."""
    path = tmp_path / "t.duckdb"
    old_file(path, 2)
    with duckdb.connect(path) as connection:
        writer = Writer(connection.cursor(), load_catalog(connection, path))
        assert writer.position("log", "b") == 77
        body = b'm,u=x,t=a f=9 1\nm,t=a,v=new g=1i 2\nplain f=1u 2\nm,u=y s="q" 1\n'
        writer.write(Shipment("b", igzip.compress(body, 1), 4), Position("log", "b", 78))
        assert connection.execute("SELECT time, t1, t2, t3, f1, f2, f3 FROM m1 ORDER BY ALL").fetchall() == [
            (1, "a", "x", None, 9.0, "s", None),
            (1, "a", None, None, 1.5, None, None),
            (1, None, "y", None, None, "q", None),
            (2, "a", None, "new", None, None, 1),
            (2, "a", None, None, 3.5, None, None),
            (2, None, "x", None, None, "only", None),
            (3, None, None, None, 4.5, None, None),
        ]
        assert connection.execute("SELECT * FROM m2 ORDER BY time").fetchall() == [(1, 2**64 - 1), (2, 1)]


def test_interrupted_migration_goes_on(tmp_path: Path) -> None:
    """Wherever it ends, the next opening finds every row once, and no older program takes the file in between."""
    done = 0
    for statements in range(1, 100):
        path = tmp_path / f"{statements}.duckdb"
        before = old_file(path, 2)
        connection = duckdb.connect(path)
        try:
            load_catalog(Failing(connection, statements), path)  # type: ignore[arg-type]  # what is used of one
        except Interrupted:
            pass
        else:
            break
        finally:
            connection.close()
        with duckdb.connect(path) as connection:
            assert rows_of(connection) == before
            ((version,),) = connection.execute("SELECT version FROM format").fetchall()
            tables = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
            assert version == 3 or {"m1", "m2", "m4"} <= tables
            load_catalog(connection, path)
            assert rows_of(connection) == before
        done += 1
    assert done > 20


def test_file_that_is_only_read_is_left_alone(tmp_path: Path) -> None:
    """An older copy can be read as it is."""
    path = tmp_path / "t.duckdb"
    before = old_file(path, 2)
    with duckdb.connect(path, read_only=True) as connection:
        catalog: Catalog = load_catalog(connection, path)
        assert sorted(catalog.tables("b") or {}) == ["m", "other", "plain"]
        assert rows_of(connection) == before
