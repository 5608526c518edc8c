"""How many different values there are in each of many cells: for count(distinct())."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from store.embedded.recent.stable import stable_order

Counts = npt.NDArray[np.int64]
Values = npt.NDArray[Any]

_MOST_MARKS: Final = 1 << 20
"""Cells times values: so many are marked one by one, which takes no sort."""


def count_distinct(cells: npt.NDArray[np.intp], values: Values, size: int) -> Counts:
    """How many different ones of `values` stand in each of `size` cells; `cells` says where each belongs."""
    if not len(values):
        return np.zeros(size, np.int64)
    if values.dtype.kind == "b":
        values = values.view(np.int8)
    if values.dtype.kind != "f":
        low = int(np.minimum.reduce(values))
        width = int(np.maximum.reduce(values)) - low + 1
        if size * width <= _MOST_MARKS:
            marks = np.zeros(size * width, np.bool_)
            marks[cells * width + _above(values, low)] = True
            counted: Counts = np.add.reduce(marks.reshape(size, width), axis=1)
            return counted
    by_value = stable_order(values)
    in_order = by_value[stable_order(cells[by_value])]
    cells, values = cells[in_order], values[in_order]
    is_first = np.ones(len(values), np.bool_)
    is_first[1:] = (cells[1:] != cells[:-1]) | (values[1:] != values[:-1])
    return np.bincount(cells[is_first], minlength=size)


def _above(values: Values, low: int) -> Counts:
    """By how much each is greater than the least one, which is little."""
    wide = values if values.dtype == np.uint64 else values.astype(np.int64, copy=False)
    return (wide - low).astype(np.int64, copy=False) if low else wide.astype(np.int64, copy=False)
