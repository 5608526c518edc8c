"""Where the rows of a few series stand among all rows: whoever asks of these looks at no others.

Kept while rows come and go, as `order` is. All panels of a board about one endpoint or one device share it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from store.embedded.recent.rows import Mask

Positions = npt.NDArray[np.int32]
_GROWTH: Final = 4


class Chosen:
    """Positions of the rows of a tail whose series are meant, in order. Knows rows up to `upto`, exclusive."""

    def __init__(self) -> None:
        self.upto = 0
        self._room: Positions = np.zeros(0, np.int32)
        self._count = 0

    @property
    def size_bytes(self) -> int:
        """What it takes."""
        return self._room.nbytes

    def take(self, meant: Mask) -> None:
        """Put in the rows from `upto` on: of each whether it is meant."""
        (fresh,) = meant.nonzero()
        end = self._count + len(fresh)
        if end > len(self._room):
            room = np.empty(end + end // _GROWTH, np.int32)
            room[: self._count] = self._room[: self._count]
            self._room = room
        self._room[self._count : end] = fresh + self.upto
        self._count = end
        self.upto += len(meant)

    def drop_from(self, position: int) -> None:
        """Forget the rows from this position on."""
        if position < self.upto:
            self._count = int(self._positions.searchsorted(position))
            self.upto = position

    def shift(self, by: int) -> None:
        """All rows moved down by so many positions; those below are gone."""
        kept = self._positions[self._positions.searchsorted(by) :] - np.int32(by)
        self._room, self._count = kept, len(kept)
        self.upto = max(self.upto - by, 0)

    def between(self, first: int, last: int) -> Positions:
        """Those first <= position < last."""
        begin, end = self._positions.searchsorted((first, last))
        return self._positions[begin:end]

    @property
    def _positions(self) -> Positions:
        return self._room[: self._count]
