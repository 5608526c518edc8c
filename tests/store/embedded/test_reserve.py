"""Memory that a statement gets where it lacks it, and that is set back behind it. Real DuckDB, small limits."""

import gzip
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import duckdb
import pytest

from foundation.batch import Position, Shipment
from store.embedded.crowd import Crowd
from store.embedded.file import open_file
from store.embedded.query import parse_query
from store.embedded.recent.memory import Recent
from store.embedded.reserve import Buffers, Reserve
from store.errors import QueryLimitExceeded
from tests.fakes.clock import ManualClock

MB = 1_000_000
BUFFERS = Buffers(24 * MB, 96 * MB)
HELD = "SELECT len(list(i)) FROM range({}) AS r(i)"
"""What can only be held in memory: about 8 bytes a row, doubled where it grows."""
FITS, WANTS_MORE, WANTS_ALL = 100_000, 2_000_000, 20_000_000
VALUES = 500_000


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database at its standing limit."""
    with duckdb.connect(config={"memory_limit": f"{BUFFERS.standing}B", "threads": 1}) as opened:
        yield opened


def limit(connection: duckdb.DuckDBPyConnection) -> str:
    return str(connection.execute("SELECT current_setting('memory_limit')").fetchall()[0][0])


def hold(connection: duckdb.DuckDBPyConnection, rows: int) -> int:
    with connection.cursor() as cursor:
        return int(cursor.execute(HELD.format(rows)).fetchall()[0][0])


def in_time() -> None:
    """There is always time."""


def test_who_lacks_memory_has_the_reserve_besides(connection: duckdb.DuckDBPyConnection) -> None:
    """It is answered, and then the limit is what it was; without a reserve it is refused."""
    standing = limit(connection)
    once = partial(hold, connection, WANTS_MORE)
    with pytest.raises(duckdb.OutOfMemoryException):
        Crowd().answer(once, in_time)
    assert Crowd(Reserve(connection.cursor, BUFFERS)).answer(once, in_time) == WANTS_MORE
    assert limit(connection) == standing


def test_who_lacks_more_than_all_is_refused(connection: duckdb.DuckDBPyConnection) -> None:
    """With the reserve, too; the limit is set back, and what fits is answered as ever."""
    standing, crowd = limit(connection), Crowd(Reserve(connection.cursor, BUFFERS))
    with pytest.raises(duckdb.OutOfMemoryException):
        crowd.answer(partial(hold, connection, WANTS_ALL), in_time)
    assert crowd.answer(partial(hold, connection, FITS), in_time) == FITS
    assert limit(connection) == standing


def test_who_is_stopped_leaves_the_limit_as_it_was(connection: duckdb.DuckDBPyConnection) -> None:
    """Whatever ended it."""
    standing, seen = limit(connection), []

    def once() -> None:
        seen.append(limit(connection))
        raise duckdb.OutOfMemoryException("at first") if len(seen) == 1 else duckdb.InterruptException("stopped")

    with pytest.raises(duckdb.InterruptException):
        Crowd(Reserve(connection.cursor, BUFFERS)).answer(once, in_time)
    assert seen[0] == standing != seen[1]
    assert limit(connection) == standing


def test_the_limit_is_set_back_once_what_is_in_use_allows(connection: duckdb.DuckDBPyConnection) -> None:
    """While another holds more than the standing buffers it stays, and nothing of the other's is harmed."""
    standing, reserve = limit(connection), Reserve(connection.cursor, BUFFERS)
    with reserve.drawn():
        connection.execute("CREATE TEMP TABLE held AS SELECT i, random() AS v FROM range(100) AS r(i)").fetchall()
        raised = limit(connection)
        other = connection.cursor()
        stream = other.execute(HELD.replace("len(list(i))", "unnest(list(i))").format(WANTS_MORE))
        assert stream.fetchmany(2) == [(0,), (1,)]
    assert limit(connection) == raised
    assert stream.fetchmany(1) == [(2,)]
    other.close()
    del stream
    reserve.settle()
    assert limit(connection) == standing


def test_a_question_draws_on_it(tmp_path: Path, clock: ManualClock) -> None:
    """Percentiles of more values than the standing buffers hold are answered; without a reserve they are refused."""
    lines = b"\n".join(b"m,g=%d v=%d.5 %d" % (row % 4, row % 7919, row) for row in range(VALUES))
    (shipment, question) = Shipment("db", gzip.compress(lines, 1), VALUES), "SELECT percentile(v, 50) FROM m GROUP BY g"
    tiny = Buffers(8 * MB, 96 * MB)
    with closing(open_file(tmp_path / "f", {"threads": 1}, clock, recent=Recent(), buffers=tiny)) as file:
        assert file.writer.write(shipment, Position("log", "db", 1)).stored == VALUES
        file.writer.checkpoint()
        standing = limit(file.connection)
        (result,) = file.reader.answer(parse_query(question), "db")
        assert len(result.series) == 4
        assert limit(file.connection) == standing
        file.reader.draw_on(Reserve(file.connection.cursor, Buffers(8 * MB, 8 * MB)))
        with pytest.raises(QueryLimitExceeded, match="more memory than it may use"):
            file.reader.answer(parse_query(question), "db")


class Watched(Reserve):
    """Notes the limit that whoever it is lent to has."""

    def watch(self, connection: duckdb.DuckDBPyConnection) -> list[str]:
        """The list of what is noted."""
        self.connection, self.seen = connection, list[str]()
        return self.seen

    @contextmanager
    def lent(self) -> Iterator[None]:
        """The same."""
        with super().lent():
            yield
            self.seen.append(limit(self.connection))


def test_a_commit_has_it_besides(tmp_path: Path, clock: ManualClock) -> None:
    """One that lacked memory would leave half of its rows to be seen."""
    with closing(open_file(tmp_path / "f", {"threads": 1}, clock, recent=Recent(), buffers=BUFFERS)) as file:
        standing, reserve = limit(file.connection), Watched(file.connection.cursor, BUFFERS)
        seen = reserve.watch(file.connection)
        file.writer.draw_on(reserve)
        for offset in (1, 2):
            file.writer.write(Shipment("db", gzip.compress(b"m v=1 %d" % offset), 1), Position("log", "db", offset))
            assert len(seen) == offset
            assert seen[-1] != standing == limit(file.connection)


def test_it_stays_until_nobody_has_it(connection: duckdb.DuckDBPyConnection) -> None:
    """Whoever has it for a moment takes it from nobody, and waits for nobody."""
    standing, reserve = limit(connection), Reserve(connection.cursor, BUFFERS)
    with reserve.drawn():
        raised = limit(connection)
        with reserve.lent():
            assert limit(connection) == raised
        assert limit(connection) == raised != standing
    assert limit(connection) == standing


def test_a_closed_file_has_nothing_to_set_back(connection: duckdb.DuckDBPyConnection) -> None:
    """Who was still being answered when it was closed ends as ever."""
    reserve = Reserve(connection.cursor, BUFFERS)
    with reserve.drawn():
        connection.close()
    reserve.settle()
