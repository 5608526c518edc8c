"""DELETE and DROP MEASUREMENT: what goes, what stays, what is forgotten."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from store.embedded.store import EmbeddedConfig, EmbeddedStore
from tests.fakes.clock import ManualClock
from tests.fakes.shipping import Log

LINES = b"""m,h=a f=1 0
m,h=b f=2 10
m f=3 20
m,h=a,r=eu f=4 30
n,h=a i=1i 0
n,h=b i=2i 10
"""


@pytest.fixture
async def log(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Log]:
    """An open store that holds the lines."""
    store = EmbeddedStore(EmbeddedConfig(), state=tmp_path, clock=clock)
    await store.open()
    filled = Log(store)
    await filled.put(LINES)
    yield filled
    await store.close()


async def ask(log: Log, text: str) -> list[Any]:
    """Errors and rows of each statement, in order."""
    results = await log.store.query(text, log.bucket)
    return [result.error or [series.values for series in result.series] for result in results]


@pytest.mark.parametrize(
    ("text", "m", "n"),
    [
        ("DELETE FROM m WHERE time >= 10 AND time < 30", [1.0, 4.0], [1, 2]),
        ("DELETE FROM m WHERE h = 'a'", [2.0, 3.0], [1, 2]),
        ("DELETE FROM m WHERE h = ''", [1.0, 2.0, 4.0], [1, 2]),
        ("DELETE FROM m WHERE h != 'a'", [1.0, 4.0], [1, 2]),
        ("DELETE FROM m WHERE h =~ /a|b/ AND r = ''", [3.0, 4.0], [1, 2]),
        ("DELETE FROM m WHERE h = 'a' OR time > 5", [1.0, 2.0, 3.0], [1, 2]),
        ("DELETE WHERE time = 0", [2.0, 3.0, 4.0], [2]),
        ("DELETE FROM /^[mx]$/, nosuch WHERE h = 'b'", [1.0, 3.0, 4.0], [1, 2]),
        ("DELETE FROM nosuch", [1.0, 2.0, 3.0, 4.0], [1, 2]),
        ("DROP MEASUREMENT nosuch", [1.0, 2.0, 3.0, 4.0], [1, 2]),
        ("DELETE WHERE 10s = 'nobody'", [1.0, 2.0, 3.0, 4.0], [1, 2]),
        ("DELETE FROM n", [1.0, 2.0, 3.0, 4.0], []),
        ("DROP MEASUREMENT m", [], [1, 2]),
        ("DROP SERIES FROM m WHERE h = 'a'", [2.0, 3.0], [1, 2]),
        ("DROP SERIES WHERE h = 'b'", [1.0, 3.0, 4.0], [1]),
        ("DROP SERIES FROM n", [1.0, 2.0, 3.0, 4.0], []),
    ],
)
async def test_what_goes(log: Log, text: str, m: list[float], n: list[int]) -> None:
    """Points go by time and tags; as everywhere, bounds on time intersect even under OR."""
    deleted, left, other = await ask(log, f"{text}; SELECT f FROM m; SELECT i FROM n")  # noqa: S608 - InfluxQL, not SQL
    assert deleted == []
    assert [row[1] for rows in left for row in rows] == m
    assert [row[1] for rows in other for row in rows] == n


async def test_an_empty_measurement_is_forgotten(log: Log) -> None:
    """Where the last point goes the measurement goes, and its fields may come again as another type."""
    await ask(log, "DELETE FROM n WHERE time >= 0")
    assert await ask(log, "SHOW MEASUREMENTS; SHOW FIELD KEYS FROM n") == [[[["m"]]], []]
    assert (await log.put(b'n,h=c i="text" 5\nm,h=a f=9 0\n')).refused == ()
    assert await ask(log, "SELECT * FROM n; SELECT f FROM m WHERE time = 0") == [[[[5, "c", "text"]]], [[[0, 9.0]]]]


async def test_the_file_says_the_same_after_it_is_opened_anew(log: Log, tmp_path: Path, clock: ManualClock) -> None:
    """What was deleted stays deleted, and new measurements get tables of their own."""
    await ask(log, "DROP MEASUREMENT n; DELETE FROM m WHERE h = 'a'")
    await log.store.close()
    store = EmbeddedStore(EmbeddedConfig(), state=tmp_path, clock=clock)
    await store.open()
    again = Log(store, name="another")
    await again.put(b"o v=1 0\n")
    assert await ask(again, "SHOW MEASUREMENTS; SELECT f FROM m; SELECT v FROM o") == [
        [[["m"], ["o"]]],
        [[[10, 2.0], [20, 3.0]]],
        [[[0, 1.0]]],
    ]
    await store.close()


async def test_a_condition_on_a_field_deletes_nothing(log: Log) -> None:
    """Fields cannot choose what goes; the error leaves everything where it is and stops what stands behind."""
    wrong = "fields not supported in WHERE clause during deletion"
    assert await ask(log, "DELETE WHERE f > 1") == [wrong]
    assert await ask(log, "DELETE FROM m WHERE (h = 'a' OR f + 1 = 2); SELECT f FROM m") == ["not executed"]
    assert await ask(log, "SELECT count(f) FROM m; SELECT count(i) FROM n") == [[[[0, 4]]], [[[0, 2]]]]


@pytest.mark.parametrize(
    "text",
    [
        "DELETE FROM m WHERE time & 5 = 1",
        "DELETE WHERE time + 1 = 11",
        "DELETE FROM m WHERE h = 'a' AND 5 & time = 0",
        "DELETE FROM m WHERE -time < 0 OR h = 'a'",
    ],
)
async def test_what_is_reckoned_with_a_time_deletes_nothing(log: Log, text: str) -> None:
    """It is no bound that would choose what goes, and that is said rather than passed over."""
    wrong = "fields not supported in WHERE clause during deletion"
    assert await ask(log, text) == [wrong]
    assert await ask(log, "SELECT count(f) FROM m") == [[[[0, 4]]]]


@pytest.mark.parametrize(
    "text",
    [
        "DELETE WHERE h = web1",
        "DELETE FROM m WHERE nosuch = mean",
        "DELETE FROM m WHERE h = h",
        "DELETE FROM m WHERE h != 5",
        "DELETE FROM m WHERE (h = 'a') OR h + 'a' = 'aa'",
        "DELETE FROM m WHERE h::field = 'a'",
        "DELETE FROM m WHERE h + 'a'",
        "DROP SERIES WHERE h = web1",
    ],
)
async def test_tags_are_compared_with_texts_alone(log: Log, text: str) -> None:
    """A text whose quotes were forgotten is the name of a tag that no series has, which is no reason to delete any."""
    assert await ask(log, text) == ["fields not supported in WHERE clause during deletion"]
    assert await ask(log, "SELECT count(f) FROM m; SELECT count(i) FROM n") == [[[[0, 4]]], [[[0, 2]]]]


@pytest.mark.parametrize(
    ("condition", "left"),
    [("(time) > 5", [[0, 1.0]]), ("((h)) = ('a') AND time < 5 + 0", [[10, 2.0], [20, 3.0], [30, 4.0]])],
)
async def test_parentheses_change_nothing(log: Log, condition: str, left: list[object]) -> None:
    """Bounds and tags in parentheses choose the same points."""
    assert await ask(log, f"DELETE FROM m WHERE {condition}") == [[]]  # noqa: S608 - InfluxQL, not SQL
    assert await ask(log, "SELECT f FROM m") == [[left]]


async def test_a_series_has_all_its_points(log: Log) -> None:
    """DROP SERIES takes no part of a series: a bound on time is an error."""
    assert await ask(log, "DROP SERIES FROM m WHERE h = 'a' AND time < 5") == [
        "DROP SERIES doesn't support time in WHERE clause"
    ]
    assert await ask(log, "SELECT count(f) FROM m") == [[[[0, 4]]]]


async def test_a_database_that_is_not_there(log: Log) -> None:
    """Deleting from nowhere is an error of the statement."""
    (result,) = await log.store.query("DROP MEASUREMENT m", "nosuch")
    assert result.error == "database not found: nosuch"
