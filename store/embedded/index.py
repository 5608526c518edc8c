"""Which series each table holds, in memory: what conditions on tags and SHOW are answered from.

The writer notes what it is about to commit and forgets what may have gone; readers look, in any thread. A table's
series are read from the file once, by the first who asks, and again behind a deletion. The invariant: what is known of
a table holds every series that is committed; it may for a moment hold more.
"""

# ruff: noqa: S608 - the SQL holds our own physical names

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import re2

from store.embedded.numbering import Part, Tags, trimmed
from store.embedded.schema import SERIES, TIME

if TYPE_CHECKING:
    from store.embedded.schema import Table

Fetch = Callable[[str], list[tuple[Any, ...]]]
Codes = npt.NDArray[np.int32]

_MOST_PATTERNS: Final = 64
_NEVER: Final = -(2**63)

MOST_SERIES: Final = 100_000
"""Of one table (about 300 bytes each); when there are more, its queries do without."""

_FEW_SERIES: Final = 1_000
"""Of one table: what is asked of so few takes no time."""


@dataclass(frozen=True, slots=True)
class Values:
    """The values of one tag (None: a point has no such tag), and what was found among them."""

    all: frozenset[str | None]
    _found: dict[str, frozenset[str | None]] = field(default_factory=dict)

    def matching(self, pattern: str) -> frozenset[str | None]:
        """Those that a regex matches; None is matched as ''. Boards ask with the same few, over and over."""
        found = self._found.get(pattern)
        if found is None:
            if len(self._found) >= _MOST_PATTERNS:
                self._found.clear()
            search = re2.compile(pattern).search
            found = self._found[pattern] = frozenset(value for value in self.all if search(value or "") is not None)
        return found


@dataclass(frozen=True)
class Known:
    """All series of a table as of one moment. What can be told from them is made when first asked for.

    `numbers` are those by which the file's points name them, in the same order; none where the rows are not the file's,
    and where the reader's table has fewer tags than the newest, so that several numbers are one series to it.
    """

    width: int
    series: tuple[Tags, ...]
    numbers: tuple[int, ...] = field(default=(), compare=False)

    @property
    def is_at_hand(self) -> bool:
        """Whether they are few, and all that conditions ask of them has been made."""
        return len(self.series) <= _FEW_SERIES and "codes" in vars(self) and "values" in vars(self)

    def make_ready(self) -> None:
        """Make what conditions ask of few series."""
        if len(self.series) <= _FEW_SERIES:
            _ = self.codes, self.values

    @cached_property
    def columns(self) -> tuple[tuple[str | None, ...], ...]:
        """The series by tag: for each tag one value (None: it has no such tag) of every series."""
        padded = (key + (None,) * (self.width - len(key)) for key in self.series)
        return tuple(zip(*padded, strict=True)) if self.series else ((),) * self.width

    @cached_property
    def values(self) -> tuple[Values, ...]:
        """The different values of each tag."""
        return tuple(Values(frozenset(column)) for column in self.columns)

    @cached_property
    def codes(self) -> tuple[tuple[Mapping[str | None, int], Codes], ...]:
        """For each tag its different values, each with a number, and of every series the number of its value."""
        made = []
        for column in self.columns:
            places: dict[str | None, int] = {}
            coded = [places.setdefault(value, len(places)) for value in column]
            made.append((places, np.array(coded, np.int32)))
        return tuple(made)

    def groups(self, dimensions: tuple[int | None, ...]) -> Mapping[int, tuple[str, ...]] | None:
        """By its number, the group of each series under the tags at these places (None: there is no such tag).

        None where two series are in one group.
        """
        if dimensions not in self._groups:
            nothing: tuple[None, ...] = (None,) * len(self.series)
            columns = [nothing if place is None else self.columns[place] for place in dimensions]
            keys = [tuple(value or "" for value in key) for key in zip(*columns, strict=True)]
            apart = len(set(keys)) == len(self.numbers)
            self._groups[dimensions] = dict(zip(self.numbers, keys, strict=True)) if apart else None
        return self._groups[dimensions]

    @cached_property
    def _groups(self) -> dict[tuple[int | None, ...], Mapping[int, tuple[str, ...]] | None]:
        return {}

    @cached_property
    def arrow(self) -> Any:
        """A row for each series, by the physical names `t1`, `t2` and so on in order."""
        names = [f"t{index + 1}" for index in range(self.width)]
        made = {name: pa.array(column, pa.string()) for name, column in zip(names, self.columns, strict=True)}
        return pa.table({"number": pa.array(range(len(self.series)), pa.int64()), **made})


@dataclass(slots=True)
class _Series:
    """What is noted of one table: series -> the newest time of any of its points, and its number, in one order."""

    newest: dict[Tags, int] = field(default_factory=dict)
    numbers: dict[Tags, int | None] = field(default_factory=dict)
    complete: bool = False
    too_many: bool = False
    epoch: int = 0
    version: int = 0
    known: Known | None = None


class SeriesIndex:
    """The series of all tables. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tables: dict[str, _Series] = {}

    def note(self, table: Table, parts: Iterable[Part], numbered: Iterable[Any]) -> None:
        """Rows that are about to be committed, and the same with the numbers of their series. Writer's thread."""
        found = [one for part, rows in zip(parts, numbered, strict=True) for one in _newest_of(part, rows)]
        with self._lock:
            entry = self._entry(table.relation)
            if _take(entry, found):
                entry.version += 1

    def forget(self, relations: Iterable[str]) -> None:
        """Tables that lost points, behind the commit: their series are read again when somebody asks."""
        with self._lock:
            for relation in relations:
                entry = self._entry(relation)
                self._tables[relation] = _Series(epoch=entry.epoch + 1, version=entry.version)

    def forget_all(self) -> None:
        """Nobody knows what was committed."""
        self.forget(tuple(self._tables))

    def expire(self, relation: str, first_ns: int) -> None:
        """Behind the commit by which the last points before `first_ns` went: series without newer ones are gone."""
        with self._lock:
            entry = self._entry(relation)
            kept = {key: newest for key, newest in entry.newest.items() if newest >= first_ns}
            if len(kept) < len(entry.newest):
                numbers = {key: entry.numbers[key] for key in kept}
                self._tables[relation] = _Series(
                    kept, numbers, entry.complete, entry.too_many, entry.epoch + 1, entry.version
                )

    def count(self, relation: str) -> int | None:
        """How many series have points; None where nobody has looked them up, or where they are too many."""
        with self._lock:
            entry = self._entry(relation)
            return len(entry.newest) if entry.complete and not entry.too_many else None

    def newest(self, relation: str) -> Mapping[Tags, int]:
        """The newest time of each series of a table that was looked up; empty where they are too many."""
        with self._lock:
            return dict(self._entry(relation).newest)

    def version(self, relation: str) -> int:
        """Another number when series have come or gone: what was answered in between may be of neither state."""
        with self._lock:
            entry = self._entry(relation)
            return entry.epoch + entry.version

    def look(self, table: Table, fetch: Fetch) -> Known | None:
        """All series of the table, read by `fetch` where nobody has; None where they are too many."""
        width = len(table.tags)
        with self._lock:
            entry = self._entry(table.relation)
            if entry.too_many or entry.complete:
                return _known(entry, width)
            epoch = entry.epoch
        rows = fetch(f"{_newest_sql(table)} LIMIT {MOST_SERIES + 1}")
        with self._lock:
            entry = self._entry(table.relation)
            if entry.epoch != epoch:
                return None
            # They were there before: nothing has changed for who reads points meanwhile.
            _ = _take(entry, ((trimmed(row[1:-1]), row[-1], row[0]) for row in rows))
            entry.complete = True
            return _known(entry, width)

    def look_at_once(self, table: Table) -> Known | None:
        """All series of the table, if they are at hand and nobody else looks or writes; waits for nobody."""
        if not self._lock.acquire(blocking=False):
            return None
        try:
            entry = self._entry(table.relation)
            known = entry.known if entry.complete else None
        finally:
            self._lock.release()
        return known if known is not None and known.width == len(table.tags) and known.is_at_hand else None

    def _entry(self, relation: str) -> _Series:
        return self._tables.setdefault(relation, _Series())


def _newest_sql(table: Table) -> str:
    """The number (NULL where there is none) and tags of each series with points, and the newest of their times."""
    tags = [column.physical for column in table.tags.values()]
    if table.number is None:
        by = f"GROUP BY {', '.join(tags)}" if tags else "HAVING count(*) > 0"
        return f"SELECT {', '.join(['NULL', *tags, f'max({TIME})'])} FROM {table.points} {by}"
    newest = f"SELECT {SERIES}, max({TIME}) AS newest FROM {table.points} GROUP BY {SERIES}"
    return f"SELECT {', '.join([SERIES, *tags, 'newest'])} FROM ({newest}) JOIN {table.keys} USING ({SERIES})"


def _take(entry: _Series, found: Iterable[tuple[Tags, int, int | None]]) -> bool:
    """Whether there was any series among them that was not known."""
    if entry.too_many:
        return False
    newest, numbers, is_changed = entry.newest, entry.numbers, False
    for key, time_ns, number in found:
        if newest.get(key, time_ns) <= time_ns:
            newest[key] = time_ns
        if key not in numbers or numbers[key] != number:
            numbers[key] = number
            is_changed = True
    if len(newest) > MOST_SERIES:
        newest.clear()
        numbers.clear()
        entry.too_many = True
    if is_changed:
        entry.known = None
    return is_changed


def _known(entry: _Series, width: int) -> Known | None:
    """As wide as the reader's table, which may have fewer tags than the newest, or more."""
    if entry.too_many:
        return None
    if entry.known is None or entry.known.width != width:
        series = tuple(dict.fromkeys(key[:width] for key in entry.newest))
        numbers = tuple(number for number in entry.numbers.values() if number is not None)
        if len(numbers) != len(series):
            numbers = ()
        entry.known = Known(width, series, numbers)
        entry.known.make_ready()
    return entry.known


def _newest_of(part: Part, numbered: Any) -> Iterable[tuple[Tags, int, int]]:
    """The newest time of each of the part's series, and its number, but for those whose rows were all left out."""
    codes = part.rows.column(SERIES).to_numpy()
    newest = np.full(len(part.series), _NEVER, np.int64)
    np.maximum.at(newest, codes, part.rows.column(TIME).to_numpy())
    numbers = np.zeros(len(part.series), np.int32)
    numbers[codes] = numbered.column(SERIES).to_numpy()
    found = zip(part.series, newest.tolist(), numbers.tolist(), strict=True)
    return (one for one in found if one[1] != _NEVER)
