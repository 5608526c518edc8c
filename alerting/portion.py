"""How much is taken on at once of what waits, so that a storm is not held in memory several times over. Pure.

What is recorded, and what the dispatcher flushes, is cut into portions, a transaction each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, takewhile
from typing import TypeVar

T = TypeVar("T")

MOST_ALERTS = 5_000
"""In one transaction, unless a single rule or group has more."""


def portion(waiting: Sequence[T], size: Callable[[T], int], most: int) -> Sequence[T]:
    """The first that waits, and those behind it for as long as all together are no larger than `most`."""
    fitting = sum(1 for _ in takewhile(lambda total: total <= most, accumulate(map(size, waiting))))
    return waiting[: max(fitting, 1)]
