"""Inner answers as columns: what the query around them reads is what rows would have told it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from isal import igzip

from foundation.batch import Position, Shipment
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from store.errors import QueryLimitExceeded
from tests.fakes.clock import ManualClock

LINES = (
    b'm,d=a,e=x v=1,n=3i,s="p" 1000000001',
    b'm,d=a,e=y v=5,n=4i,s="q" 1000000002',
    b"m,d=a,e=x v=2 1000000003",
    b"m,d=b v=7,n=5i 2000000001",
    b"m v=9 3000000001",
)


@pytest.fixture
async def store(tmp_path: Path, clock: ManualClock) -> AsyncIterator[EmbeddedStore]:
    """An open store with the lines, of whose series nobody has asked yet."""
    opened = EmbeddedStore(EmbeddedConfig(recent_limit=""), state=tmp_path, clock=clock)
    await opened.open()
    shipment = Shipment("db", igzip.compress(b"\n".join([*LINES, b""])), len(LINES))
    assert (await opened.write(shipment, Position("log", "db", 1))).stored == len(LINES)
    yield opened
    await opened.close()


async def answer(store: EmbeddedStore, text: str) -> dict[tuple[str, ...], list[list[object]]]:
    """The tags' values of each series of the answer, and its rows."""
    (result,) = await store.query(text, "db")
    assert result.error is None
    return {tuple(one.tags.values()): [list(row) for row in one.values] for one in result.series}


async def test_windows_are_counted_by_the_tags_of_the_query_within(store: EmbeddedStore) -> None:
    """A series' window is one point, at the window's start; a tag that is not there is the empty text."""
    text = (
        "SELECT count(x) FROM (SELECT last(v) AS x FROM m WHERE time >= 1s AND time < 4s "
        'GROUP BY time(1s), "d", "e" fill(none)) WHERE time >= 1s AND time < 4s GROUP BY time(2s, 1s), "d" fill(0)'
    )
    assert await answer(store, text) == {
        ("",): [[1_000_000_000, 0], [3_000_000_000, 1]],
        ("a",): [[1_000_000_000, 2], [3_000_000_000, 0]],
        ("b",): [[1_000_000_000, 1], [3_000_000_000, 0]],
    }


@pytest.mark.parametrize(
    ("call", "rows"),
    [
        ("max(v)", [[3_000_000_001, 9.0], [1_000_000_002, 5.0], [2_000_000_001, 7.0]]),
        ("first(n)", [[1_000_000_001, 3], [2_000_000_001, 5]]),
        ("mean(v)", [[0, 9.0], [0, 8 / 3], [0, 7.0]]),
        ("count(n)", [[0, 2], [0, 1]]),
        ("sum(n)", [[0, 7], [0, 5]]),
        ("last(s)", [[1_000_000_002, "q"]]),
    ],
)
async def test_points_keep_their_times_and_types(store: EmbeddedStore, call: str, rows: list[list[object]]) -> None:
    """A lone selector's point has its own time, an aggregate's the lower bound; a group without a value has none."""
    text = f'SELECT x FROM (SELECT {call} AS x FROM m GROUP BY "d") GROUP BY "d"'  # noqa: S608 - InfluxQL, not SQL
    found = await answer(store, text)
    assert [row for listed in found.values() for row in listed] == rows


async def test_carried_columns_and_several_calls(store: EmbeddedStore) -> None:
    """What a selector carries along stands beside it, and of several calls each is null where only others have one."""
    carried = 'SELECT x, y, e FROM (SELECT max(v) AS x, n AS y, e FROM m GROUP BY "d") WHERE x < 9'
    assert await answer(store, carried) == {(): [[1_000_000_002, 5.0, 4, "y"], [2_000_000_001, 7.0, 5, None]]}
    several = 'SELECT x, y FROM (SELECT min(v) AS x, max(n) AS y FROM m GROUP BY "d") GROUP BY "d"'
    assert await answer(store, several) == {("",): [[0, 9.0, None]], ("a",): [[0, 1.0, 4]], ("b",): [[0, 7.0, 5]]}


async def test_nothing_within_is_no_measurement(store: EmbeddedStore) -> None:
    """The query around an answer without points finds nothing."""
    assert await answer(store, "SELECT sum(x) FROM (SELECT last(v) AS x FROM m WHERE time > 5s)") == {}
    assert await answer(store, "SELECT count(x) FROM (SELECT last(s) AS x FROM m WHERE v > 100 GROUP BY d)") == {}


@pytest.mark.parametrize(
    "within",
    [
        "SELECT last(s) AS x FROM m WHERE time > 9s",
        "SELECT last(s) AS x FROM m WHERE time > 9s AND time < 20s GROUP BY time(1s)",
        "SELECT last(s) AS x FROM m WHERE d = 'none' GROUP BY e",
        "SELECT s AS x FROM m WHERE v > 100",
        "SELECT max(y) AS x FROM (SELECT last(s) AS y FROM m WHERE v > 100)",
        "SELECT s AS x FROM m WHERE v > 100), (SELECT s AS x FROM m WHERE v > 200",
    ],
)
async def test_an_answer_without_rows_has_types(store: EmbeddedStore, within: str) -> None:
    """What no text goes with is refused, though there is none."""
    (result,) = await store.query(f"SELECT max(x) FROM ({within})", "db")  # noqa: S608 - InfluxQL, not SQL
    assert result.error == "unsupported max iterator type: *query.stringInterruptIterator"


async def test_paged_answers_within_are_cut_first(store: EmbeddedStore) -> None:
    """LIMIT, SLIMIT and what is reckoned within hold before the query around looks."""
    paged = 'SELECT count(x) FROM (SELECT max(v) AS x FROM m GROUP BY "d" SLIMIT 2)'
    assert await answer(store, paged) == {(): [[0, 2]]}
    reckoned = 'SELECT sum(x) FROM (SELECT max(v) * 2 AS x FROM m GROUP BY "d")'
    assert await answer(store, reckoned) == {(): [[0, 42.0]]}


async def test_series_that_become_known_only_now(store: EmbeddedStore, tmp_path: Path, clock: ManualClock) -> None:
    """The first question after a start learns of the series while it reads, and reads again: its table stays there."""
    await store.close()
    again = EmbeddedStore(EmbeddedConfig(recent_limit=""), state=tmp_path, clock=clock)
    await again.open()
    assert await answer(again, 'SELECT min(x) FROM (SELECT max(v) AS x FROM m WHERE v > 1 GROUP BY "d")') == {
        (): [[1_000_000_002, 5.0]]
    }
    await again.close()


async def test_too_many_rows_within_are_refused(store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """An inner answer is bounded like any other, with the same words."""
    monkeypatch.setattr("store.embedded.session.MOST_ROWS", 2)
    with pytest.raises(QueryLimitExceeded, match="more than 2 rows"):
        await store.query('SELECT count(x) FROM (SELECT max(v) AS x FROM m GROUP BY "d")', "db")
