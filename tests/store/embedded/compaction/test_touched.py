"""What the writer's transactions did to a table, as a move asks it."""

import pyarrow as pa

from store.embedded.compaction.touched import Touched
from store.embedded.recent.changes import EVER, Changes


def stored(relation: str, *times: int) -> Changes:
    """A transaction that stored rows."""
    changes = Changes()
    changes.stored(relation, pa.chunked_array([times], pa.int64()))
    return changes


def test_times_of_the_table_alone() -> None:
    """Each once, within the span that is asked about; other tables do not matter."""
    touched = Touched("m1")
    touched.note(stored("m1", 1, 5, 5, 9))
    touched.note(stored("m2", 6))
    touched.note(stored("m1", 5, 7))
    assert touched.within(2, 8).to_pydict() == {"time": [5, 7]}
    assert touched.before_ns == EVER
    assert not touched.beyond_count


def test_rows_that_went() -> None:
    """By age: those before the latest moment. By a statement: nobody can tell which."""
    touched = Touched("m1")
    for moment in (5, 3):
        changes = Changes()
        changes.before("m1", moment)
        touched.note(changes)
    assert touched.before_ns == 5
    assert touched.within(0, 9).num_rows == 0
    changes = Changes()
    changes.since("m1")
    touched.note(changes)
    assert touched.beyond_count


def test_it_keeps_only_so_much() -> None:
    """A million times are too many to tell, and behind a move nothing is kept."""
    touched = Touched("m1")
    touched.note(stored("m1", *range(1_000_001)))
    assert touched.beyond_count
    released = Touched("m1")
    released.release()
    released.note(stored("m1", 1))
    assert released.within(0, 9).num_rows == 0
