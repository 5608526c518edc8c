"""What a selector carries along is of the very row that it picks, or left to the file."""

# ruff: noqa: S608 - InfluxQL made of the constants below

import random
from collections.abc import Iterator

import pytest

from store.embedded.recent.memory import Outcome
from tests.store.embedded.recent.pair import NOW, SECOND, Pair

BOUNDS = f"time > {NOW - 100 * SECOND} AND time <= {NOW}"


@pytest.fixture
def pair() -> Iterator[Pair]:
    made = Pair()
    yield made
    made.connection.close()


def memory(pair: Pair, text: str) -> int:
    """How many of five askings memory answers, all of them right."""
    before = pair.outcomes[Outcome.MEMORY] - pair.at_once
    for _ in range(5):
        pair.compare("b", text)
    return pair.outcomes[Outcome.MEMORY] - pair.at_once - before


@pytest.mark.parametrize("call", ["first(f)", "last(f)", "min(f)", "max(f)", "percentile(f, 30)", "last(i)"])
def test_each_series_shows_the_row_that_is_picked(pair: Pair, call: str) -> None:
    """Of equal values the same one that the file picks; null where that row has no such field, or no such tag."""
    luck, lines = random.Random(7), []  # noqa: S311 - test data
    for age in range(120):
        cells = [f"f={luck.randrange(4)}", f"i={luck.randrange(300)}i", f's="{luck.randrange(9)}"', "b=true"]
        tags = f",h=h{luck.randrange(4)}" + luck.choice(["", ",r=x"])
        lines.append(f"m{tags} {','.join(luck.sample(cells, luck.randrange(1, 5)))} {NOW - age * SECOND}")
    pair.write("b", lines)
    wanted = f'SELECT {call}, i, s, b AS "is", r, f FROM m WHERE {BOUNDS} GROUP BY h, r'
    for ending in ("", "ORDER BY time DESC", "SLIMIT 2"):
        assert memory(pair, f"{wanted} {ending}") >= 3
    assert memory(pair, f"SELECT i + 1, {call} FROM m WHERE {BOUNDS} AND h = 'h1' AND r = 'x'") >= 3
    assert memory(pair, f"SELECT sum(i), count(s) FROM ({wanted})") >= 3


@pytest.mark.parametrize("call", ["first(f)", "last(f)", "max(f)", "percentile(f, 50)"])
def test_rows_that_only_what_they_carry_tells_apart_are_left_to_the_file(pair: Pair, call: str) -> None:
    """A group of several series may have two points of the same time and value."""
    pair.write("b", [f"m,h={host} f=1,i={place}i {NOW - SECOND}" for place, host in enumerate("cab")])
    pair.write("b", [f"m,h=d f={value} {NOW - SECOND * 2 * value}" for value in (0, 2)])
    assert memory(pair, f"SELECT {call}, i, h FROM m WHERE {BOUNDS}") == 0


def test_a_field_that_is_not_there_and_windows_are_left_to_the_file(pair: Pair) -> None:
    """As is what is asked of single rows."""
    pair.write("b", [f"m,h=a f={age},i=1i {NOW - age * SECOND}" for age in range(50)])
    for shown in ("nosuch", "i::string"):
        assert memory(pair, f"SELECT last(f), {shown} FROM m WHERE {BOUNDS} GROUP BY h") == 0
    assert memory(pair, f"SELECT last(f), i FROM m WHERE {BOUNDS} GROUP BY time(9s), h") == 0
    assert memory(pair, f"SELECT last(f), i FROM m WHERE {BOUNDS} AND i > 0 GROUP BY h") == 0


def test_of_a_series_that_is_gone_nothing_is_shown(pair: Pair) -> None:
    """Whether other series are there or no row at all."""
    pair.write("b", [f"m,h={host} f=1,i=2i {NOW - SECOND * 9}" for host in "ab"])
    text = f"SELECT last(f), i FROM m WHERE {BOUNDS} GROUP BY h"
    assert memory(pair, text) == 3
    pair.change("b", "DELETE FROM m WHERE h = 'a'")
    assert memory(pair, text) == 5
    pair.write("b", [f"m,h=b f=1 {NOW + SECOND}"])
    pair.change("b", f"DELETE FROM m WHERE time < {NOW}")
    assert memory(pair, text) == 5
