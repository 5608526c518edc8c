"""Texts are kept as numbers, where they are few and short enough; the fields beside them stay whatever becomes of them.

Memory is held to the file's answers.
"""

# ruff: noqa: S608 - InfluxQL made of the constants below

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest

from store.embedded.recent.memory import Outcome
from store.embedded.recent.texts import Texts, TooManyTexts
from tests.store.embedded.recent.pair import NOW, SECOND, Pair

BOUNDS = f"time > {NOW - 100 * SECOND} AND time <= {NOW}"
USERS = f"SELECT count(distinct(s)), count(s) FROM m WHERE {BOUNDS}"
NUMBERS = f"SELECT sum(f) FROM m WHERE {BOUNDS}"
MOST_BYTES = "store.embedded.recent.texts.MOST_BYTES"


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


def users(*names: str, age_s: int = 5) -> list[str]:
    return [f'm f={place},s="{name}" {NOW - age_s * SECOND + place}' for place, name in enumerate(names)]


def test_a_text_has_one_number_for_as_long_as_it_is_there() -> None:
    """In whatever piece it comes; where there is none, any number stands."""
    texts = Texts()
    first, second = texts.codes(pa.array(["b", "a", None, "b"])), texts.codes(pa.array(["c", "a"]))
    assert (first.tolist(), second.tolist()) == ([0, 1, 0, 0], [2, 1])
    assert texts.of(second) == ["c", "a"]
    assert texts.codes(pa.array([None, None], pa.string())).tolist() == [0, 0]
    assert texts.codes(pa.array([], pa.string())).tolist() == []


def test_texts_that_no_row_has_are_forgotten_where_they_are_most() -> None:
    """The others get other numbers, and what they take is what they would take alone."""
    texts, alone = Texts(), Texts()
    codes = texts.codes(pa.array(["a", "b", "c", "d", "e"]))
    assert texts.forget_unused(codes[:3]) is not None
    assert texts.known == ["a", "b", "c", "d", "e"]
    kept = texts.forget_unused(codes[3:])
    assert texts.of(kept) == ["d", "e"]
    assert alone.codes(pa.array(["d", "e"])).tolist() == kept.tolist()
    assert texts.size_bytes == alone.size_bytes
    assert texts.codes(pa.array(["e", "f"])).tolist() == [1, 2]


def test_there_may_not_be_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor a few that are long."""
    monkeypatch.setattr(MOST_BYTES, 10_000)
    with pytest.raises(TooManyTexts):
        Texts().codes(pa.array([f"user-{number}" for number in range(100)]))
    with pytest.raises(TooManyTexts):
        Texts().codes(pa.array(["x" * 10_000]))


def test_who_counts_texts_is_answered_from_memory(pair: Pair) -> None:
    """While texts come that were not there before, and the rows of others go."""
    pair.write("b", users("a", "b", "a", "", "ü"))
    assert memory(pair, USERS) == 3
    before = pair.outcomes[Outcome.MEMORY] - pair.at_once
    for turn in range(40):
        now = NOW + turn * 10 * SECOND
        lines = [f'm,h=h{turn % 3} s="{turn}-{place % 7}" {now + place}' for place in range(50)]
        pair.write("b", [*lines, f"m f=1 {now}"])
        bounds = f"time > {now - 60 * SECOND} AND time <= {now + SECOND}"
        for by in ("", "GROUP BY h", "GROUP BY time(7s) fill(0)", "GROUP BY time(7s), h"):
            pair.compare("b", f"SELECT count(distinct(s)), count(s) FROM m WHERE {bounds} {by}", now + SECOND)
        pair.compare("b", f"SELECT s FROM m WHERE {bounds} ORDER BY time DESC LIMIT 500", now + SECOND)
    assert pair.outcomes[Outcome.MEMORY] - pair.at_once - before > 40 * 5 * 0.9
    (kept,) = vars(pair.recent)["_kept"].values()
    (texts,) = kept.tail.texts.values()
    assert len(texts.known) < 40 * 7
    assert kept.tail.size_bytes > texts.size_bytes


def test_windows_that_are_over_are_not_counted_again(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refresh looks at those that its bounds cut, and nowhere else."""
    pair.write("b", [f'm s="{age % 9}" {NOW - age * SECOND}' for age in range(90)])
    text = f"SELECT count(distinct(s)) FROM m WHERE {BOUNDS} GROUP BY time(10s) fill(0)"
    assert memory(pair, text) == 3
    rows = list[int]()
    counted = "store.embedded.recent.stretch.count_distinct"

    def watched(cells: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
        rows.append(len(cells))
        return np.zeros(size, np.int64)

    monkeypatch.setattr(counted, watched)
    pair.ask("b", text)
    assert sum(rows) < 10


@pytest.mark.parametrize("text", ["SELECT f, s, h FROM m", "SELECT s, b FROM m", "SELECT t, b FROM m"])
def test_raw_points_show_their_texts(pair: Pair, text: str) -> None:
    """And nothing where there is none."""
    pair.write("b", [f'm,h=a f=1,t="old" {NOW - 300 * SECOND}'])
    pair.write("b", [f"m,h=a f=1 {NOW - SECOND}", f"m,h=b b=true {NOW}", *users("a", "b")])
    assert memory(pair, f"{text} WHERE {BOUNDS} ORDER BY time DESC LIMIT 9") == 3


@pytest.mark.parametrize("crowd", [[str(number) for number in range(200)], ["x" * 2_000]])
def test_too_many_texts_leave_the_numbers_in_memory(
    pair: Pair, crowd: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found at once where they are long, else while they are read; they are not read again with each question."""
    monkeypatch.setattr(MOST_BYTES, 20_000)
    pair.write("b", users(*crowd))
    assert memory(pair, USERS) == 0
    assert memory(pair, NUMBERS) == 5
    assert memory(pair, USERS) == 0
    assert memory(pair, NUMBERS) == 5


def test_texts_that_become_too_many_leave_the_numbers_in_memory(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for them next is answered by the file, in ten minutes perhaps by memory."""
    monkeypatch.setattr(MOST_BYTES, 20_000)
    pair.write("b", users("a", "b"))
    assert memory(pair, USERS) == 3
    pair.write("b", users(*map(str, range(200)), age_s=3))
    assert memory(pair, USERS) == 0
    assert memory(pair, NUMBERS) == 5
    pair.change("b", f"DELETE FROM m WHERE time > {NOW - 4 * SECOND}")
    assert memory(pair, USERS) == 0
    later = NOW + 700 * SECOND
    pair.write("b", [f'm f=1,s="a" {later}'])
    before = pair.outcomes[Outcome.MEMORY] - pair.at_once
    for _ in range(5):
        pair.compare("b", f"SELECT count(distinct(s)) FROM m WHERE time > {later - SECOND}", later)
    assert pair.outcomes[Outcome.MEMORY] - pair.at_once - before == 3


def test_where_the_room_is_short_numbers_come_first() -> None:
    """Texts take no room that there is not, be they many or few: what they may take is set aside."""
    pair = Pair(200_000)
    pair.write("b", users(*"abc"))
    assert memory(pair, USERS) == 0
    assert memory(pair, NUMBERS) >= 3
    pair.connection.close()


def test_texts_make_way_where_they_outgrow_the_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than that the whole table does."""
    monkeypatch.setattr("store.embedded.recent.room.MOST_BYTES", 0)
    pair = Pair(40_000)
    pair.write("b", users("a", "b"))
    assert memory(pair, USERS) == 3
    pair.write("b", users(*map(str, range(300)), age_s=3))
    assert memory(pair, USERS) == 0
    assert memory(pair, NUMBERS) == 5
    assert pair.recent.size_bytes < 40_000
    pair.connection.close()
