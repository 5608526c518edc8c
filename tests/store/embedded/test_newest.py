"""The last value of each of many series: the same series as out of all points, made only where one is looked at."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from isal import igzip

from foundation.batch import Position, Shipment
from store.contract import OneRowSeries, Series
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from tests.fakes.clock import ManualClock


@pytest.fixture
async def store(tmp_path: Path, clock: ManualClock) -> AsyncIterator[EmbeddedStore]:
    """An open store, empty, that keeps nothing in memory."""
    opened = EmbeddedStore(EmbeddedConfig(recent_limit=""), state=tmp_path, clock=clock)
    await opened.open()
    yield opened
    await opened.close()


async def put(store: EmbeddedStore, *lines: bytes) -> None:
    position = await store.position("log", "db") or 0
    shipment = Shipment("db", igzip.compress(b"\n".join([*lines, b""])), len(lines))
    assert (await store.write(shipment, Position("log", "db", position + 1))).stored == len(lines)


async def series(store: EmbeddedStore, text: str) -> tuple[Series, ...]:
    (result,) = await store.query(text, "db")
    assert result.error is None
    return tuple(result.series)


LAST = 'SELECT last(v) FROM m GROUP BY "d"'


async def answer(store: EmbeddedStore, text: str = LAST) -> dict[str, list[object]]:
    return {one.tags["d"]: list(one.values[0]) for one in await series(store, text)}


async def test_series_come_as_columns_in_order(store: EmbeddedStore) -> None:
    """Each with the time of its own point, by its tags; one without the tag is the first, or with DESC the last."""
    await put(store, b"m,d=b v=1 1", b"m,d=a,e=x v=2 2", b"m v=3 3", b"m,d=b v=4 5", b"m,d=a,e=x v=5 4")
    (result,) = await store.query(LAST, "db")
    assert isinstance(result.series, OneRowSeries)
    assert list(result.series) == [
        Series("m", ("time", "last"), [[3, 3.0]], {"d": ""}),
        Series("m", ("time", "last"), [[4, 5.0]], {"d": "a"}),
        Series("m", ("time", "last"), [[5, 4.0]], {"d": "b"}),
    ]
    assert list(await answer(store, f"{LAST} ORDER BY time DESC")) == ["b", "a", ""]
    assert list(await answer(store, f"{LAST} SLIMIT 1 SOFFSET 1")) == ["a"]
    assert await answer(store, f"{LAST} LIMIT 1 OFFSET 1") == {}


async def test_groups_of_several_series_are_kept_whole(store: EmbeddedStore) -> None:
    """Of two series of a group the newer point counts, and at the same time the larger value."""
    await put(store, b"m,d=a,e=x v=2 2", b"m,d=a,e=y v=3 1", b"m,d=b,e=x v=7 5", b"m,d=b,e=y v=5 5")
    assert await answer(store) == {"a": [2, 2.0], "b": [5, 7.0]}


async def test_newest_point_may_lack_the_field(store: EmbeddedStore) -> None:
    """Then the last point that has it is found among all, and a series that never had it is not in the answer."""
    await put(store, b"m,d=a v=1 1", b"m,d=b v=2 2", b"m,d=c w=3 3", b"m,d=a w=4 4")
    assert await answer(store) == {"a": [1, 1.0], "b": [2, 2.0]}


@pytest.mark.parametrize(("bounds", "found"), [("time > 2", {"b": [3, 3.0]}), ("time < 3", {"a": [1, 1.0]})])
async def test_bounds_of_time_hold(store: EmbeddedStore, bounds: str, found: dict[str, list[object]]) -> None:
    """Series without a point in the range are not in the answer."""
    await put(store, b"m,d=a v=1 1", b"m,d=b v=3 3")
    assert await answer(store, LAST.replace("FROM m", f"FROM m WHERE {bounds}")) == found
