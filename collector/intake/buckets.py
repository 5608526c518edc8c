"""Whether a bucket exists, asked of the store seldom and never in the way of intake.

While the store is away, what is known counts: a bucket that it had is taken in, one that it had not is answered 503
(a 404 would make senders throw their data away on a guess). If the store was never reached since the start, every
bucket is taken in: delivery then waits for it under its own cursor, and nothing is lost.

A store that makes buckets has one before its first line is acknowledged, so whoever was answered 204 can ask for it.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Protocol

from collector.intake.answers import Refusal, unavailable
from foundation.clock import Clock
from foundation.errors import Transient

_FRESH_S = 30.0
_ASK_AGAIN_S = 1.0
_WAIT_S = 2.0
_MOST_MADE = 1_000


class Keeper(Protocol):
    """What is asked of a store here, see `store.contract.Store`."""

    @property
    def makes_buckets(self) -> bool:
        """Whether a bucket comes into being with its first write."""

    async def buckets(self) -> tuple[str, ...]:
        """Those that exist."""

    async def make_bucket(self, bucket: str) -> None:
        """Let it be there."""


class Buckets:
    """The buckets of a store. One that makes them takes every name, up to `most_made` since the start; beyond that,
    those that it has.
    """

    def __init__(self, store: Keeper, clock: Clock, *, most_made: int = _MOST_MADE) -> None:
        self._store = store
        self._clock = clock
        self._most_made = most_made
        self._made: set[str] = set()
        self._known: frozenset[str] | None = None
        self._asked = -_FRESH_S
        self._asking = asyncio.Lock()
        self._away = False

    def certain(self, bucket: str) -> bool:
        """Whether the bucket can be taken in without asking."""
        if self._store.makes_buckets:
            return bucket in self._made
        return self._known is not None and bucket in self._known and self._age() < _FRESH_S

    async def demand(self, bucket: str, missing: str) -> None:
        """Return if lines for the bucket may be taken in. Raises Refusal: 404 saying `missing`, or 503."""
        async with self._asking:
            if self._store.makes_buckets and len(self._made) < self._most_made:
                await self._make(bucket)
                return
            known = self._known is not None and bucket in self._known
            if self._age() >= (_FRESH_S if known and not self._away else _ASK_AGAIN_S):
                await self._ask()
        if self._known is None or bucket in self._known:
            return
        if self._store.makes_buckets:
            raise Refusal(422, f"there are {self._most_made} buckets already; collector.limits.buckets allows no more")
        if self._away:
            raise unavailable(f'the store is away and bucket "{bucket}" was not seen in it before', _ASK_AGAIN_S)
        raise Refusal(404, missing)

    def adopt(self, most_made: int) -> None:
        """Let so many be made by writing."""
        self._most_made = most_made

    async def _make(self, bucket: str) -> None:
        """Where the store cannot make it now, delivery makes it with the first line that arrives."""
        with suppress(Transient, TimeoutError):
            async with asyncio.timeout(_WAIT_S):
                await self._store.make_bucket(bucket)
        self._made.add(bucket)

    async def _ask(self) -> None:
        try:
            async with asyncio.timeout(_WAIT_S):
                self._known = frozenset(await self._store.buckets())
            self._away = False
        except (Transient, TimeoutError):
            self._away = True
        self._asked = self._clock.monotonic()

    def _age(self) -> float:
        return self._clock.monotonic() - self._asked
