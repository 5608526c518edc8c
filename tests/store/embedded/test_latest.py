"""last() out of the newest rows alone: the same answer as out of all rows, and no look at the old ones."""

from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
from isal import igzip

from foundation.batch import Position, Shipment
from influxql.plan import Plan
from store.embedded import newest, points
from store.embedded.scan import Scan, open_scan
from store.embedded.session import Session
from store.embedded.source import Source
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from tests.fakes.clock import ManualClock


@pytest.fixture
async def store(tmp_path: Path, clock: ManualClock) -> AsyncIterator[EmbeddedStore]:
    """An open store with two devices, one of which said its battery before, not in its newest point."""
    opened = EmbeddedStore(EmbeddedConfig(), state=tmp_path, clock=clock)
    await opened.open()
    lines = [b"m,d=a v=1,w=10 100", b"m,d=b v=2,w=20 110", b"m,d=a v=3,k=5 200", b"m,d=b v=4,w=40,k=6 210"]
    await opened.write(Shipment("db", igzip.compress(b"\n".join(lines) + b"\n"), len(lines)), Position("log", "db", 1))
    yield opened
    await opened.close()


@pytest.fixture
def bounds(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """From when on rows were read, look by look."""
    seen: list[int | None] = []

    def spy(
        session: Session, plan: Plan, source: Source, columns: Iterable[str | None] = (), *, numbered: bool = False
    ) -> Scan:
        seen.append(plan.bounds.lower)
        return open_scan(session, plan, source, columns, numbered=numbered)

    for module in (points, newest):
        monkeypatch.setattr(module, "open_scan", spy)
    return seen


async def rows(store: EmbeddedStore, text: str) -> list[list[object]]:
    (result,) = await store.query(text, "db")
    assert result.error is None
    return [row for series in result.series for row in series.values]


@pytest.mark.parametrize(
    ("text", "answer", "floor"),
    [
        ("SELECT last(v) FROM m GROUP BY d", [[200, 3], [210, 4]], 200),
        ("SELECT last(v) FROM m", [[210, 4]], 200),
        ("SELECT last(v), d FROM m", [[210, 4, "b"]], 200),
        ("SELECT last(v) FROM m WHERE d =~ /.*/ AND time >= 150 GROUP BY d", [[200, 3], [210, 4]], 200),
        ("SELECT last(v) FROM m WHERE d = 'b'", [[210, 4]], 210),
        ("SELECT last(v) FROM m WHERE d =~ /^a$/ GROUP BY d", [[200, 3]], 200),
        ("SELECT last(v), last(k) FROM m WHERE time > 1 GROUP BY d", [[2, 3, 5], [2, 4, 6]], 200),
    ],
)
async def test_only_the_newest_rows_are_read(
    store: EmbeddedStore, bounds: list[int | None], text: str, answer: list[list[object]], floor: int
) -> None:
    """From the oldest of the series' newest times on: that is enough where every group has its value there."""
    await rows(store, "SHOW SERIES")
    bounds.clear()
    assert await rows(store, text) == answer
    assert bounds[-1] == floor


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("SELECT last(w) FROM m GROUP BY d", [[100, 10], [210, 40]]),
        ("SELECT last(v), last(w) FROM m GROUP BY d", [[0, 3, 10], [0, 4, 40]]),
        ("SELECT last(v) FROM m WHERE time <= 205 GROUP BY d", [[200, 3], [110, 2]]),
        ("SELECT last(v) FROM m WHERE d = 'none'", []),
        ("SELECT last(w) FROM m WHERE d = 'a'", [[100, 10]]),
        ("SELECT last(v) FROM m WHERE v < 3 GROUP BY d", [[100, 1], [110, 2]]),
        ("SELECT last(v), first(v) FROM m GROUP BY d", [[0, 3, 1], [0, 4, 2]]),
    ],
)
async def test_all_rows_are_read_where_the_newest_do_not_tell(
    store: EmbeddedStore, text: str, answer: list[list[object]]
) -> None:
    """A field that the newest point lacks, an end before it, a condition on a field, another call beside it."""
    assert await rows(store, text) == answer
