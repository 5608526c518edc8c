"""The newest rows of one table, column by column in order of time, complete from `first_ns` on.

It changes in three ways: it is cut off at its old end, taken back to a moment, and rows from there on are put behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from store.embedded.recent.blocks import Tallies, Tally, tally_rows
from store.embedded.recent.chosen import Chosen
from store.embedded.recent.order import Order
from store.embedded.recent.panes import Panes
from store.embedded.recent.question import GroupBy, Meant, Question, Some
from store.embedded.recent.room import texts_among
from store.embedded.recent.rows import Array, Rows, Values, narrowest
from store.embedded.recent.series import Grouping, SeriesNumbers
from store.embedded.recent.texts import Texts
from store.embedded.schema import Column, Table

_ROOM: Final = 8
"""An eighth more room than rows, so that most refreshes move nothing."""
_FEW_ROWS: Final = 4_096
_MORE: Final = 4
"""What stands at an end is looked for in so few rows first, then in so many times more."""
_MOST_GROUPINGS: Final = 64
"""How many ways to group are remembered; when there are more, all are made again."""


@dataclass(slots=True)
class _Column:
    values: Array
    present: Array | None = None

    @property
    def size_bytes(self) -> int:
        return self.values.nbytes + (0 if self.present is None else self.present.nbytes)


@dataclass(slots=True)
class Tail:
    """Rows stand at positions start <= position < end of every column. Used by one thread at a time."""

    tags: tuple[Column, ...]
    fields: tuple[Column, ...]
    first_ns: int
    index: SeriesNumbers = field(default_factory=SeriesNumbers)
    start: int = 0
    end: int = 0
    has_grown: bool = False
    """whether anything that is worked out came since its size was last told; whoever tells it says so"""
    texts: dict[str, Texts] = field(init=False)
    """of the fields of text, by physical name"""
    _times: Array = field(init=False)
    _series: Array = field(init=False)
    _columns: dict[str, _Column] = field(init=False)
    _groupings: dict[GroupBy, Grouping] = field(default_factory=dict)
    _orders: dict[tuple[str, GroupBy], Order] = field(default_factory=dict)
    _chosen: dict[Some | None, Chosen] = field(default_factory=dict)
    _panes: dict[Meant, Panes] = field(default_factory=dict)
    _tallies: Tallies = field(default_factory=Tallies)
    _gone: int = 0
    """how many rows stood before the first position, in all the time"""

    def __post_init__(self) -> None:
        self.texts = {column.physical: Texts() for column in texts_among(self.fields)}
        self._times, self._series = np.zeros(0, np.int64), np.zeros(0, np.int16)
        self._columns = {
            column.physical: _Column(np.zeros(0, narrowest(column.type)))
            for column in self.fields
            if column.type is not None
        }

    @property
    def size_bytes(self) -> int:
        """What all of it takes, but for the tags' texts."""
        columns = sum(column.size_bytes for column in self._columns.values())
        columns += sum(texts.size_bytes for texts in self.texts.values())
        worked_out = self._tallies.size_bytes
        worked_out += sum(one.size_bytes for one in self._chosen.values())
        worked_out += sum(one.size_bytes for kept in (self._orders, self._panes) for one in kept.values())
        return self._times.nbytes + self._series.nbytes + columns + worked_out

    @property
    def _by_position(self) -> tuple[Order | Chosen, ...]:
        """What knows rows by where they stand."""
        return (*self._orders.values(), *self._chosen.values())

    @property
    def rows(self) -> int:
        """How many there are."""
        return self.end - self.start

    @property
    def newest_ns(self) -> int:
        """The time of the last row; of none, when they would begin."""
        return int(self._times[self.end - 1]) if self.rows else self.first_ns

    def answers(self, question: Question) -> bool:
        """Whether it has the time and the fields asked for, and the table no tag that it does not know."""
        return self.covers(question.table, question.lower, question.form.fields)

    def covers(self, table: Table, first_ns: int, fields: frozenset[str]) -> bool:
        """The same of all rows from a moment on, with these fields (physical names)."""
        return self.first_ns <= first_ns and len(table.tags) == len(self.tags) and fields <= self._columns.keys()

    def cut(self, first_ns: int) -> None:
        """Forget the rows before a moment; `first_ns` never goes back."""
        self.first_ns = max(self.first_ns, first_ns)
        self.start = self._at(self.first_ns)
        self._tallies.forget_before(self._gone + self.start)
        for panes in self._panes.values():
            panes.forget_before(self.first_ns)

    def take_back(self, moment_ns: int) -> None:
        """Forget the rows from a moment on."""
        self.end = self._at(moment_ns)
        self._tallies.forget_from(self._gone + self.end)
        for one in self._by_position:
            one.drop_from(self.end)
        for panes in self._panes.values():
            panes.forget_from(moment_ns)

    def append(self, rows: Rows) -> None:
        """Put rows behind; none of them is older than the last row. A field that they are without is left out."""
        count = len(rows.times)
        self.leave_out(self._columns.keys() - rows.fields.keys())
        if not len(self._times):
            self._adopt(rows)
            return
        has_moved = self._make_room(count)
        at = slice(self.end, self.end + count)
        self._times[at], self._series[at] = rows.times, rows.series
        for name, column in self._columns.items():
            _fill(column, at, rows.fields[name])
        self.end += count
        if has_moved:
            self._forget_texts()
        self._tallies.fit(len(self.index.known))

    def leave_out(self, fields: AbstractSet[str]) -> None:
        """Keep nothing of these fields (physical names) any more."""
        if fields:
            self.fields = tuple(column for column in self.fields if column.physical not in fields)
            for name in fields:
                del self._columns[name]
                _ = self.texts.pop(name, None)

    def _adopt(self, rows: Rows) -> None:
        """The first rows of all are kept as they were read: a copy would take as much again."""
        self._times, self._series = rows.times, rows.series
        self._columns = {name: _Column(one.values, one.present) for name, one in rows.fields.items()}
        self.end = len(rows.times)
        self._tallies.fit(len(self.index.known))

    def span(self, lower: int, upper: int | None) -> tuple[int, int]:
        """The positions of the rows with lower <= time <= upper: from the first to behind the last."""
        first = self._at(lower)
        return first, self.end if upper is None else max(first, self._at(upper + 1))

    def ends(self, first: int, last: int, *, latest: bool) -> Iterator[slice]:
        """Ever more of the rows first <= position < last from one end, all of a time or none; in the end all."""
        rows = _FEW_ROWS
        while rows < last - first:
            edge = last - rows if latest else first + rows
            time = int(self._times[edge])
            start, stop = self.span(time, time)
            yield slice(max(first, start), last) if latest else slice(first, min(last, stop))
            rows *= _MORE
        yield slice(first, last)

    def ends_of(self, positions: Array, *, latest: bool) -> Iterator[Array]:
        """The same of rows at some positions, in order."""
        rows = _FEW_ROWS
        while rows < len(positions):
            time = int(self._times[positions[-rows if latest else rows]])
            edge = positions.searchsorted(self.span(time, time)[0 if latest else 1])
            yield positions[edge:] if latest else positions[:edge]
            rows *= _MORE
        yield positions

    def edges(self, moments: Array | Sequence[int]) -> Array:
        """The position of the first row that is not older, for each of these moments."""
        found: Array = self.start + self._times[self.start : self.end].searchsorted(moments)
        return found

    def times(self, at: slice | Array) -> Array:
        """The times of rows."""
        return self._times[at]

    def series(self, at: slice | Array) -> Array:
        """The series of rows."""
        return self._series[at]

    def values(self, name: str, at: slice | Array) -> Values:
        """A field of rows."""
        column = self._columns[name]
        return Values(column.values[at], None if column.present is None else column.present[at])

    def listed(self, name: str, at: slice | Array) -> list[Any]:
        """A field of rows as it is answered: a text as such, None where there is no value."""
        values, present = self.values(name, at)
        texts = self.texts.get(name)
        if texts is not None:
            return texts.of(values, present)
        listed: list[Any] = values.tolist()
        if present is None:
            return listed
        return [one if is_there else None for one, is_there in zip(listed, present.tolist(), strict=True)]

    def has_everywhere(self, name: str) -> bool:
        """Whether every row has a field."""
        return self._columns[name].present is None

    def blocks_between(self, first: int, last: int) -> tuple[int, int]:
        """The blocks that lie wholly among the rows first <= position < last: from the first to behind the last."""
        rows = self._tallies.rows
        return -(-(self._gone + first) // rows), (self._gone + last) // rows

    def rows_of(self, block: int) -> slice:
        """The positions of the rows of a block."""
        rows = self._tallies.rows
        return slice(block * rows - self._gone, (block + 1) * rows - self._gone)

    def tally(self, name: str | None, tally: Tally, kind: Any, blocks: tuple[int, int]) -> Array:
        """What the rows of some blocks come to, for each series; without a field's name, the rows themselves."""
        size = len(self.index.known)

        def read(block: int) -> Array:
            self.has_grown = True
            at = self.rows_of(block)
            values = Values(self.series(at), None) if name is None else self.values(name, at)
            return tally_rows(tally, self.series(at), values, size, kind)

        return self._tallies.of(name, tally, kind).over(*blocks, size, read)

    def grouping(self, by: GroupBy) -> Grouping:
        """The groups of a question; new ones know no series yet."""
        found = self._groupings.get(by)
        if found is None:
            if len(self._groupings) >= _MOST_GROUPINGS:
                self._groupings.clear()
                self._orders.clear()
                self._chosen.clear()
                self._panes.clear()
            places = {column.name: place for place, column in enumerate(self.tags)}
            found = self._groupings[by] = Grouping(tuple(places.get(name) for name in by.dimensions))
        return found

    def panes(self, meant: Meant) -> Panes:
        """What the windows of a question's groups come to, as far as it is known."""
        found = self._panes.get(meant)
        if found is None:
            if len(self._panes) >= _MOST_GROUPINGS:
                self._panes.clear()
            found = self._panes[meant] = Panes()
        return found

    def forget_windows(self) -> None:
        """What windows come to is worked out again where somebody asks for it."""
        self._panes.clear()

    def order(self, name: str, by: GroupBy) -> Order:
        """The rows in order of a field within the groups, up to the last row."""
        key = name, by
        order = self._orders.get(key)
        if order is None or order.is_far_behind(self.end):
            order = self._orders[key] = Order()
        if order.upto < self.end:
            self.has_grown = True
            grouping, fresh = self._groupings[by], slice(order.upto, self.end)
            present = self.values(name, fresh).present
            values = self._columns[name].values
            order.take(values, grouping.of_series[self._series[fresh]], present, grouping.size)
        return order

    def chosen(self, by: GroupBy, first: int, last: int) -> Array:
        """The positions first <= position < last at which rows stand that a question means."""
        found = self._chosen.get(by.series)
        if found is None:
            found = self._chosen[by.series] = Chosen()
        if found.upto < self.end:
            self.has_grown = True
            found.take(self._groupings[by].meant[self._series[found.upto : self.end]])
        return found.between(first, last)

    def _at(self, moment_ns: int) -> int:
        return self.start + int(self._times[self.start : self.end].searchsorted(moment_ns))

    def _make_room(self, count: int) -> bool:
        """For so many rows more; whether those that are there moved."""
        live, room = self.end - self.start, len(self._times)
        if self.end + count <= room:
            return False
        if not room - room // 6 <= live + count <= room - room // (2 * _ROOM):
            room = live + count + (live + count) // _ROOM
        self._times, self._series = self._moved(self._times, room), self._moved(self._series, room)
        for column in self._columns.values():
            column.values = self._moved(column.values, room)
            if column.present is not None:
                column.present = self._moved(column.present, room)
        for one in self._by_position:
            one.shift(self.start)
        self._gone += self.start
        self.start, self.end = 0, live
        return True

    def _forget_texts(self) -> None:
        """Those of rows that went; the numbers of the others change."""
        for name, texts in self.texts.items():
            live = self._columns[name].values[self.start : self.end]
            live[:] = texts.forget_unused(live)

    def _moved(self, values: Array, room: int) -> Array:
        """The live rows at the beginning of an array with so much room, the same one if it has."""
        target = values if len(values) == room else np.empty(room, values.dtype)
        target[: self.end - self.start] = values[self.start : self.end]
        return target


def _fill(column: _Column, at: slice, fresh: Values) -> None:
    """Write fresh values into a column, which becomes as wide as they are."""
    if fresh.values.dtype.itemsize > column.values.dtype.itemsize:
        column.values = column.values.astype(fresh.values.dtype)
    column.values[at] = fresh.values
    if fresh.present is not None and column.present is None:
        column.present = np.ones(len(column.values), np.bool_)
    if column.present is not None:
        column.present[at] = True if fresh.present is None else fresh.present
