"""Questions that no thread is woken for: they have the same answer, and wait for nobody."""

# ruff: noqa: S608 - InfluxQL made of numbers

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from influxql.ast import Statement
from influxql.parser import parse
from store.contract import StatementResult
from store.embedded.index import SeriesIndex
from store.embedded.query import EmbeddedReader
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from tests.fakes.clock import ManualClock
from tests.fakes.shipping import Log
from tests.store.embedded.standing import standing
from tests.store.embedded.test_index import TABLE

AT_ONCE = [
    "SHOW DATABASES",
    "SHOW MEASUREMENTS",
    "SHOW MEASUREMENTS WITH MEASUREMENT =~ /m/ LIMIT 1",
    "SHOW TAG KEYS",
    "SHOW FIELD KEYS FROM m",
    "SHOW RETENTION POLICIES ON db",
    'SHOW TAG VALUES WITH KEY IN ("h", "s")',
    "SHOW TAG VALUES FROM m WITH KEY = \"h\" WHERE s =~ /^x$/ AND h != 'b'",
    'SHOW TAG VALUES ON nowhere WITH KEY = "h"',
    'SHOW MEASUREMENTS; SHOW TAG VALUES FROM n WITH KEY = "h"',
]
IN_A_THREAD = [
    "SELECT v FROM m",
    "SHOW SERIES",
    "SHOW MEASUREMENTS; SELECT v FROM m",
    'SHOW TAG VALUES WITH KEY = "h" WHERE v > 1',
    'SHOW TAG VALUES WITH KEY = "h" WHERE time > 0',
    "SHOW SERIES EXACT CARDINALITY",
]
NOW_NS = 10_000_000_000
HOSTS = standing('SHOW TAG VALUES WITH KEY = "h"')


@pytest.fixture(autouse=True)
def _slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever comes from memory counts as quick, however long it takes here."""
    monkeypatch.setattr("store.embedded.quick._QUICK_S", 60.0)


@pytest.fixture
async def store(tmp_path: Path, clock: ManualClock) -> AsyncIterator[EmbeddedStore]:
    """Two measurements with a few series, whose hosts were asked for once."""
    opened = EmbeddedStore(EmbeddedConfig(), state=tmp_path, clock=clock)
    await opened.open()
    await Log(opened, "db").put(b"m,h=a,s=x v=1 1\nm,h=b,s=x v=2 1\nm,h=c v=3 1\nn,h=d w=1i 1\n")
    await opened.query('SHOW TAG VALUES WITH KEY = "h"', "db")
    yield opened
    await opened.close()


@pytest.fixture
def reader(store: EmbeddedStore) -> EmbeddedReader:
    """The store's own."""
    return store._opened().reader


@pytest.mark.parametrize("text", AT_ONCE)
def test_what_is_known_is_answered_at_once(reader: EmbeddedReader, text: str) -> None:
    """Whatever schema and index know needs no thread, and the answer is the one that a thread gives."""
    found = reader.answer_at_once(standing(text), "db", 0)
    assert found is not None
    assert found == reader.answer(parse(text), "db", 0)


@pytest.mark.parametrize("text", IN_A_THREAD)
def test_what_asks_the_file_is_left_to_a_thread(reader: EmbeddedReader, text: str) -> None:
    """A SELECT that did not come before is not even tried; a SHOW that needs points is given up."""
    assert reader.answer_at_once(standing(text), "db", 0) is None


def test_series_that_nobody_has_read_are_left_to_a_thread(store: EmbeddedStore, reader: EmbeddedReader) -> None:
    """So are those that were read before a deletion."""
    store._opened().writer.delete("db", parse("DELETE FROM m WHERE h = 'a'")[0], 0)  # type: ignore[arg-type]  # it is one
    assert reader.answer_at_once(HOSTS, "db", 0) is None
    reader.answer(HOSTS.statements(), "db", 0)
    assert reader.answer_at_once(HOSTS, "db", 0) is not None


async def test_new_series_are_in_the_next_answer(store: EmbeddedStore, reader: EmbeddedReader) -> None:
    """What was at hand is not, once another series has come."""
    await Log(store, "db", "another log").put(b"m,h=e v=1 1\n")
    assert reader.answer_at_once(HOSTS, "db", 0) is None
    (result,) = await store.query('SHOW TAG VALUES FROM m WITH KEY = "h"', "db")
    assert [row[1] for row in result.series[0].values] == ["a", "b", "c", "e"]


def test_nobody_waits_for_the_writer(reader: EmbeddedReader) -> None:
    """While somebody holds the index a thread waits for it, and not who asks here."""
    with reader._index._lock:
        assert reader.answer_at_once(HOSTS, "db", 0) is None


@pytest.mark.parametrize(
    "bound",
    [
        "store.embedded.index._FEW_SERIES",
        "store.embedded.instant._MOST_COLUMNS",
        "store.embedded.instant._MOST_SERIES",
    ],
)
def test_what_is_much_is_left_to_a_thread(
    store: EmbeddedStore, reader: EmbeddedReader, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    """Many series, and measurements of many columns, take longer than others shall wait."""
    assert reader.answer_at_once(HOSTS, "db", 0) is not None
    monkeypatch.setattr(bound, 2)
    assert reader.answer_at_once(HOSTS, "db", 0) is None


def test_few_series_are_made_ready_when_they_are_read() -> None:
    """Who reads them makes what conditions on tags ask of them, so that nobody has to on the event loop."""
    index = SeriesIndex()
    known = index.look(TABLE, lambda _: [(0, "a", None, 5)])
    assert known is not None
    assert index.look_at_once(TABLE) is known


def ask(store: EmbeddedStore, since: int) -> tuple[Sequence[Statement], tuple[StatementResult, ...] | None]:
    """A question that comes again with other bounds, and what is answered to it at once."""
    asked = standing(f"SELECT sum(v) FROM m WHERE time >= {since:010} AND time <= {NOW_NS:011}", store._texts)
    return asked.statements(), store._opened().reader.answer_at_once(asked, "db", NOW_NS)


async def test_what_is_answered_from_memory_again_and_again_needs_no_thread(
    store: EmbeddedStore, reader: EmbeddedReader
) -> None:
    """Rows that are at hand answer other bounds at once; rows that came since are read in a thread first."""
    for since in range(4):
        statements, found = ask(store, since)
        assert found is None
        reader.answer(statements, "db", NOW_NS)
    statements, found = ask(store, 5)
    assert found is not None
    assert found[0].series == ()
    statements, found = ask(store, 0)
    assert found is not None
    assert found == reader.answer(statements, "db", NOW_NS)
    assert [row[1] for row in found[0].series[0].values] == [6]
    await Log(store, "db", "another log").put(b"m,h=e v=4 1\n")
    statements, found = ask(store, 0)
    assert found is None
    reader.answer(statements, "db", NOW_NS)
    _, found = ask(store, 0)
    assert found is not None
    assert [row[1] for row in found[0].series[0].values] == [10]


def test_nobody_waits_for_whoever_is_answered_from_the_same_rows(store: EmbeddedStore, reader: EmbeddedReader) -> None:
    """A table that a thread reads or a turn that it has: both are left to it."""
    for since in range(4):
        reader.answer(ask(store, since)[0], "db", NOW_NS)
    recent = store._opened().recent
    for lock in (recent._turn, recent._kept["m1", None].lock):
        with lock:
            assert ask(store, 0)[1] is None
    assert ask(store, 0)[1] is not None


def test_what_is_answered_at_once_takes_no_place_in_the_crowd(
    reader: EmbeddedReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That waits for memory of DuckDB's, and sets its limit back behind each statement."""
    monkeypatch.delattr("store.embedded.crowd.Crowd.answer")
    assert reader.answer_at_once(HOSTS, "db", 0) is not None
    with pytest.raises(AttributeError):
        reader.answer(HOSTS.statements(), "db", 0)
