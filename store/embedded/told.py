"""What a subquery answers, as columns in memory: the query around it is answered from them, or reads them as a table.

A row has a group (the values of the tags that the subquery groups by), a time, and a value in each of its columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol

import numpy as np

from foundation.batch import FieldType
from influxql.plan import Plan
from store.column import NumberColumn
from store.embedded.choice import Group
from store.embedded.recent.rows import Array, Mask, Values
from store.embedded.schema import Column, Table

UNREAD: Final = "inner"
"""What the table of an answer is called that SQL has not been shown."""
_KINDS: Final[Mapping[FieldType | None, Any]] = {FieldType.FLOAT: np.float64, FieldType.UNSIGNED: np.uint64}


class Told(Protocol):
    """The rows of an answer. Each is of one of the `groups`."""

    @property
    def groups(self) -> Sequence[Group]:
        """Each once; there may be more than have rows."""

    @property
    def of_row(self) -> Array | None:
        """The number of each row's group; None where each has one row."""

    @property
    def times(self) -> Array:
        """When each row stands."""

    def numbers(self, place: int, kind: FieldType | None) -> Values:
        """A column of numbers of one kind; the first one is 0."""

    def columns(self) -> Sequence[Sequence[Any]]:
        """The time and then the columns of the answer, in the order of the plan that made them."""


@dataclass(frozen=True, slots=True)
class ToldRows:
    """Rows of which each group has one, as columns: the time first."""

    groups: Sequence[Group]
    listed: Sequence[Sequence[Any]]

    @property
    def of_row(self) -> None:
        """See Told."""

    @property
    def times(self) -> Array:
        """See Told."""
        return _numbers(self.listed[0], FieldType.INTEGER).values

    def numbers(self, place: int, kind: FieldType | None) -> Values:
        """See Told."""
        return _numbers(self.listed[place + 1], kind)

    def columns(self) -> Sequence[Sequence[Any]]:
        """See Told."""
        return self.listed


@dataclass
class ToldWindows:
    """Windows of time that begin at `starts`: `cells` has the columns, each a value[window, group].

    `is_there` says which of them are rows (None: all). In the order of the windows.
    """

    groups: Sequence[Group]
    starts: range
    is_there: Mask | None
    cells: Sequence[Values]

    @cached_property
    def windows(self) -> Array:
        """The number of each row's window."""
        size = len(self.groups)
        rows = size if self.is_there is None else np.add.reduce(self.is_there, axis=1)
        return np.arange(len(self.starts)).repeat(rows)

    @cached_property
    def of_row(self) -> Array:
        """See Told."""
        places = np.arange(len(self.windows)) if self._places is None else self._places
        of_row: Array = places - self.windows * len(self.groups)
        return of_row

    @property
    def times(self) -> Array:
        """See Told."""
        times: Array = self.starts.start + self.starts.step * self.windows
        return times

    def numbers(self, place: int, _kind: FieldType | None) -> Values:
        """See Told."""
        values, known = self.cells[place]
        if self._places is None:
            return Values(values.ravel(), None if known is None else known.ravel())
        is_known = known is None or known is self.is_there
        return Values(values.ravel()[self._places], None if known is None or is_known else known.ravel()[self._places])

    def known(self, place: int) -> Mask | None:
        """The cells of a column that are of a row and have a value; None: all."""
        known = self.cells[place].present
        if known is None or self.is_there is None or known is self.is_there:
            return self.is_there if known is None else known
        return known & self.is_there

    def columns(self) -> Sequence[Sequence[Any]]:
        """See Told."""
        found = (self.numbers(place, None) for place in range(len(self.cells)))
        return [NumberColumn(self.times), *(NumberColumn(*column) for column in found)]

    @cached_property
    def _places(self) -> Array | None:
        """Where the rows stand among all cells."""
        return None if self.is_there is None else self.is_there.ravel().nonzero()[0]


def _numbers(column: Sequence[Any], kind: FieldType | None) -> Values:
    if isinstance(column, NumberColumn):
        return Values(column.values, column.known)
    values = np.array([0 if value is None else value for value in column], _KINDS.get(kind, np.int64))
    return Values(values, np.array([value is not None for value in column]) if None in column else None)


def told_table(plan: Plan, name: str) -> Table:
    """The table that the answer of a plan is, without its rows: tags and typed fields. See `is_distinct`."""
    kinds = {key: kind for key, kind in zip(plan.columns[1:], plan.kinds, strict=True) if kind is not None}
    return Table(name, UNREAD, columns_of(plan.dimensions, kinds))


def columns_of(tags: Iterable[str], kinds: Mapping[str, FieldType]) -> tuple[Column, ...]:
    """The columns of such a table: tags first."""
    known = [Column(key, "tag", None, f"t{index}") for index, key in enumerate(tags)]
    return (*known, *(Column(key, "field", kind, f"f{index}") for index, (key, kind) in enumerate(kinds.items())))


def is_distinct(plan: Plan) -> bool:
    """Whether every column of an answer has a name of its own, and a type."""
    names = {*plan.columns[1:], *plan.dimensions}
    return len(names) == len(plan.columns) - 1 + len(plan.dimensions) and None not in plan.kinds
