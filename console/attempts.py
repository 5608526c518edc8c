"""How often somebody may guess: wrong passwords by address, few a minute. Pure.

`entrance` asks before it looks at a password. The invariants: a right password is not refused because somebody else
guesses from another address, and what is remembered is bounded.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

_MOST_WRONG = 5
_WITHIN = timedelta(minutes=1)
_MOST_ADDRESSES = 10_000


class Attempts:
    """Wrong passwords of late."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, tuple[datetime, int]] = OrderedDict()

    def wait(self, address: str, now: datetime) -> timedelta:
        """How long this address has to wait before it may try; zero where it may now."""
        since, count = self._wrong.get(address, (now, 0))
        return max(since + _WITHIN - now, timedelta(0)) if count >= _MOST_WRONG else timedelta(0)

    def note(self, address: str, now: datetime) -> None:
        """A wrong password came from here. Ask `wait` first."""
        since, count = self._wrong.pop(address, (now, 0))
        over = now - since >= _WITHIN
        self._wrong[address] = (now, 1) if over else (since, count + 1)
        while len(self._wrong) > _MOST_ADDRESSES:
            self._wrong.popitem(last=False)

    def forget(self, address: str) -> None:
        """The right password came from here."""
        self._wrong.pop(address, None)
