"""Rows by (group, value, position): the value at any rank is then a look at one place.

Kept in order while rows come and go: those of a refresh, a few hundred, are put between the hundred thousand others.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from store.embedded.recent.rows import Array, Mask
from store.embedded.recent.stable import stable_order

Positions = npt.NDArray[np.int32]
Numbers = npt.NDArray[np.intp]
_FEW: Final = 32_768
"""Rows that are looked at one by one sooner than in words."""
_ANEW: Final = 8
"""More rows than an eighth of those there are: it is quicker to sort all again."""


class Order:
    """Positions of the rows of a tail that have a value and a group, sorted. Knows rows up to `upto`, exclusive."""

    def __init__(self) -> None:
        self.upto = 0
        self._sorted: Positions = np.zeros(0, np.int32)
        self._starts: Numbers = np.zeros(1, np.intp)
        """where each group begins (group 1 first), and where the last one ends"""

    @property
    def size_bytes(self) -> int:
        """What it takes."""
        return self._sorted.nbytes

    def take(self, values: Array, groups: Numbers, present: Mask | None, size: int) -> None:
        """Put in the rows from `upto` on. `values` are those of all positions, `groups` and `present` of the new ones.

        `size`: how many groups there are, with the unwanted one.
        """
        if size > len(self._starts):
            self._starts = np.pad(self._starts, (0, size - len(self._starts)), mode="edge")
        wanted = groups > 0 if present is None else (groups > 0) & present
        places = np.flatnonzero(wanted)
        fresh, groups = places + self.upto, groups[places]
        self.upto += len(wanted)
        by_value = stable_order(values[fresh])
        by_group = by_value[stable_order(groups[by_value])]
        fresh, groups = fresh[by_group].astype(np.int32), groups[by_group]
        into = self._places(values, values[fresh], groups) if len(self._sorted) else 0
        self._sorted = np.insert(self._sorted, into, fresh).astype(np.int32, copy=False)
        self._starts[1:] += np.cumsum(np.bincount(groups, minlength=size)[1:size])

    def is_far_behind(self, end: int) -> bool:
        """Whether so many rows are to be put in that it had better begin again."""
        return bool(len(self._sorted)) and end - self.upto > len(self._sorted) // _ANEW

    def drop_from(self, position: int) -> None:
        """Forget the rows from this position on."""
        if position < self.upto:
            self._keep(np.flatnonzero(self._sorted < position))
            self.upto = position

    def shift(self, by: int) -> None:
        """All rows moved down by so many positions; those below are gone."""
        self._keep(np.flatnonzero(self._sorted >= by))
        self._sorted -= np.int32(by)
        self.upto = max(self.upto - by, 0)

    def picked(self, first: int, last: int, ranks: Numbers) -> Numbers:
        """In each group, the row at a rank from 1 among those at positions first <= position < last.

        Where there is no such rank, some row.
        """
        holds = (self._sorted >= first) & (self._sorted < last)
        inside = _Places(holds) if len(holds) <= _FEW else _Bits(holds)
        if not inside.count:
            return np.zeros(len(ranks), np.intp)
        wanted = inside.before(self._starts[:-1]) + ranks - 1
        wanted = np.minimum(np.maximum(wanted, 0), inside.count - 1)
        return self._sorted[inside.places(wanted)].astype(np.intp)

    def _keep(self, places: Any) -> None:
        self._starts = np.searchsorted(places, self._starts)
        self._sorted = self._sorted[places]

    def _places(self, values: Array, fresh: Array, groups: Numbers) -> Numbers:
        """Where each of the fresh values belongs: behind all that are not greater in its group. By halving."""
        low, high = self._starts[groups - 1], self._starts[groups]
        while True:
            is_open = low < high
            if not is_open.any():
                return low
            middle = (low + high) >> 1
            known = values[self._sorted[np.minimum(middle, len(self._sorted) - 1)]]
            behind = is_open & (known <= fresh)
            low = np.where(behind, middle + 1, low)
            high = np.where(is_open & ~behind, middle, high)


class _Places:
    """Which of some thousand hold."""

    def __init__(self, holds: Mask) -> None:
        (self._places,) = holds.nonzero()
        self.count = len(self._places)

    def before(self, places: Numbers) -> Numbers:
        """How many hold before each place."""
        return self._places.searchsorted(places)

    def places(self, numbers: Numbers) -> Numbers:
        """Where the one of each number stands, among those that hold, counted from 0."""
        return self._places[numbers]


class _Bits:
    """Which of very many hold, in words of 64: finding the thousandth that does takes a look at few of them."""

    def __init__(self, holds: Mask) -> None:
        packed = np.packbits(holds, bitorder="little")
        self._words = np.zeros(len(packed) // 8 + 1, "<u8")
        self._words.view(np.uint8)[: len(packed)] = packed
        self._upto = np.cumsum(np.bitwise_count(self._words), dtype=np.intp)

    @property
    def count(self) -> int:
        """How many hold."""
        return int(self._upto[-1])

    def before(self, places: Numbers) -> Numbers:
        """How many hold before each place."""
        word, bit = places >> 6, (places & 63).astype(np.uint64)
        below = self._words[word] & ((np.uint64(1) << bit) - np.uint64(1))
        found: Numbers = self._before_word(word) + np.bitwise_count(below)
        return found

    def places(self, numbers: Numbers) -> Numbers:
        """Where the one of each number stands, among those that hold, counted from 0."""
        word = np.searchsorted(self._upto, numbers, side="right")
        skipped = numbers - self._before_word(word)
        bits = (self._words[word][:, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
        found = np.cumsum(bits, axis=1) > skipped[:, None].astype(np.uint64)
        places: Numbers = (word << 6) + found.argmax(axis=1)
        return places

    def _before_word(self, word: Numbers) -> Numbers:
        return np.where(word > 0, self._upto[word - 1], 0)
