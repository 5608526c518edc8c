"""Rows in order of their values: the one at any rank, while rows come and go."""

# ruff: noqa: S311 - random data, not secrets

import random

import numpy as np
import pytest

from store.embedded.recent.order import Order


@pytest.mark.parametrize("few", [0, 1 << 20])
def test_any_rank_is_the_one_that_sorting_gives(monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    """However it is looked for: among the rows themselves, or in words of 64 of them."""
    monkeypatch.setattr("store.embedded.recent.order._FEW", few)
    luck = random.Random(7)
    for _ in range(60):
        rows, size = luck.randrange(1, 700), luck.randrange(2, 6)
        values = np.array([luck.randrange(20) for _ in range(rows)], np.float64)
        groups = np.array([luck.randrange(size) for _ in range(rows)], np.intp)
        order, upto = Order(), luck.randrange(rows + 1)
        for part in (slice(0, upto), slice(upto, rows)):
            order.take(values[: part.stop], groups[part], None, size)
        first = luck.randrange(rows)
        last = luck.randrange(first, rows + 1)
        kept = [[values[row] for row in range(first, last) if groups[row] == group] for group in range(1, size)]
        ranks = np.array([luck.randrange(1, len(one) + 1) if one else 1 for one in kept])
        picked = order.picked(first, last, ranks)
        for one, rank, row in zip(kept, ranks, picked, strict=True):
            assert not one or values[row] == sorted(one)[rank - 1]
