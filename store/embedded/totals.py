"""What counts and sums over a whole range come to, out of its windows: those that are over are kept as answered.

`select` asks this of tables whose rows do not fit into memory, where a board asks the same again and again: of an hour
only the newest seconds are read then, and those that the range cuts off at its beginning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from foundation.batch import FieldType
from influxql.ast import Call, VarRef
from influxql.plan import Plan
from influxql.typing import type_of
from influxql.window import Window
from store.embedded.calls import recall_settled
from store.embedded.recent.answer import Recalled
from store.embedded.recent.rows import Array, Mask, Values
from store.embedded.recent.view import fitting
from store.embedded.session import Session
from store.embedded.source import Source

_PARTS: Final[Mapping[str, tuple[str, ...]]] = {"count": ("count",), "sum": ("sum",), "mean": ("sum", "count")}
"""Of which calls over parts of the rows each is made."""


def recall_totals(session: Session, plan: Plan, source: Source) -> Recalled | None:
    """The groups and what each call comes to in them, at the lower bound; None where the file has to be asked."""
    lower, upper = plan.bounds.lower, plan.bounds.upper
    if session.recent is None or lower is None or upper is None or not all(map(_adds_up, plan.calls)):
        return None
    calls = tuple(dict.fromkeys(part for call in plan.calls for part in _parts(call)))
    by_windows = replace(plan, window=Window(fitting(upper + 1 - lower).width))
    grid = recall_settled(session, session.recent.settled, by_windows, source, calls)
    if grid is None:
        return None
    totals = {call: _total(column) for call, column in zip(calls, grid.columns, strict=True)}
    found = [_made(call, totals) for call in plan.calls]
    is_there = np.logical_or.reduce([known for _, known in found])
    order = sorted(np.flatnonzero(is_there).tolist(), key=grid.groups.__getitem__, reverse=plan.descending)
    columns = ([values[place] if known[place] else None for place in order] for values, known in _listed(found))
    return Recalled(tuple(grid.groups[place] for place in order), ([lower] * len(order), *columns))


def _adds_up(call: Call) -> bool:
    """Whether it is made of what parts of the rows come to; the mean of integers is told exactly by the file alone."""
    if call.name not in _PARTS or not isinstance(call.args[0], VarRef):
        return False
    return call.name != "mean" or type_of(replace(call, name="sum")) is FieldType.FLOAT


def _parts(call: Call) -> tuple[Call, ...]:
    return tuple(replace(call, name=name) for name in _PARTS[call.name])


def _total(column: Values) -> tuple[Array, Mask]:
    """Of each group the sum over all windows, and whether any has a value."""
    known = np.ones(column.values.shape, np.bool_) if column.present is None else column.present
    return np.add.reduce(column.values, axis=0, where=known), np.logical_or.reduce(known, axis=0)


def _made(call: Call, totals: Mapping[Call, tuple[Array, Mask]]) -> tuple[Array, Mask]:
    if call.name != "mean":
        return totals[call]
    (sums, known), (counts, _) = (totals[part] for part in _parts(call))
    return sums / np.maximum(counts, 1), known


def _listed(found: list[tuple[Array, Mask]]) -> list[tuple[list[Any], list[bool]]]:
    return [(values.tolist(), known.tolist()) for values, known in found]
