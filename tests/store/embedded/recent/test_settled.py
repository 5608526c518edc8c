"""What is settled is never put beside newer rows of the file that belong with older ones."""

from collections import Counter
from types import SimpleNamespace
from typing import cast

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from influxql.ast import Call, VarRef
from influxql.conditions import TimeRange
from store.embedded.recent.changes import Changes
from store.embedded.recent.contract import Asking
from store.embedded.recent.panes import Pane
from store.embedded.recent.settled import Form, Settled
from store.embedded.source import Points

COUNT = Call("count", (VarRef("f"),))
FORM = Form("m", 1, (COUNT,), (), None, Pane(10, 0))


Found = dict[Call, dict[tuple[str, ...], list[tuple[int, int]]]]


class File:
    """A table of single points, which notes what is read of it."""

    def __init__(self, rows: dict[int, int]) -> None:
        self.rows = rows
        self.settled = Settled(10**6)
        self.read: list[tuple[int | None, int | None, tuple[int, int] | None]] = []

    def answer(self, bounds: TimeRange, known: tuple[int, int] | None) -> Found:
        """How many lie in each window, but for those that are known."""
        self.read.append((bounds.lower, bounds.upper, known))
        found: Counter[int] = Counter()
        for at, count in self.rows.items():
            if (bounds.lower or 0) <= at <= (bounds.upper or 0) and not (known and known[0] <= at <= known[1]):
                found[at // 10 * 10] += count
        return {COUNT: {(): sorted(found.items())} if found else {}}

    def ask(self, lower: int, upper: int) -> Points:
        """The same between two moments, of what is kept and what is read."""
        asking = cast("Asking", SimpleNamespace(now_ns=10**9))
        found = self.settled.recall(asking, FORM, lower, upper, self.answer)
        return {} if found is None else found.by_call([COUNT])[COUNT]


def test_no_answer_sees_half_a_commit() -> None:
    """Between its first mark and its last one nobody knows who sees it: whatever it touches is read again each time."""
    file, changes = File({0: 1, 10: 1, 20: 1}), Changes()
    before = [file.ask(0, 25) for _ in range(3)][-1]
    assert before == {(): [(0, 1), (10, 1), (20, 1)]}
    changes.stored("m", pa.array([5, 25]))
    with file.settled.committing(changes):
        assert file.ask(0, 25) == before
        file.rows |= {0: 2, 20: 2}
        assert file.ask(0, 25) == {(): [(0, 2), (10, 1), (20, 2)]}
    assert file.ask(0, 25) == {(): [(0, 2), (10, 1), (20, 2)]}


def test_only_what_is_not_known_is_read_and_at_once() -> None:
    """The windows that the bounds cut, and those that came since; nothing where nothing is missing."""
    file = File(dict.fromkeys(range(0, 100, 5), 1))
    for _ in range(3):
        file.ask(0, 49)
    file.read.clear()
    for bounds, read in (
        ((0, 49), []),
        ((10, 39), []),
        ((3, 49), [(3, 9, None)]),
        ((10, 63), [(50, 63, None)]),
        ((13, 68), [(13, 68, (20, 59))]),
        ((200, 215), [(200, 215, None)]),
    ):
        lower, upper = bounds
        wanted = file.answer(TimeRange(lower, upper), None)[COUNT]
        file.read.clear()
        assert file.ask(lower, upper) == wanted
        assert file.read == read


@given(
    st.lists(st.tuples(st.integers(0, 120), st.integers(0, 120), st.none() | st.integers(0, 130)), max_size=12),
    st.dictionaries(st.integers(0, 130), st.integers(1, 9), max_size=30),
)
def test_whatever_is_asked_is_what_the_file_says(
    steps: list[tuple[int, int, int | None]], rows: dict[int, int]
) -> None:
    """Wherever bounds lie, and whatever is written between two questions."""
    file = File(dict(rows))
    for _ in range(3):
        file.ask(0, 99)
    for one, other, written in steps:
        if written is not None:
            changes = Changes()
            changes.stored("m", pa.array([written]))
            with file.settled.committing(changes):
                file.rows[written] = file.rows.get(written, 0) + 1
        lower, upper = min(one, other), max(one, other)
        found = file.ask(lower, upper)
        pane_first, pane_end = -(-lower // 10), (upper + 1) // 10
        if pane_first < pane_end:
            assert found == file.answer(TimeRange(lower, upper), None)[COUNT]
