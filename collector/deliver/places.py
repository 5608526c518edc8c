"""How many buckets write to one destination at once.

Whoever holds a place may keep parcels in memory, so places also bound what delivery takes of it. First come, first
served. The number is halved when the destination has too much to do, and comes back by one for each round of writes
that it took.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Places:
    """At most `most` places; used from one event loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._allowed = float(most)
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def allowed(self) -> int:
        """How many may be taken now."""
        return max(int(self._allowed), 1)

    @property
    def crowded(self) -> bool:
        """Whether somebody waits for a place: then whoever has one gives it up after the parcel in hand."""
        return any(not seat.cancelled() for seat in self._waiting)

    def adopt(self, most: int) -> None:
        """Have `most` places from now on; who sits stays."""
        self._most = most
        self._allowed = float(most)
        self._seat()

    def took(self) -> None:
        """The destination took a write."""
        self._allowed = min(self._allowed + 1 / self.allowed, float(self._most))
        self._seat()

    def strained(self) -> None:
        """The destination said, or showed, that it has too much to do."""
        self._allowed = max(self._allowed / 2, 1.0)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a place and hold it."""
        await self._take()
        try:
            yield
        finally:
            self._taken -= 1
            self._seat()

    async def _take(self) -> None:
        if self._taken < self.allowed and not self.crowded:
            self._taken += 1
            return
        seat: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(seat)
        try:
            await seat
        except asyncio.CancelledError:
            if not seat.cancelled():
                self._taken -= 1
            self._seat()
            raise

    def _seat(self) -> None:
        while self._taken < self.allowed and self._waiting:
            seat = self._waiting.popleft()
            if not seat.done():
                self._taken += 1
                seat.set_result(None)
