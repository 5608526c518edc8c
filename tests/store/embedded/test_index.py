"""The series in memory: what readers are told is what the file holds, whatever comes and goes meanwhile."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from isal import igzip

from foundation.batch import Position, Shipment
from influxql.translate.parameters import Parameters
from store.contract import StatementResult
from store.embedded import index as index_module
from store.embedded.index import Known, SeriesIndex, Values
from store.embedded.schema import Column, Table
from store.embedded.session import Row, Session
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from tests.fakes.clock import ManualClock

TABLE = Table("m", "m1", (Column("h", "tag", None, "t1"), Column("s", "tag", None, "t2")))


@pytest.fixture
async def store(tmp_path: Path, clock: ManualClock) -> Iterator[EmbeddedStore]:
    """An open store, empty."""
    opened = EmbeddedStore(EmbeddedConfig(), state=tmp_path, clock=clock)
    await opened.open()
    yield opened
    await opened.close()


async def put(store: EmbeddedStore, *lines: str) -> None:
    body = "".join(f"{line}\n" for line in lines).encode()
    verdict = await store.write(Shipment("db", igzip.compress(body), len(lines)), Position("log", "db", 1))
    assert not verdict.refused


async def rows(store: EmbeddedStore, text: str) -> list[list[object]]:
    (result,) = await store.query(text, "db")
    assert isinstance(result, StatementResult)
    assert result.error is None
    return [row for series in result.series for row in series.values]


HOSTS = 'SHOW TAG VALUES WITH KEY = "h"'


async def test_a_new_series_is_known_at_once(store: EmbeddedStore) -> None:
    """Values that come after the first question are in the next answer, and found by a regex."""
    await put(store, "m,h=a v=1 1")
    assert await rows(store, HOSTS) == [["h", "a"]]
    await put(store, "m,h=b v=2 2", "m v=4 3")
    assert await rows(store, HOSTS) == [["h", "a"], ["h", "b"]]
    assert await rows(store, "SELECT sum(v) FROM m WHERE h =~ /b|^$/") == [[0, 6]]


async def test_a_tag_that_comes_later_is_known(store: EmbeddedStore) -> None:
    """Series from before have no such tag, and a regex for the empty text finds them."""
    await put(store, "m,h=a v=1 1")
    assert await rows(store, "SELECT sum(v) FROM m WHERE h =~ /./") == [[0, 1]]
    await put(store, "m,h=a,z=new v=2 2")
    assert await rows(store, "SELECT sum(v) FROM m WHERE z =~ /^$/") == [[0, 1]]
    assert await rows(store, 'SHOW TAG VALUES WITH KEY = "z" WHERE h =~ /a/') == [["z", "new"]]


async def test_what_drop_downs_ask_about_tags_reads_no_table(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The values of a tag among the series that a condition on tags means are told in memory."""
    await put(store, "m,h=a,s=x v=1 1", "m,h=b,s=x v=2 2", "m,h=c,s=y v=2 2", "m,s=x v=1 1")
    await rows(store, HOSTS)
    monkeypatch.setattr("store.embedded.session.Session.fetch", None)
    assert await rows(store, f"{HOSTS} WHERE s =~ /^x$/") == [["h", "a"], ["h", "b"]]
    assert await rows(store, f"{HOSTS} WHERE s = 'z' OR h = 'c'") == [["h", "c"]]


@pytest.mark.parametrize("statement", ["DELETE FROM m WHERE h = 'a'", "DELETE FROM m WHERE time < 2"])
async def test_a_series_without_points_is_gone(store: EmbeddedStore, statement: str) -> None:
    """A deletion takes series away, which is read from the file again; what still has a point stays."""
    await put(store, "m,h=a v=1 1", "m,h=b v=2 2", "m,h=b v=2 1")
    assert len(await rows(store, HOSTS)) == 2
    await store.query(statement, "db")
    assert await rows(store, HOSTS) == [["h", "b"]]


async def test_a_file_that_is_opened_again_knows_its_series(tmp_path: Path, clock: ManualClock) -> None:
    """What was written by an earlier process is read when somebody asks."""
    for lines in (["m,h=a v=1 1"], ["m,h=b v=1 1"]):
        opened = EmbeddedStore(EmbeddedConfig(), state=tmp_path, clock=clock)
        await opened.open()
        await put(opened, *lines)
        found = await rows(opened, HOSTS)
        await opened.close()
    assert found == [["h", "a"], ["h", "b"]]


def test_series_past_their_retention_go_with_their_newest_point() -> None:
    """Only series whose newest point is older than the bound are gone; nothing is read again for that."""
    index = SeriesIndex()
    index.look(TABLE, lambda _: [(0, "old", None, 5), (1, "young", "x", 15)])
    index.expire("m1", 10)
    assert index.look(TABLE, nobody_reads) == Known(2, (("young", "x"),))


def test_a_reading_that_a_deletion_overtook_is_not_kept() -> None:
    """What was read before a deletion may hold what is gone: the next one who asks reads again."""
    index = SeriesIndex()

    def overtaken(_: str) -> list[tuple[object, ...]]:
        index.forget(["m1"])
        return [(0, "gone", None, 1)]

    assert index.look(TABLE, overtaken) is None
    assert index.look(TABLE, lambda _: [(0, "here", None, 1)]) == Known(2, (("here",),))


def test_too_many_series_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the limit a table's queries do without, until a deletion may have made them fewer."""
    monkeypatch.setattr(index_module, "MOST_SERIES", 2)
    index = SeriesIndex()
    assert index.look(TABLE, lambda _: [(0, "a", None, 1), (1, "b", None, 1), (2, "c", None, 1)]) is None
    assert index.look(TABLE, nobody_reads) is None
    index.forget(["m1"])
    assert index.look(TABLE, lambda _: [(0, "a", None, 1)]) == Known(2, (("a",),))


def nobody_reads(_: str) -> list[tuple[object, ...]]:
    raise AssertionError("the file was read")


def test_what_a_regex_matched_is_remembered_within_bounds() -> None:
    """The same regex is matched once, however many others come by; a missing tag is matched as the empty text."""
    values = Values(frozenset({"a", "b", None}))
    assert values.matching("^$|a") is values.matching("^$|a")
    for number in range(1_000):
        assert values.matching(f"b|{number}") == {"b"}
    assert values.matching("^$|a") == {"a", None}
    assert len(values._found) <= 64


async def test_the_first_question_about_a_table_reads_its_points_once(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That its series are looked up meanwhile means nothing for the points; that one came does."""
    await put(store, "m,h=a v=1 1", "n,h=a v=2 1")
    read, fetch = [], Session.fetch

    def counted(session: Session, sql: str, parameters: Parameters) -> list[Row]:
        read.append(sql)
        return fetch(session, sql, parameters)

    monkeypatch.setattr(Session, "fetch", counted)
    assert await rows(store, "SELECT sum(v) FROM m WHERE h = 'a'") == [[0, 1]]
    assert len(read) == 1
    assert await rows(store, "SELECT sum(v) FROM n WHERE h = 'a'") == [[0, 2]]
    assert len(read) == 2
