"""How many compressed bytes one write should carry to a destination. Pure; deliverers ask and tell it.

As TCP does with its window: half after a failure that less might have prevented, an eighth of the most for every full
write that was answered quickly. A size that was refused as too large is not tried again but once in a long while.
"""

from __future__ import annotations

QUICK_S = 1.0
"""An answer within so long allows for more."""
SLOW_S = 5.0
"""An answer after so long asks for less, well before a usual time-out is reached."""
LEAST_BYTES = 1 << 14
"""However little a store takes, less than this is not worth a request of its own."""
_STEPS = 8
_FORGET_AFTER = 500
"""So many full writes under a limit, and it is tried whether it is still there: that costs one refusal."""


class Pace:
    """Learns the size from what became of the writes before, beginning at the most."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._size = most_bytes
        self._refused: int | None = None
        self._below_it = 0

    @property
    def size_bytes(self) -> int:
        """About how much the next write should carry."""
        return self._size

    def answered(self, size_bytes: int, seconds: float) -> None:
        """A write of so many bytes was answered, for better or worse, after `seconds`."""
        if seconds >= SLOW_S:
            self.late(size_bytes)
        elif seconds <= QUICK_S and size_bytes * 2 > self._size:
            self._grow()

    def late(self, size_bytes: int) -> None:
        """A write of so many bytes was not answered in time. A small one says nothing about size."""
        if size_bytes * 2 > self._size:
            self._halve(size_bytes)

    def too_large(self, size_bytes: int) -> None:
        """A write of so many bytes was refused for its size."""
        self._refused, self._below_it = size_bytes, 0
        self._halve(size_bytes)

    def _halve(self, size_bytes: int) -> None:
        """Half of what was sent: several that were sent together and failed together count once."""
        self._size = max(min(self._size, size_bytes // 2), min(LEAST_BYTES, self._most))

    def _grow(self) -> None:
        """Up to the most, or to three quarters of what was refused: so the limit is approached from both sides."""
        limit = self._most if self._refused is None else min(self._most, self._refused * 3 // 4)
        self._below_it = self._below_it + 1 if self._size >= limit else 0
        if self._refused is not None and self._below_it >= _FORGET_AFTER:
            self._refused = None
        self._size = max(self._size, min(self._size + max(self._most // _STEPS, 1), limit))
