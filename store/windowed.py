"""Series that have the same times, as whole columns: what windows of time mostly come to, group by group.

Made by `embedded.columns`, and written by `render` without a look at each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy.typing as npt

from store.column import number_column
from store.contract import OneRowSeries, Rows, Series

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class WindowedSeries(Sequence[Series]):
    """Series of one measurement with a row for each of `times`; at least one of each.

    For who reads many: a Series is made only where one is looked at. `groups` are the values of the tags `dimensions`
    of each series; `values` are numbers[series, row] for each of `columns` but the first, which is the time, and which
    of them are known (None: all are).
    """

    name: str
    columns: tuple[str, ...]
    dimensions: tuple[str, ...]
    groups: Sequence[tuple[str, ...]]
    times: Sequence[int]
    values: Sequence[tuple[Array, Array | None]]

    def __len__(self) -> int:
        return len(self.groups)

    @overload
    def __getitem__(self, index: int) -> Series: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Series]: ...

    def __getitem__(self, index: int | slice) -> Series | Sequence[Series]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        tags = dict(zip(self.dimensions, self.groups[index], strict=True))
        found = [number_column(values[index], None if known is None else known[index]) for values, known in self.values]
        return Series(self.name, self.columns, Rows([self.times, *found]), tags)

    def __iter__(self) -> Iterator[Series]:
        return map(self.__getitem__, range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash((self.name, self.columns, self.dimensions))


def count_values(found: Sequence[Series]) -> int:
    """How many values series hold, without making those that are kept as columns."""
    if type(found) is OneRowSeries:
        return len(found.groups) * len(found.columns)
    if type(found) is WindowedSeries:
        return len(found.groups) * len(found.times) * len(found.columns)
    return sum([len(series.values) * len(series.columns) for series in found])
