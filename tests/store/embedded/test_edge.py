"""LIMIT of raw points: the same answer as out of all points, and no look at most of them."""

import random
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from isal import igzip

from foundation.batch import Position, Shipment
from influxql.plan import Plan
from influxql.translate.parameters import Parameters
from influxql.translate.relation import Relation
from store.embedded import points
from store.embedded.edge import edges
from store.embedded.session import Session
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from tests.fakes.clock import ManualClock

LAST = 20_000


@pytest.fixture
async def store(tmp_path: Path, clock: ManualClock) -> AsyncIterator[EmbeddedStore]:
    """An open store with many points of three series; two of them share moments, one has a field seldom."""
    opened = EmbeddedStore(EmbeddedConfig(), state=tmp_path, clock=clock)
    await opened.open()
    luck = random.Random(4)  # noqa: S311 - values of a test
    lines = [b"m,d=%d f=%d %d" % (number % 2, luck.randrange(9), number - number % 2) for number in range(LAST)]
    lines += [b"m,d=rare g=%d %d" % (number, number) for number in range(1, LAST, 1_999)]
    body = b"\n".join([*lines, b""])
    await opened.write(Shipment("db", igzip.compress(body), len(lines)), Position("log", "db", 1))
    yield opened
    await opened.close()


async def rows(store: EmbeddedStore, text: str) -> list[list[object]]:
    (result,) = await store.query(text, "db")
    assert result.error is None
    return [list(row) for series in result.series for row in series.values]


@pytest.mark.parametrize("order", ["", " ORDER BY time DESC"])
@pytest.mark.parametrize("where", ["", "d = '1'", "d = 'rare'", "time >= 5000 AND time < 15000", "f > 7", "d = 'no'"])
async def test_answer_is_the_same(store: EmbeddedStore, where: str, order: str) -> None:
    """Whatever a condition leaves, at both ends, with and without OFFSET."""
    text = f"SELECT f, g, d FROM m{where and ' WHERE '}{where}{order}"  # noqa: S608 - words of this test
    everything = await rows(store, text)
    for limit, offset in ((1, 0), (7, 3), (100, 0), (3, 900)):
        assert await rows(store, f"{text} LIMIT {limit} OFFSET {offset}") == everything[offset : offset + limit]


async def test_most_points_are_left_alone(store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the end of the range is read where enough points stand there."""
    read: list[Plan] = []

    def spy(session: Session, plan: Plan, relation: Relation, limit: int, apart: int = 1) -> list[Plan]:
        read.extend(edges(session, plan, relation, limit, apart))
        return read

    monkeypatch.setattr(points, "edges", spy)
    assert len(await rows(store, "SELECT f FROM m ORDER BY time DESC LIMIT 2")) == 2
    lower = read[0].bounds.lower
    assert lower is not None
    assert LAST - 200 < lower < LAST


@pytest.mark.parametrize("order", ["", " ORDER BY time DESC"])
async def test_rows_of_one_series_carry_its_tags(store: EmbeddedStore, order: str) -> None:
    """As they stand among all rows, though the table of series is not read for them."""
    everything = await rows(store, f"SELECT f, g, d, no::tag FROM m{order}")  # noqa: S608 - words of this test
    for value in ("1", "rare"):
        found = await rows(store, f"SELECT f, g, d, no::tag FROM m WHERE d = '{value}'{order}")  # noqa: S608 - the same
        assert found == [row for row in everything if row[3] == value]


async def test_how_densely_points_lie_is_looked_up_seldom(
    store: EmbeddedStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once in some seconds for all who ask a table; what is written meanwhile is in their answers all the same."""
    asked: list[str] = []
    fetch = Session.fetch

    def spy(session: Session, sql: str, parameters: Parameters) -> list[tuple[object, ...]]:
        asked.append(sql)
        return fetch(session, sql, parameters)

    monkeypatch.setattr(Session, "fetch", spy)
    newest = "SELECT f FROM m ORDER BY time DESC LIMIT 2"
    for text in (newest, "SELECT f FROM m LIMIT 3", newest):
        await rows(store, text)
    assert sum("count(*)" in sql for sql in asked) == 1
    late = LAST + 1_000_000
    await store.write(Shipment("db", igzip.compress(b"m,d=1 f=99 %d\n" % late), 1), Position("log", "db", 2))
    assert (await rows(store, newest))[0] == [late, 99]
    clock.advance(timedelta(seconds=10))
    await rows(store, newest)
    assert sum("count(*)" in sql for sql in asked) == 2


async def test_what_few_points_have_is_looked_for_further_at_once(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a condition asks for a field, the first look is as long as the second would be."""
    read: list[Plan] = []

    def spy(session: Session, plan: Plan, relation: Relation, limit: int, apart: int = 1) -> list[Plan]:
        found = list(edges(session, plan, relation, limit, apart))
        read.extend(found)
        return found

    monkeypatch.setattr(points, "edges", spy)
    for condition in ("d = '1'", "f > 7"):
        assert len(await rows(store, f"SELECT f FROM m WHERE {condition} ORDER BY time DESC LIMIT 2")) == 2  # noqa: S608 - words of this test
    lowers = [plan.bounds.lower or 0 for plan in read]
    assert len(lowers) == 3
    assert lowers[1] == lowers[2] < lowers[0]
