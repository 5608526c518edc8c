"""A query around an inner answer that is there as columns, answered from those: DuckDB is not asked.

Aggregates and selectors of the answer's numbers, under conditions on how those compare and on its tags, grouped by tags
and windows; what they mean is what `recent` says of a table's rows. Everything else reads the answer as a table. A time
range cuts no row of an inner answer: who asks by windows and whose rows stand outside of its own is left to DuckDB too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from influxql.ast import Binary, Expr, Paren
from influxql.functions import NUMERIC
from influxql.plan import Plan
from store.column import number_column
from store.embedded.calls import is_lone_selector
from store.embedded.choice import Group, choose_series
from store.embedded.folds import Asked, Regrouped, count_windows, end_groups
from store.embedded.index import Known
from store.embedded.recent.answer import Recalled
from store.embedded.recent.blocks import Tally, kind_of, tally_rows
from store.embedded.recent.condition import NotComparable, Test, split_tags, test_of
from store.embedded.recent.distinct import count_distinct
from store.embedded.recent.grid import Grid
from store.embedded.recent.panes import Kind, Line, Pane
from store.embedded.recent.question import Wish, pane_of, wish_of
from store.embedded.recent.rows import Array, Mask, Values
from store.embedded.recent.stretch import RANKED
from store.embedded.recent.view import CALLS, nothing
from store.embedded.recent.window import Ends
from store.embedded.schema import Column, Table
from store.embedded.source import Source
from store.embedded.told import Told

Places = npt.NDArray[np.intp]

_MOST_CELLS: Final = 1_000_000
"""Windows times groups."""
_LONE: Final = frozenset({"first", "last", "min", "max"})
"""Selectors of which it is told when their point stands."""
_ORDERED: Final = frozenset({"<", "<=", ">", ">="})
_TALLIES: Final = {Kind.COUNT: Tally.COUNT, Kind.SUM: Tally.SUM, Kind.MIN: Tally.MIN, Kind.MAX: Tally.MAX}


@dataclass(slots=True)
class Around:
    """What is known of a query around an inner answer of this form, whatever the bounds of time and the rows are.

    `condition` is what has to hold for the tags of a row, `holds` for its numbers. `is_lone`: see `is_lone_selector`.
    `whole` are its calls where nothing has to hold, and each is of a column that there is.
    """

    table: Table
    wishes: tuple[Wish, ...]
    places: tuple[int | None, ...]
    condition: Expr | None
    holds: Test | None
    is_lone: bool
    whole: Asked | None
    _regrouped: Regrouped | None = None
    """of the groups that came last: mostly the same come again"""

    def recall(self, plan: Plan, told: Told) -> Recalled:
        """What the query comes to over all rows."""
        found = self._regroup(told)
        ends = None if self.whole is None else end_groups(told, self.whole, found)
        columns, times = ends or self._picked(told, found)
        if not self.is_lone:
            times = np.full(len(found.keys), plan.bounds.lower or 0)
        masks = [column.present for column in columns if column.present is not None]
        is_there = np.logical_or.reduce(masks) if len(masks) == len(columns) else np.ones(len(times), np.bool_)
        places = np.flatnonzero(is_there)
        places = places[::-1] if plan.descending else places
        groups = tuple([found.keys[place] for place in places.tolist()])
        return Recalled(groups, (number_column(times[places], None), *(_shown(one, places) for one in columns)))

    def recall_windows(self, plan: Plan, told: Told) -> Grid | None:
        """What it comes to by windows of time; None where DuckDB has to say."""
        pane = pane_of(plan)
        lower, upper = plan.bounds.lower, plan.bounds.upper
        if pane is None or lower is None or upper is None or upper < lower:
            return None
        first, end, found = pane.number(lower), pane.number(upper) + 1, self._regroup(told)
        counts = None if self.whole is None else count_windows(told, self.whole, found, pane, range(first, end))
        if counts is not None:
            return Grid(pane, first, found.keys, tuple(counts))
        shape = end - first, len(found.keys)
        windows = _windows_of(told.times, pane) - first
        if shape[0] * shape[1] > _MOST_CELLS or not np.logical_and.reduce((windows >= 0) & (windows < shape[0])):
            return None
        cells = _Cells(self.table, told, self._kept(told, found), found.of_inner, shape[0] * shape[1])
        cells.split(windows, shape[1])
        columns = [cells.column(wish) for wish in self.wishes]
        return Grid(pane, first, found.keys, tuple(_reshaped(column, shape) for column in columns))

    def _picked(self, told: Told, found: Regrouped) -> tuple[list[Values], Array]:
        """The same of any groups and calls; times only where the call is a lone selector."""
        cells = _Cells(self.table, told, self._kept(told, found), found.of_inner, len(found.keys))
        columns = [cells.column(wish) for wish in self.wishes]
        return columns, cells.times(self.wishes[0]) if self.is_lone else columns[0].values

    def _regroup(self, told: Told) -> Regrouped:
        known = self._regrouped
        if known is None or known.inner != told.groups:
            known = self._regrouped = _regrouped(told.groups, self.places, self.condition, self.table)
        return known

    def _kept(self, told: Told, found: Regrouped) -> Mask | None:
        """Which rows are meant; None: all."""
        kept = found.meant if found.meant is None or told.of_row is None else found.meant[told.of_row]
        if self.holds is None:
            return kept
        held = self.holds(_reader(self.table, told))
        return held if kept is None else kept & held


def read_around(plan: Plan, source: Source) -> Around | None:
    """What a plan asks of an inner answer; None where that has to be read as a table."""
    table = source.relation
    if source.bounded or not isinstance(table, Table) or not plan.calls or plan.references:
        return None
    is_lone = is_lone_selector(plan)
    if plan.paging.slimit or plan.paging.soffset or (is_lone and plan.calls[0].name not in _LONE):
        return None
    wishes = [wish for call in plan.calls if (wish := wish_of(call, table)) is not None]
    of_numbers = [wish for wish in wishes if wish.column is None or wish.column.type in NUMERIC]
    if len(of_numbers) < len(plan.calls):
        return None
    try:
        condition, rest = split_tags(plan.condition, table)
        holds = None if rest is None else test_of(rest, table.fields)
    except NotComparable:
        return None
    nobody = Known(len(table.tags), ())
    if condition is not None and (_orders(condition) or choose_series(condition, table, nobody)[1] is not None):
        return None
    keys = list(table.tags)
    places = tuple(keys.index(key) if key in table.tags else None for key in plan.dimensions)
    fields = list(table.fields.values())
    asked = [(wish, fields.index(wish.column)) for wish in wishes if wish.column is not None]
    whole = tuple(asked) if condition is None and holds is None and len(asked) == len(wishes) else None
    return Around(table, tuple(wishes), places, condition, holds, is_lone, whole)


class _Cells:
    """The rows that are meant of an inner answer, each in a cell: of a group, or of a window and a group."""

    def __init__(self, table: Table, told: Told, kept: Mask | None, of_inner: Places, size: int) -> None:
        self._read, self._told, self._kept, self._size = _reader(table, told), told, kept, size
        self._cells = of_inner if told.of_row is None else of_inner[told.of_row]
        self._found: dict[str, tuple[Places, Array, Array]] = {}
        self._lines: dict[Line, Array] = {}

    def split(self, windows: Places, groups: int) -> None:
        """Make cells of windows and groups: those of the first window, group by group, then those of the second."""
        self._cells = windows * groups + self._cells

    def column(self, wish: Wish) -> Values:
        """What the call says of each cell, where it says anything."""
        if wish.column is None:
            return nothing(wish, self._size)
        return CALLS[wish.name](self, wish, wish.column)

    def times(self, wish: Wish) -> Array:
        """When the point stands that a selector picks, the first of those alike; of each cell that has one."""
        if wish.column is None:
            return np.zeros(self._size, np.int64)
        cells, values, times = self._rows(wish.column)
        if wish.name in ("first", "last"):
            return _at(times, self._ends(wish.column, latest=wish.name == "last"))
        same = np.flatnonzero(values == self.line(Kind(wish.name), wish.column)[cells])[::-1]
        found = np.full(self._size, -1)
        found[cells[same]] = same
        return _at(times, found)

    def line(self, kind: Kind, column: Column, percent: float = 0.0) -> Array:
        """One number for each cell; any number where a cell has no value."""
        line = Line(column.physical, kind, percent)
        found = self._lines.get(line)
        if found is None:
            found = self._lines[line] = self._line(line, column)
        return found

    def _line(self, line: Line, column: Column) -> Array:
        cells, values, _ = self._rows(column)
        tally = _TALLIES.get(line.kind)
        if tally is not None:
            return tally_rows(tally, cells, Values(values, None), self._size, kind_of(tally, column.type))
        if line.kind is Kind.DISTINCT:
            return count_distinct(cells, values, self._size)
        if line.kind in (Kind.FIRST, Kind.LAST):
            found = _at(values, self._ends(column, latest=line.kind is Kind.LAST))
            return found.astype(kind_of(Tally.MAX, column.type), copy=False)
        counts = np.bincount(cells, minlength=self._size)
        if not len(values):
            return np.zeros(self._size)
        ranked = RANKED[line.kind]
        return ranked(values[np.lexsort((values, cells))], np.cumsum(counts) - counts, counts, line.percent)

    def _ends(self, column: Column, *, latest: bool) -> Places:
        """The row of the first or last value of each cell, of the greatest of one time; -1 where it has none."""
        cells, values, times = self._rows(column)
        return Ends(cells, times, self._size, latest=latest).greatest(cells, values)

    def _rows(self, column: Column) -> tuple[Places, Array, Array]:
        """The cell, the value and the time of each row that is meant and has the field, in order of time."""
        found = self._found.get(column.physical)
        if found is None:
            values, present = self._read(column.physical)
            cells, times, kept = self._cells, self._told.times, self._kept
            if present is not None:
                kept = present if kept is None else present & kept
            if kept is not None:
                cells, values, times = cells[kept], values[kept], times[kept]
            if not np.logical_and.reduce(times[1:] >= times[:-1]):
                by_time = times.argsort(kind="stable")
                cells, values, times = cells[by_time], values[by_time], times[by_time]
            found = self._found[column.physical] = cells, values, times
        return found


def _reader(table: Table, told: Told) -> Callable[[str], Values]:
    """What reads a field of all rows by its physical name."""
    fields: Mapping[str, tuple[int, Column]] = {
        column.physical: (place, column) for place, column in enumerate(table.fields.values())
    }

    def read(physical: str) -> Values:
        place, column = fields[physical]
        return told.numbers(place, column.type)

    return read


def _regrouped(inner: Sequence[Group], places: Sequence[int | None], condition: Expr | None, table: Table) -> Regrouped:
    groups = [tuple(["" if place is None else group[place] for place in places]) for group in inner]
    keys = tuple(sorted(set(groups)))
    numbers = {key: number for number, key in enumerate(keys)}
    of_inner = np.array([numbers[group] for group in groups], np.intp)
    meant = choose_series(condition, table, Known(len(table.tags), tuple(inner)))[0]
    by_group = of_inner.argsort(kind="stable")
    return Regrouped(inner, keys, of_inner, by_group, of_inner[by_group].searchsorted(np.arange(len(keys))), meant)


def _orders(condition: Expr) -> bool:
    """Whether it compares which is the less, which no tag of an inner answer satisfies."""
    match condition:
        case Binary(op, left, right):
            return op in _ORDERED or _orders(left) or _orders(right)
        case Paren(inner):
            return _orders(inner)
        case _:
            return False


def _windows_of(times: Array, pane: Pane) -> Places:
    numbers: Places = (times - pane.shift) // pane.width
    return numbers


def _at(values: Array, rows: Places) -> Array:
    """What stands in some rows (-1: any number); where there are none, nothing."""
    return values[rows] if len(values) else np.zeros(len(rows), values.dtype)


def _shown(column: Values, places: Places) -> Sequence[Any]:
    values, present = column
    return number_column(values[places], None if present is None else present[places])


def _reshaped(column: Values, shape: tuple[int, int]) -> Values:
    values, present = column
    return Values(values.reshape(shape), None if present is None else present.reshape(shape))
