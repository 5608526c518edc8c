"""Lets many pass at a time, or one alone.

Rounds of rules pass while their decisions are on the way into memory; who exchanges the rules, or moves their timers,
closes the gate. The invariant: between closing and opening nobody is inside; who comes meanwhile waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Gate:
    """Used by the tasks of one event loop. Who passes must not close it."""

    def __init__(self) -> None:
        self._entering = asyncio.Lock()
        self._inside = 0
        self._is_empty = asyncio.Event()
        self._is_empty.set()

    @asynccontextmanager
    async def passing(self) -> AsyncIterator[None]:
        """Be inside, with any number of others."""
        async with self._entering:
            self._inside += 1
            self._is_empty.clear()
        try:
            yield
        finally:
            self._inside -= 1
            if not self._inside:
                self._is_empty.set()

    @asynccontextmanager
    async def closed(self) -> AsyncIterator[None]:
        """Be alone: those inside go out first."""
        async with self._entering:
            await self._is_empty.wait()
            yield
