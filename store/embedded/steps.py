"""Transformations of windows, all groups of them at once: what `transform` says of points, said of arrays.

Windows without a value are passed over: a step goes from a value to the one that is known before it in the order of the
answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from influxql.ast import Call, IntegerLiteral
from influxql.plan import Plan
from store.embedded.transform import duration_of

Array = npt.NDArray[Any]

_EXACT: Final = 2**62
"""The difference of whole numbers that are less is one."""


@dataclass(frozen=True, slots=True)
class Cells:
    """`values[group, window]` in the order of the answer, and where they are `known`; the others are null."""

    values: Array
    known: Array


def transform_windows(call: Call, cells: Cells, plan: Plan) -> Cells | None:
    """What a transformation makes of the windows of an aggregate; None where points tell it better."""
    return _TRANSFORMED[call.name](call, cells, plan)


def _difference(call: Call, cells: Cells, _: Plan) -> Cells | None:
    before, known = _before(cells)
    steps = cells.values - np.take_along_axis(cells.values, before, axis=1)
    if call.name == "non_negative_difference":
        known &= steps >= 0
    return Cells(steps, known) if _is_exact(cells.values) else None


def _derivative(call: Call, cells: Cells, plan: Plan) -> Cells | None:
    if plan.window is None or not _is_exact(cells.values):
        return None
    before, known = _before(cells)
    width = plan.window.interval
    rises = (cells.values - np.take_along_axis(cells.values, before, axis=1)).astype(np.float64)
    passed = (np.arange(cells.values.shape[1]) - before) * width / duration_of(call, width)
    slopes = np.divide(rises, passed, where=known, out=np.zeros(rises.shape))
    if call.name == "non_negative_derivative":
        known &= slopes >= 0
    return Cells(slopes, known)


def _moving_average(call: Call, cells: Cells, _: Plan) -> Cells | None:
    size = call.args[1].value if isinstance(call.args[1], IntegerLiteral) else 2
    count = cells.values.shape[1]
    if not cells.known.all() or not _is_exact(cells.values, size) or size < 1:
        return None
    totals = np.zeros(cells.values.shape, cells.values.dtype)
    for place in range(size if size <= count else 0):
        totals[:, size - 1 :] += cells.values[:, place : count - size + 1 + place]
    return Cells(totals / size, np.broadcast_to(np.arange(count) >= size - 1, totals.shape))


def _cumulative_sum(_call: Call, cells: Cells, _: Plan) -> Cells | None:
    return Cells(np.cumsum(np.where(cells.known, cells.values, 0), axis=1, dtype=cells.values.dtype), cells.known)


def _before(cells: Cells) -> tuple[Array, Array]:
    """Of each window the known one before it (0 where there is none), and whether both are known."""
    places = np.where(cells.known, np.arange(cells.known.shape[1]), -1)
    newest = np.maximum.accumulate(places, axis=1)
    before = np.hstack([np.full((len(newest), 1), -1), newest[:, :-1]])
    return np.maximum(before, 0), cells.known & (before >= 0)


def _is_exact(values: Array, count: int = 1) -> bool:
    """Whether so many of them, whole numbers, add up to a word."""
    most = _EXACT // count
    return values.dtype.kind == "f" or bool(((values > -most) & (values < most)).all())


_TRANSFORMED: Final[Mapping[str, Callable[[Call, Cells, Plan], Cells | None]]] = {
    "difference": _difference,
    "non_negative_difference": _difference,
    "derivative": _derivative,
    "non_negative_derivative": _derivative,
    "moving_average": _moving_average,
    "cumulative_sum": _cumulative_sum,
}
TRANSFORMED: Final = frozenset(_TRANSFORMED)
"""The transformations that are known here."""
