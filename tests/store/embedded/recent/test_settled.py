"""What is settled is never put beside newer rows of the file that belong with older ones."""

from contextlib import AbstractContextManager, nullcontext
from types import SimpleNamespace
from typing import cast

import pyarrow as pa

from influxql.ast import Call, VarRef
from influxql.conditions import TimeRange
from store.embedded.recent.changes import Changes
from store.embedded.recent.contract import Asking
from store.embedded.recent.panes import Pane
from store.embedded.recent.settled import Form, Settled
from store.embedded.source import Points

COUNT = Call("count", (VarRef("f"),))
FORM = Form("m", 1, (COUNT,), (), None, Pane(10, 0))


def snapshot() -> AbstractContextManager[None]:
    """Nobody commits while the file is read."""
    return nullcontext()


def test_no_answer_sees_half_a_commit() -> None:
    """Between its first mark and its last one nobody knows who sees it: whatever it touches is read again each time."""
    rows, settled, changes = {0: 1, 10: 1, 20: 1}, Settled(10**6), Changes()
    asking = cast("Asking", SimpleNamespace(now_ns=30, snapshot=snapshot))

    def read(bounds: TimeRange) -> dict[Call, dict[tuple[str, ...], list[tuple[int, int]]]]:
        lower, upper = bounds.lower or 0, bounds.upper or 0
        return {COUNT: {(): [(start, count) for start, count in rows.items() if lower <= start <= upper]}}

    def ask() -> Points:
        found = settled.recall(asking, FORM, 0, 25, read)
        return {} if found is None else found.by_call([COUNT])[COUNT]

    before = [ask() for _ in range(3)][-1]
    assert before == {(): [(0, 1), (10, 1), (20, 1)]}
    changes.stored("m", pa.array([5, 25]))
    with settled.committing(changes):
        assert ask() == before
        rows |= {0: 2, 20: 2}
        assert ask() == {(): [(0, 2), (10, 1), (20, 2)]}
    assert ask() == {(): [(0, 2), (10, 1), (20, 2)]}
