"""Which lines of a refused body are the bad ones: halve it and try the halves. Pure: the caller does the trying.

    search = Isolation(lines)
    while (piece := search.piece()) is not None:
        try it, then search.stored() or search.refused(reason)

Order is kept: a piece is tried only after everything before it was stored or given up, so lines of one series reach the
store in the order in which they came.
"""

from __future__ import annotations

from collections.abc import Sequence

from foundation.batch import Refused


class Isolation:
    """A search through `lines`, known to be refused as a whole. k bad lines of n take about 2 k log2(n) tries."""

    def __init__(self, lines: Sequence[bytes], reason: str) -> None:
        self._lines = lines
        self._open: list[tuple[int, int]] = [(0, len(lines))] if lines else []
        self.bad: list[Refused] = []
        self._halve(reason)

    def piece(self) -> Sequence[bytes] | None:
        """The lines to try next, None when all are settled."""
        if not self._open:
            return None
        first, behind = self._open[-1]
        return self._lines[first:behind]

    @property
    def last(self) -> bool:
        """Whether nothing is left behind the piece that is to be tried now."""
        return len(self._open) <= 1

    def stored(self) -> None:
        """The piece was taken."""
        self._open.pop()

    def refused(self, reason: str) -> None:
        """The piece was refused: its halves are next, or its single line is bad for that reason."""
        self._halve(reason)

    def _halve(self, reason: str) -> None:
        if not self._open:
            return
        first, behind = self._open.pop()
        if behind - first == 1:
            self.bad.append(Refused(self._lines[first], reason, first + 1))
            return
        middle = (first + behind) // 2
        self._open += [(middle, behind), (first, middle)]
