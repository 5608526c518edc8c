"""Rejections as they come: all are counted, the first are kept with their lines, within bounds of number and bytes.

So a body of nothing but rubbish costs a bounded memory, and a body with some bad lines loses none of them.
"""

from __future__ import annotations

from collections import Counter

from collector.verdict import Cause, Objection, Rejection

MOST_LISTED = 10_000
"""Rejections of one body that are kept with their line."""
MOST_LINE_BYTES = 64 << 10
"""Bytes of one rejected line that are kept."""
_MOST_BYTES = 4 << 20
"""Bytes of all rejected lines of one body that are kept."""


class Tally:
    """The rejections of one body."""

    def __init__(self) -> None:
        self.listed: list[Rejection] = []
        self.refused: Counter[Cause] = Counter()
        self._room_bytes = _MOST_BYTES

    def add(self, number: int, line: bytes, objection: Objection) -> None:
        """Count the rejection of line (or item) `number`, and keep it while there is room."""
        self.refused[objection.cause] += 1
        kept_bytes = min(len(line), MOST_LINE_BYTES)
        if len(self.listed) < MOST_LISTED and kept_bytes <= self._room_bytes:
            self._room_bytes -= kept_bytes
            self.listed.append(Rejection(number, line[:MOST_LINE_BYTES], objection))
