"""How many different values there are in each of many cells."""

# ruff: noqa: S311 - random data, not secrets

import random
from typing import Any

import numpy as np
import pytest

from store.embedded.recent.distinct import count_distinct

VALUES: list[tuple[Any, list[Any]]] = [
    (np.bool_, [False, True]),
    (np.int8, [-128, 0, 127]),
    (np.int32, [5, 6, 70_000]),
    (np.int64, [-(2**63), 2**63 - 1, 7]),
    (np.int64, [2**63 - 1, 2**63 - 2, 2**63 - 9]),
    (np.uint64, [2**64 - 1, 2**64 - 2, 2**64 - 9]),
    (np.uint64, [0, 2**64 - 1]),
    (np.float64, [0.0, -0.0, 1.5, -2.5, 1e300]),
]


@pytest.mark.parametrize("most_marks", [1 << 20, 0])
@pytest.mark.parametrize(("kind", "values"), VALUES)
def test_each_value_counts_once_in_a_cell(
    kind: Any, values: list[Any], most_marks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of whatever type and however wide, marked one by one or sorted; a cell may have none."""
    monkeypatch.setattr("store.embedded.recent.distinct._MOST_MARKS", most_marks)
    luck = random.Random(6)
    for rows in (1, 7, 300, 2_000):
        cells = np.array([luck.randrange(9) for _ in range(rows)], np.intp)
        drawn = np.array([luck.choice(values) for _ in range(rows)], kind)
        pairs = set(zip(cells.tolist(), drawn.tolist(), strict=True))
        expected = [sum(cell == place for place, _ in pairs) for cell in range(11)]
        assert count_distinct(cells, drawn, 11).tolist() == expected


def test_of_no_row_there_is_nothing() -> None:
    """Then all cells are empty."""
    assert count_distinct(np.zeros(0, np.intp), np.zeros(0, np.int32), 3).tolist() == [0, 0, 0]
