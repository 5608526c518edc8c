"""Where the rows of a few series stand, while rows come and go."""

# ruff: noqa: S311 - random data, not secrets

import random

import numpy as np

from store.embedded.recent.chosen import Chosen


def test_positions_are_those_of_the_rows_that_are_meant() -> None:
    """Rows are put behind, taken back from a place on, and moved down as others go."""
    luck = random.Random(5)
    chosen, rows = Chosen(), list[bool]()
    for _ in range(400):
        match luck.randrange(4):
            case 0:
                end = luck.randrange(len(rows) + 1)
                chosen.drop_from(end)
                del rows[end:]
            case 1:
                by = luck.randrange(len(rows) // 4 + 1)
                chosen.shift(by)
                del rows[:by]
            case _:
                fresh = [luck.random() < 0.2 for _ in range(luck.randrange(60))]
                chosen.take(np.array(fresh, np.bool_))
                rows += fresh
        assert chosen.upto == len(rows)
        first = luck.randrange(len(rows) + 1)
        last = luck.randrange(first, len(rows) + 1)
        assert chosen.between(first, last).tolist() == [place for place in range(first, last) if rows[place]]
    assert chosen.size_bytes >= 4 * sum(rows)
