"""What a selector carries along: other fields and tags of the very row that it picks.

Where a group is of several series, rows of one time may differ in nothing but what they carry, and which of them is
picked is not for memory to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from influxql.functions import NUMERIC
from store.column import number_column
from store.embedded.recent.blocks import Tally, kind_of
from store.embedded.recent.series import Grouping
from store.embedded.recent.tail import Tail
from store.embedded.schema import Column

Positions = npt.NDArray[np.intp]


def is_certain(grouping: Grouping) -> bool:
    """Whether each group is one series, of which no two rows have the same time."""
    return int(np.count_nonzero(grouping.meant)) == len(grouping.keys)


def carry(tail: Tail, columns: Sequence[Column], at: Positions) -> list[Sequence[Any]]:
    """Each of these fields and tags of the rows at these positions; None where a row has not the one or the other."""
    return [_column(tail, column, at) for column in columns]


def _column(tail: Tail, column: Column, at: Positions) -> Sequence[Any]:
    if column.kind == "tag":
        place, known = tail.tags.index(column), tail.index.known
        return [known[number][place] for number in tail.series(at).tolist()]
    if column.type not in NUMERIC:
        return tail.listed(column.physical, at)
    values, present = tail.values(column.physical, at)
    return number_column(values.astype(kind_of(Tally.MAX, column.type), copy=False), present)
