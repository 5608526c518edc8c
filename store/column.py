"""A column of numbers as numpy has them: an answer of many rows makes no object of Python for each of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, overload

import numpy as np
import numpy.typing as npt

from store.contract import Value

_FEW: Final = 8
"""So many are looked at one by one in the end, for which a list is the quicker."""


@dataclass(frozen=True, slots=True, eq=False)
class NumberColumn(Sequence[Value]):
    """`values` are of one dimension, floats or whole numbers of 64 bits; what is not `known` (None: all is) is null."""

    values: npt.NDArray[Any]
    known: npt.NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.values)

    @overload
    def __getitem__(self, index: int) -> Value: ...

    @overload
    def __getitem__(self, index: slice) -> NumberColumn: ...

    def __getitem__(self, index: int | slice) -> Value | NumberColumn:
        known = None if self.known is None else self.known[index]
        if isinstance(index, slice):
            return NumberColumn(self.values[index], known)
        value: Value = self.values[index].item()
        return value if known is None or known else None

    def __iter__(self) -> Iterator[Value]:
        values: list[Value] = self.values.tolist()
        if self.known is None:
            return iter(values)
        return iter([value if known else None for value, known in zip(values, self.known.tolist(), strict=True)])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash(len(self))

    @property
    def is_finite(self) -> bool:
        """Whether every number is one; of those that are not known it does not matter."""
        return self.values.dtype.kind != "f" or bool(np.isfinite(self.values).all())


def number_column(values: npt.NDArray[Any], known: npt.NDArray[np.bool_] | None) -> Sequence[Value]:
    """A column, which says nothing of what is known where all is; of few numbers simply their list."""
    column = NumberColumn(values, None if known is None or known.all() else known)
    return list(column) if len(values) <= _FEW else column
