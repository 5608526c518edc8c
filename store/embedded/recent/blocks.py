"""What whole blocks of rows come to, series by series: a long window is made of few of them and the rows at its ends.

Rules ask for the same minutes each second. Counting and adding all rows of five minutes again costs most of that; of
blocks that are worked out once, only the newest rows are left to look at. Blocks stand at places that do not move when
rows do (`Tail` counts rows from the first that it ever held), and each is of rows that no longer change: where rows are
taken back, so are their blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final

import numpy as np

from foundation.batch import FieldType
from store.embedded.recent.rows import Array, Values
from store.embedded.recent.series import Numbers

_LEAST_ROWS: Final = 4096
_ROWS_OF_A_SERIES: Final = 8
"""So many rows for each series, or a block would take more room than its rows."""
_NARROW: Final = 4
_FEW: Final = 2**21
"""So many values of four bytes add up to less than 2^53, so that a float holds the sum exactly."""


class Tally(StrEnum):
    """What of the values of a series is kept."""

    COUNT = "count"
    SUM = "sum"
    MIN = "min"
    MAX = "max"


def kind_of(tally: Tally, type_: FieldType | None) -> Any:
    """The type of numbers that a tally comes to. Whole numbers are added in 64 bits, which wrap as InfluxDB's do."""
    if tally is Tally.COUNT:
        return np.int32
    if type_ is FieldType.FLOAT:
        return np.float64
    return np.uint64 if type_ is FieldType.UNSIGNED else np.int64


def nothing_of(tally: Tally, kind: Any) -> Any:
    """What no value comes to: adding it, or looking for something greater or less, changes nothing."""
    if tally in (Tally.COUNT, Tally.SUM):
        return 0
    if kind is np.float64:
        return np.inf if tally is Tally.MIN else -np.inf
    return np.iinfo(kind).max if tally is Tally.MIN else np.iinfo(kind).min


def put_together(tally: Tally, into: Array, places: Array, values: Array) -> None:
    """Put each of `values` to what stands at its place."""
    _PUT[tally](into, places, values)


def tally_rows(tally: Tally, series: Numbers | Array, found: Values, size: int, kind: Any) -> Array:
    """What values come to, for each of `size` series (or groups) by their numbers."""
    values = found.values
    if found.present is not None:
        series, values = series[found.present], values[found.present]
    if tally is Tally.COUNT:
        return np.bincount(series, minlength=size).astype(kind)
    if tally is Tally.SUM and (kind is np.float64 or (values.dtype.itemsize <= _NARROW and len(values) < _FEW)):
        return np.bincount(series, weights=values, minlength=size).astype(kind, copy=False)
    into = np.full(size, nothing_of(tally, kind), kind)
    put_together(tally, into, series, values.astype(kind, copy=False))
    return into


_PUT: Final[dict[Tally, Callable[[Array, Array, Array], None]]] = {
    Tally.COUNT: np.add.at,
    Tally.SUM: np.add.at,
    Tally.MIN: np.minimum.at,
    Tally.MAX: np.maximum.at,
}
_REDUCED: Final[dict[Tally, Callable[..., Array]]] = {
    Tally.COUNT: np.add.reduce,
    Tally.SUM: np.add.reduce,
    Tally.MIN: np.minimum.reduce,
    Tally.MAX: np.maximum.reduce,
}


class Blocks:
    """One tally of one field: a line for each block from `first` on, a column for each series."""

    def __init__(self, tally: Tally, kind: Any) -> None:
        self._tally = tally
        self._kind = kind
        self._first = 0
        self._lines: Array = np.zeros((0, 0), kind)

    @property
    def size_bytes(self) -> int:
        """What it takes."""
        return self._lines.nbytes

    def over(self, first: int, last: int, size: int, read: Callable[[int], Array]) -> Array:
        """The tally of the blocks first <= block < last for each of `size` series; `read` works out a block."""
        if not len(self._lines):
            self._first = first
        front = [read(block) for block in range(first, self._first)]
        behind = [read(block) for block in range(self._first + len(self._lines), last)]
        if front or behind or size > self._lines.shape[1]:
            self._lines = np.vstack([*front, self._widened(size), *behind])
            self._first = min(first, self._first)
        reduced: Array = _REDUCED[self._tally](self._lines[first - self._first : last - self._first], axis=0)
        return reduced

    def forget_before(self, block: int) -> None:
        """Rows of older blocks are gone."""
        if block > self._first:
            self._lines = self._lines[block - self._first :]
            self._first = block

    def forget_from(self, block: int) -> None:
        """Rows of this block and of later ones are to be read again."""
        self._lines = self._lines[: max(block - self._first, 0)]

    def _widened(self, size: int) -> Array:
        """The lines with a column for each series: those that are new have nothing there."""
        missing = size - self._lines.shape[1]
        nothing = nothing_of(self._tally, self._kind)
        return np.pad(self._lines, ((0, 0), (0, missing)), constant_values=nothing) if missing > 0 else self._lines


class Tallies:
    """The blocks of one table. `rows`: how many make a block."""

    def __init__(self) -> None:
        self.rows = _LEAST_ROWS
        self._blocks: dict[tuple[str | None, Tally], Blocks] = {}

    @property
    def size_bytes(self) -> int:
        """What all of them take."""
        return sum(blocks.size_bytes for blocks in self._blocks.values())

    def fit(self, series: int) -> None:
        """There are so many series: where that are far more than before, larger blocks are begun."""
        rows = max(_LEAST_ROWS, 1 << (_ROWS_OF_A_SERIES * series - 1).bit_length())
        if rows > 2 * self.rows:
            self.rows = rows
            self._blocks.clear()

    def of(self, name: str | None, tally: Tally, kind: Any) -> Blocks:
        """The blocks of a field; without a name, of the rows themselves."""
        key = name, tally
        found = self._blocks.get(key)
        if found is None:
            found = self._blocks[key] = Blocks(tally, kind)
        return found

    def forget_before(self, row: int) -> None:
        """Older rows are gone."""
        for blocks in self._blocks.values():
            blocks.forget_before(-(-row // self.rows))

    def forget_from(self, row: int) -> None:
        """This row and later ones are to be read again."""
        for blocks in self._blocks.values():
            blocks.forget_from(row // self.rows)
