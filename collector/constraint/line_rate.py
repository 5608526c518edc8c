"""Lines per second of one token: a bucket of tokens, filled evenly, emptied by the body. Pure: `now_s` is an argument.

A body passes whole or not at all. One with more lines than ever find room at once passes when the bucket is full, and
what it took too much is made up for before the next: so the rate holds in the long run, and nothing waits for ever.
"""

from __future__ import annotations

from foundation.errors import Transient

_ROUNDING = 1e-6


class RateSpent(Transient):
    """The body comes too early; nothing of it may be kept. `retry_after_s` says when it may come again."""


class LineRate:
    """How many lines may come now. `whose` is the token's name."""

    __slots__ = ("_left", "_most", "_per_s", "_seen_s", "_whose")

    def __init__(self, whose: str, per_s: float, most: float) -> None:
        self._whose = whose
        self._per_s = per_s
        self._most = most
        self._left = most
        self._seen_s: float | None = None

    def take(self, lines: int, now_s: float) -> None:
        """Take that many lines, or none: raises RateSpent."""
        self.demand(min(lines, self._most), now_s)
        self._left -= lines

    def give_back(self, lines: int) -> None:
        """Undo a `take`: the lines could not be kept, by no fault of who sent them."""
        self._left = min(self._left + lines, self._most)

    def demand(self, lines: float, now_s: float) -> None:
        """Raise RateSpent unless so many lines may come now, `lines` being at most what ever finds room at once."""
        past_s = 0.0 if self._seen_s is None else max(now_s - self._seen_s, 0.0)
        self._seen_s = now_s
        self._left = min(self._left + past_s * self._per_s, self._most)
        if lines and self._left + _ROUNDING < lines:
            wait_s = (lines - self._left) / self._per_s
            quota = f'token "{self._whose}" has spent its lines (per second: {self._per_s:g})'
            raise RateSpent(f"{quota}; come back in {wait_s:.1f} s", retry_after_s=wait_s)
