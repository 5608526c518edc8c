"""The embedded reader's own promises: deadlines, limits, databases. What the answers are is the contract suite's."""

import threading
from collections.abc import Iterator, Mapping
from typing import Any

import duckdb
import pytest

from foundation.batch import FieldType
from store.embedded.deadline import Deadline, Withdrawal
from store.embedded.query import EmbeddedReader, parse_query
from store.embedded.schema import Column, Table
from store.errors import QueryLimitExceeded, QuerySyntaxError, StoreUnavailable
from tests.fakes.clock import ManualClock

SECOND = 1_000_000_000
TABLES = {
    "m": Table(
        "m",
        "m1",
        (
            Column("h", "tag", None, "t1"),
            Column("v", "field", FieldType.FLOAT, "f1"),
            Column("select", "tag", None, "t2"),
        ),
    )
}


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory with three points of one measurement."""
    with duckdb.connect() as opened:
        opened.execute("CREATE TABLE m1 (time BIGINT NOT NULL, t1 VARCHAR, f1 DOUBLE, t2 VARCHAR)")
        rows = [(0, "a", 1.0, None), (10 * SECOND, "b", 2.0, "x'y"), (70 * SECOND, None, 4.0, None)]
        opened.executemany("INSERT INTO m1 VALUES (?, ?, ?, ?)", rows)
        yield opened


@pytest.fixture
def reader(connection: duckdb.DuckDBPyConnection, clock: ManualClock) -> EmbeddedReader:
    """A reader of bucket `db`."""
    known: Mapping[str, Mapping[str, Table]] = {"db": TABLES}
    return EmbeddedReader(connection.cursor, known.get, clock, lambda: ("db",))


def ask(reader: EmbeddedReader, text: str, **options: Any) -> list[list[list[Any]]]:
    """Rows of every series of the one statement."""
    (result,) = reader.answer(parse_query(text), "db", **options)
    assert result.error is None
    return [series.values for series in result.series]


def test_windows_and_tags(reader: EmbeddedReader) -> None:
    """An aggregate by window and tag has one series for each tag value, every window a row."""
    text = "SELECT sum(v) FROM m WHERE time >= 0 AND time < 20s GROUP BY time(10s), h"
    assert ask(reader, text) == [[[0, 1.0], [10 * SECOND, None]], [[0, None], [10 * SECOND, 2.0]]]


def test_names_and_values_need_no_care(reader: EmbeddedReader) -> None:
    """Keywords as names and quotes in values reach the database as names and values, never as SQL."""
    assert ask(reader, "SELECT v FROM m WHERE \"select\" = 'x\\'y'") == [[[10 * SECOND, 2.0]]]
    assert ask(reader, "SELECT v FROM m WHERE h = 'a\\' OR 1=1 --'") == []


def test_open_range_ends_now(reader: EmbeddedReader) -> None:
    """Windows without an upper bound end at the moment of the question."""
    text = "SELECT count(v) FROM m WHERE time >= 0 GROUP BY time(1m)"
    assert ask(reader, text, now_ns=125 * SECOND) == [[[0, 2], [60 * SECOND, 1], [120 * SECOND, 0]]]


def test_limit_spares_empty_windows(reader: EmbeddedReader) -> None:
    """LIMIT is met without building the windows of half a century."""
    text = "SELECT count(v) FROM m WHERE time >= 0 GROUP BY time(1s) LIMIT 2"
    assert ask(reader, text, now_ns=1_700_000_000 * SECOND) == [[[0, 1], [SECOND, 0]]]


def test_too_many_windows_are_refused(reader: EmbeddedReader) -> None:
    """A query that would make more rows than fit is refused before they are made."""
    text = "SELECT count(v) FROM m WHERE time >= 0 GROUP BY time(1s)"
    with pytest.raises(QueryLimitExceeded, match="more than 2000000 rows; narrow the time range"):
        reader.answer(parse_query(text), "db", now_ns=1_700_000_000 * SECOND)


def test_too_many_values_are_refused(
    reader: EmbeddedReader, connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All statements of a query count together, and so do the columns of a row."""
    monkeypatch.setattr("store.embedded.session.MOST_VALUES", 12)
    assert len(ask(reader, "SELECT v FROM m LIMIT 2")[0]) == 2
    assert len(reader.answer(parse_query("SELECT v FROM m; SELECT v FROM m"), "db")) == 2
    for text in ("SELECT v FROM m; SELECT v FROM m; SELECT v FROM m LIMIT 1", "SELECT v, v, v, v FROM m"):
        with pytest.raises(QueryLimitExceeded, match="more than 12 values"):
            reader.answer(parse_query(text), "db")


LONG = ["SELECT stddev(v) FROM m GROUP BY h", "SHOW SERIES"]
"""One that reads points, and one that looks for the first time which series there are."""


@pytest.mark.parametrize("text", LONG)
def test_deadline(text: str, connection: duckdb.DuckDBPyConnection, clock: ManualClock) -> None:
    """A query that takes too long is stopped within its deadline and says so; the connection is good afterwards."""
    with pytest.raises(QueryLimitExceeded, match=r"stopped after 0\.2 s"):
        endless(connection, clock).answer(parse_query(text), "db", deadline_s=0.2)
    assert connection.execute("SELECT 1").fetchall() == [(1,)]


def test_malformed_text() -> None:
    """Text that does not parse raises the store's own error with InfluxDB's message."""
    with pytest.raises(QuerySyntaxError, match=r"^failed to parse query: found EOF, expected FROM at line 1, char 10$"):
        parse_query("SELECT v")


def test_databases(reader: EmbeddedReader) -> None:
    """SHOW DATABASES lists the buckets; CREATE DATABASE is refused as InfluxDB 2 refuses it."""
    assert ask(reader, "SHOW DATABASES") == [[["db"]]]
    (result,) = reader.answer(parse_query("CREATE DATABASE x"), "db")
    assert result.error == "not implemented: CREATE DATABASE"


def test_inner_answers_are_forgotten(reader: EmbeddedReader, connection: duckdb.DuckDBPyConnection) -> None:
    """A subquery leaves nothing behind."""
    assert ask(reader, "SELECT sum(x) FROM (SELECT max(v) AS x FROM m GROUP BY h)") == [[[0, 7.0]]]
    views = connection.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchone()
    assert views == (0,)


def test_stopped_by_a_closing_store() -> None:
    """A query that is interrupted before its deadline was stopped by a closing store: asking again may succeed."""
    with pytest.raises(StoreUnavailable, match="the store is closing"):
        raise Deadline(60).interrupted()


def test_long_conditions(reader: EmbeddedReader) -> None:
    """A condition of some hundred parts is answered, one of many thousand is an error of its statement."""
    some = " OR ".join(f"h = '{number}'" for number in range(200))
    assert ask(reader, f"SELECT v FROM m WHERE {some} OR h = 'a'") == [[[0, 1.0]]]  # noqa: S608 - InfluxQL, not SQL
    many = " OR ".join("h = 'a'" for _ in range(20_000))
    (result,) = reader.answer(parse_query(f"SELECT v FROM m WHERE {many}"), "db")  # noqa: S608 - InfluxQL, not SQL
    assert result.error == "the query is nested too deep"


def test_first_and_last_of_single_series(reader: EmbeddedReader, connection: duckdb.DuckDBPyConnection) -> None:
    """The last point of each series keeps its own time and what it carries, and skips points without the field."""
    connection.execute("INSERT INTO m1 VALUES (?, 'a', NULL, NULL), (?, 'a', 9.0, NULL)", [99 * SECOND, 5 * SECOND])
    text = 'SELECT last(v), h FROM m GROUP BY h, "select"'
    assert ask(reader, text) == [[[70 * SECOND, 4.0, None]], [[5 * SECOND, 9.0, "a"]], [[10 * SECOND, 2.0, "b"]]]
    both = "SELECT first(v), last(v) FROM m WHERE h = 'a' GROUP BY h, \"select\""
    assert ask(reader, both) == [[[0, 1.0, 9.0]]]


def test_sample_draws_as_many_as_asked(reader: EmbeddedReader) -> None:
    """A sample holds the number of points asked for, each one that was there at its own time, in order of time."""
    ((first, second),) = ask(reader, "SELECT sample(v, 2) FROM m")
    assert first[0] < second[0]
    assert all(point in ([0, 1.0], [10 * SECOND, 2.0], [70 * SECOND, 4.0]) for point in (first, second))


def endless(connection: duckdb.DuckDBPyConnection, clock: ManualClock) -> EmbeddedReader:
    """A reader of a measurement that takes hours to read."""
    table = Table(
        "m", "(SELECT range AS time, 1.0 AS f1, NULL AS t1 FROM range(1000000000000))", TABLES["m"].columns[:2]
    )
    return EmbeddedReader(connection.cursor, {"db": {"m": table}}.get, clock)


@pytest.mark.parametrize("text", LONG)
def test_a_question_taken_back(text: str, connection: duckdb.DuckDBPyConnection, clock: ManualClock) -> None:
    """A query whose asker is gone stops where it is, long before its deadline."""
    withdrawal = Withdrawal()
    timer = threading.Timer(0.2, withdrawal.withdraw)
    timer.start()
    statements = parse_query(text)
    with pytest.raises(StoreUnavailable, match="nobody waits for it"):
        endless(connection, clock).answer(statements, "db", deadline_s=3600, withdrawal=withdrawal)
    timer.join()
    assert connection.execute("SELECT 1").fetchall() == [(1,)]


def test_a_question_taken_back_before_it_began(reader: EmbeddedReader) -> None:
    """What was withdrawn while it waited for its turn is not answered at all."""
    withdrawal = Withdrawal()
    withdrawal.withdraw()
    with pytest.raises(StoreUnavailable, match="nobody waits for it"):
        reader.answer(parse_query("SELECT v FROM m"), "db", withdrawal=withdrawal)
