"""What is ready to run answers as what is planned anew, and is planned anew where it has to be."""

# ruff: noqa: S608 - InfluxQL made of numbers

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from influxql.parser import parse
from store.contract import StatementResult
from store.embedded.prepared import Prepared
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from tests.fakes.clock import ManualClock
from tests.fakes.shipping import Log
from tests.store.embedded.standing import standing

SECOND = 1_000_000_000
NOW_NS = 2_000 * SECOND
SELECTS = [
    "SELECT mean(v), count(v) * 2 FROM m WHERE time >= {} AND time <= {} GROUP BY time(10s), h fill(previous)",
    "SELECT max(v) FROM m WHERE time > {} AND time < {} AND h = 'a' GROUP BY time(7s, 3s) fill(none)",
    "SELECT last(v) FROM m WHERE h =~ /a|b/ AND (time >= {} AND time < {}) GROUP BY h",
    "SELECT difference(sum(v)) FROM m WHERE time >= {} AND time <= {} GROUP BY time(10s) ORDER BY time DESC LIMIT 3",
    "SELECT percentile(v, 90), spread(i) FROM m WHERE time > {} AND time <= {} GROUP BY h, s",
    "SELECT sum(v) FROM m WHERE time > {} AND time <= {} AND v > 3 LIMIT 1 OFFSET 0",
    "SELECT count(x) FROM (SELECT last(v) AS x FROM m WHERE time >= {} AND time <= {} GROUP BY h, s) WHERE x > 3",
    "SELECT last(x) FROM (SELECT max(v) AS x FROM m WHERE time > {} AND time < {} GROUP BY h) GROUP BY h LIMIT 1",
    (
        "SELECT count(x) FROM (SELECT sum(x) AS x FROM (SELECT difference(max(v)) AS x FROM m "
        "WHERE time > {} AND time < {} GROUP BY time(10s), h, s fill(0)) GROUP BY h) WHERE x != 0"
    ),
    (
        "SELECT count(x), max(x) FROM (SELECT mean(v) AS x FROM m WHERE time > {0} AND time < {1} "
        "GROUP BY time(10s), h) WHERE time >= {0} AND time <= {1} GROUP BY time(10s), h fill(0)"
    ),
    "SELECT count(x) FROM (SELECT mean(v) AS x FROM m GROUP BY h, s) WHERE time > {} AND time < {} GROUP BY h",
    "SELECT sum(x) / count(x) FROM (SELECT sum(v) AS x FROM m WHERE time >= {} AND time <= {} GROUP BY time(1m))",
]
ELSEWHERE = [
    "SELECT count(v) FROM m WHERE time >= {} AND time <= {} AND time <= now() - 1s",
    "SELECT count(v) FROM m WHERE time <= {} AND time >= {}",
    "SELECT count(v) FROM m WHERE time >= {} AND time <= {} AND time > 1",
    "SELECT count(v) FROM m WHERE time >= {} AND time <= {} AND time >= now() - 980s",
    "SELECT count(v) FROM m WHERE time >= {} AND time <= {} GROUP BY time(1m, now())",
    "SELECT count(v) FROM /m/ WHERE time >= {} AND time <= {}",
    "SELECT count(v) FROM m, n WHERE time >= {} AND time <= {}",
    "SELECT count(v) FROM db..m WHERE time >= {} AND time <= {}",
    "SELECT count(v) FROM nothing WHERE time >= {} AND time <= {}",
    "SELECT count(v) FROM m WHERE time >= {} AND time <= {} AND time >= 1",
    "SELECT x FROM (SELECT mean(v) AS x FROM m WHERE time >= {} AND time <= {} GROUP BY h) WHERE x > 'a'",
    "SELECT count(x) FROM (SELECT mean(v) AS x FROM m WHERE time >= {} AND time <= {} GROUP BY h LIMIT 1)",
    "SELECT count(x) FROM (SELECT mean(v) AS x, max(v) AS x FROM m WHERE time >= {} AND time <= {} GROUP BY h)",
    "SELECT count(x) FROM (SELECT mean(v) AS x FROM m GROUP BY h), m WHERE time >= {} AND time <= {}",
    "SELECT count(x) FROM (SELECT mean(v) AS x FROM m WHERE time >= {} AND time <= {} GROUP BY h) WHERE time < now()",
    "SELECT count(x) FROM (SELECT mean(v) AS x FROM m WHERE time >= {} AND time <= {} GROUP BY h) WHERE time >= 1",
    "SELECT count(x) FROM (SELECT mean(v) AS x FROM m WHERE time >= {}) WHERE time <= {} AND time >= now() - 980s",
    "SELECT count(v) FROM m WHERE time >= {} AND time <= {}; SELECT count(v) FROM m",
]


@pytest.fixture(autouse=True)
def _slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever comes from memory counts as quick, however long it takes here."""
    monkeypatch.setattr("store.embedded.quick._QUICK_S", 60.0)


@pytest.fixture
async def store(tmp_path: Path, clock: ManualClock) -> AsyncIterator[EmbeddedStore]:
    """Two measurements of some hundred rows."""
    opened = EmbeddedStore(EmbeddedConfig(), state=tmp_path, clock=clock)
    await opened.open()
    lines = [f"m,h={'abc'[n % 3]},s={n % 2} v={n % 17}.5,i={n}i {(1_000 + n) * SECOND}" for n in range(300)]
    await Log(opened, "db").put("\n".join([*lines, "n v=1 1"]).encode() + b"\n")
    yield opened
    await opened.close()


def bounds(first: int, last: int) -> tuple[str, str]:
    """As they stand in a text."""
    return str((1_000 + first) * SECOND), str((1_000 + last) * SECOND)


def ask(store: EmbeddedStore, text: str) -> tuple[StatementResult, ...]:
    """The answer of a thread, which may read rows for it."""
    return store._opened().reader.answer(store._texts.parse(text), "db", NOW_NS)


def prepared(store: EmbeddedStore) -> list[Prepared | None]:
    """What became of each text that was to be prepared."""
    return [made for _, made in store._opened().reader._prepared._known.values()]


@pytest.mark.parametrize("select", SELECTS)
async def test_it_answers_as_what_is_planned_anew(store: EmbeddedStore, select: str) -> None:
    """Whatever its bounds: each time those of the text hold, with what their comparisons make of them."""
    for _ in range(4):
        ask(store, select.format(*bounds(0, 300)))
    for first, last in ((0, 300), (10, 20), (5, 5), (7, 6), (33, 291), (400, 500)):
        text = select.format(*bounds(first, last))
        found = store._opened().reader.answer_at_once(standing(text, store._texts), "db", NOW_NS)
        assert [one is not None for one in prepared(store)] == [True]
        assert found is None or found == store._opened().reader.answer(parse(text), "db", NOW_NS)
    again = standing(select.format(*bounds(0, 299)), store._texts)
    assert store._opened().reader.answer_at_once(again, "db", NOW_NS) is not None


@pytest.mark.parametrize("select", ELSEWHERE)
async def test_other_texts_are_planned_each_time(store: EmbeddedStore, select: str) -> None:
    """Of which more than two bounds differ, or other things than bounds; their answers are as good."""
    for last in (100, 150, 200, 250, 300):
        text = select.format(*bounds(10, last))
        ask(store, text)
        found = store._opened().reader.answer_at_once(standing(text, store._texts), "db", NOW_NS)
        assert found is None or found == store._opened().reader.answer(parse(text), "db", NOW_NS)
    assert [one for one in prepared(store) if one is not None] == []


async def test_a_measurement_that_has_got_a_column_is_planned_anew(store: EmbeddedStore) -> None:
    """The wildcard of before is another one now."""
    text = "SELECT sum(*) FROM m WHERE time >= {} AND time <= {}".format(*bounds(0, 300))
    asked = standing(text, store._texts)
    for _ in range(4):
        ask(store, text)
    reader = store._opened().reader
    (before,) = reader.answer_at_once(asked, "db", NOW_NS) or ()
    assert before.series[0].columns == ("time", "sum_i", "sum_v")
    await Log(store, "db", "another log").put(b"m,h=a w=1 1000000000000\n")
    for _ in range(4):
        ask(store, text)
    (after,) = reader.answer_at_once(asked, "db", NOW_NS) or ()
    assert after.series[0].columns == ("time", "sum_i", "sum_v", "sum_w")


async def test_each_database_has_its_own(store: EmbeddedStore) -> None:
    """The same text asked of two buckets means two measurements."""
    await Log(store, "other").put(b"m,h=a v=8 1001000000000\n")
    text = "SELECT max(v) FROM m WHERE time >= {} AND time <= {}".format(*bounds(0, 300))
    asked = standing(text, store._texts)
    reader = store._opened().reader
    for database in ("db", "other"):
        for _ in range(4):
            reader.answer(store._texts.parse(text), database, NOW_NS)
    found = [reader.answer_at_once(asked, database, NOW_NS) or () for database in ("db", "other", "db")]
    assert [results[0].series[0].values[0][1] for results in found] == [16.5, 8.0, 16.5]


async def test_a_query_that_is_wrong_says_so(store: EmbeddedStore) -> None:
    """Whether it is planned for the first time or again."""
    text = "SELECT sum(v), v FROM m WHERE time >= {} AND time <= {}".format(*bounds(0, 300))
    asked = standing(text, store._texts)
    expected = ask(store, text)
    assert expected[0].error is not None
    for _ in range(3):
        ask(store, text)
        assert store._opened().reader.answer_at_once(asked, "db", NOW_NS) == expected


async def test_a_thread_prepares_what_was_quick(store: EmbeddedStore) -> None:
    """Behind its answer, so that nobody on the event loop has to; what is wrong is prepared by nobody."""
    reader = store._opened().reader
    for text, made in (
        ("SELECT sum(v) FROM m WHERE time >= {} AND time <= {}", True),
        ("SELECT sum(v), v FROM m WHERE time >= {} AND time <= {}", False),
    ):
        asked = standing(text.format(*bounds(0, 300)), store._texts)
        reader._prepared._known.clear()
        for _ in range(4):
            reader.answer(asked.statements(), "db", NOW_NS, standing=asked)
        assert (len(prepared(store)) == 1) is made
