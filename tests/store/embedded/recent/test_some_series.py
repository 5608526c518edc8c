"""Of a table that is too large for memory the series that are asked for are kept, if they are few."""

# ruff: noqa: S608 - InfluxQL made of the constants below
# ruff: noqa: S311 - random data, not secrets

import random
from collections.abc import Iterator

import pytest

from store.embedded.recent.memory import Outcome
from tests.store.embedded.recent.pair import NOW, SECOND, Pair

HOSTS, ROWS = 40, 200
RANGE = f"time > {NOW - 300 * SECOND} AND time <= {NOW}"
ONE = f"SELECT sum(f) FROM m WHERE h = 'h3' AND {RANGE}"


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A table of 8 000 rows, of which memory has room for some hundred."""
    made = Pair(60_000, settled_bytes=0)
    lines = [f"m,h=h{host} f={host},g={row}i {NOW - row * SECOND}" for host in range(HOSTS) for row in range(ROWS)]
    made.write("b", lines)
    yield made
    made.connection.close()


def test_what_is_asked_of_one_host_is_answered_from_memory(pair: Pair) -> None:
    """By whatever question about it, and on the event loop; the whole table is not read."""
    for _ in range(4):
        pair.compare("b", ONE)
    assert pair.outcomes == {Outcome.RARE: 2, Outcome.MEMORY: 3}
    assert pair.at_once == 1
    assert 0 < pair.recent.size_bytes <= 60_000
    pair.compare("b", f"SELECT max(g), mean(f) FROM m WHERE h = 'h3' AND {RANGE} GROUP BY time(7s)")
    pair.compare("b", f"SELECT percentile(g, 90) FROM m WHERE h = 'h3' AND {RANGE} GROUP BY h")
    assert pair.outcomes[Outcome.RARE] == 2


def test_what_is_written_and_deleted_is_seen(pair: Pair) -> None:
    """New rows and late ones, another series that the condition means, and rows that go."""
    for _ in range(3):
        pair.compare("b", ONE)
    pair.write("b", [f"m,h=h3 f=7 {NOW - 1}", f"m,h=h4 f=9 {NOW - 1}"])
    pair.compare("b", ONE)
    pair.write("b", [f"m,h=h3,x=new f=70 {NOW - 250 * SECOND}"])
    pair.compare("b", ONE)
    pair.compare("b", f"SELECT sum(f) FROM m WHERE h = 'h3' AND {RANGE} GROUP BY x")
    pair.write("b", [f"m,h=h3 f=1000 {NOW - 100 * SECOND}", f"m,h=h3 k=true {NOW - 100 * SECOND}"])
    pair.compare("b", ONE)
    pair.change("b", f"DELETE FROM m WHERE h = 'h3' AND time < {NOW - 50 * SECOND}")
    pair.compare("b", ONE)
    assert pair.outcomes[Outcome.MEMORY] >= 6
    pair.change("b", "DROP MEASUREMENT m")
    pair.compare("b", ONE)


def test_a_condition_that_means_many_series_keeps_nothing(pair: Pair) -> None:
    """It is told by the table of series, without a look at the rows."""
    text = f"SELECT sum(f) FROM m WHERE h =~ /h[0-3]/ AND {RANGE}"
    for _ in range(5):
        pair.compare("b", text)
    assert pair.outcomes[Outcome.FULL] == 3
    assert pair.recent.size_bytes == 0


def test_conditions_of_any_kind_are_what_the_file_makes_of_them(pair: Pair) -> None:
    """Random conditions, rows and questions; what is kept of one is not taken for another."""
    luck = random.Random(11)
    conditions = ["h = 'h1'", "h =~ /^h[12]$/", "x = ''", "x != ''", "h > 'h5' AND h = 'h7'", "y = 'a' OR h = 'h9'"]
    calls = ["sum(f)", "count(g)", "median(f)", "last(g)", "percentile(f, 50)"]
    for _ in range(60):
        condition, call = luck.choice(conditions), luck.choice(calls)
        by = luck.choice(["", " GROUP BY h", " GROUP BY time(20s)", " GROUP BY time(20s), x"])
        for _ in range(luck.randrange(1, 4)):
            pair.compare("b", f"SELECT {call} FROM m WHERE {condition} AND {RANGE}{by}")
        if luck.random() < 0.3:
            tags = luck.choice(["h=h1", "h=h7", "h=h2,x=n", "h=h9,y=a", "y=a"])
            pair.write("b", [f"m,{tags} f={luck.randrange(99)},g=1i {NOW - luck.randrange(280) * SECOND}"])
    assert pair.outcomes[Outcome.MEMORY] >= 30
    assert pair.at_once >= 20
