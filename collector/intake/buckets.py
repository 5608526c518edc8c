"""Whether a bucket exists, asked of the store seldom and never in the way of intake.

While the store is away, what is known counts: a bucket that it had is taken in, one that it had not is answered 503
(a 404 would make senders throw their data away on a guess). If the store was never reached since the start, every
bucket is taken in: delivery then waits for it under its own cursor, and nothing is lost.
"""

from __future__ import annotations

import asyncio

from collector.intake.answers import Refusal, unavailable
from foundation.clock import Clock
from foundation.errors import Transient
from store.contract import Reader

_FRESH_S = 30.0
_ASK_AGAIN_S = 1.0
_WAIT_S = 2.0
_MOST_MADE = 1_000


class Buckets:
    """The buckets of a store that does not make them by itself; `made_on_write` stores take every name, up to
    `most_made` since the start; beyond that, those that the store has.
    """

    def __init__(self, reader: Reader, clock: Clock, *, made_on_write: bool, most_made: int = _MOST_MADE) -> None:
        self._reader = reader
        self._clock = clock
        self._made_on_write = made_on_write
        self._most_made = most_made
        self._made: set[str] = set()
        self._known: frozenset[str] | None = None
        self._asked = -_FRESH_S
        self._asking = asyncio.Lock()
        self._away = False

    def certain(self, bucket: str) -> bool:
        """Whether the bucket can be taken in without asking."""
        if self._made_on_write:
            return bucket in self._made
        return self._known is not None and bucket in self._known and self._age() < _FRESH_S

    async def demand(self, bucket: str, missing: str) -> None:
        """Return if lines for the bucket may be taken in. Raises Refusal: 404 saying `missing`, or 503."""
        if self._made_on_write and len(self._made) < self._most_made:
            self._made.add(bucket)
            return
        async with self._asking:
            known = self._known is not None and bucket in self._known
            if self._age() >= (_FRESH_S if known and not self._away else _ASK_AGAIN_S):
                await self._ask()
        if self._known is None or bucket in self._known:
            return
        if self._made_on_write:
            raise Refusal(422, f"there are {self._most_made} buckets already; collector.limits.buckets allows no more")
        if self._away:
            raise unavailable(f'the store is away and bucket "{bucket}" was not seen in it before', _ASK_AGAIN_S)
        raise Refusal(404, missing)

    def adopt(self, most_made: int) -> None:
        """Let so many be made by writing."""
        self._most_made = most_made

    async def _ask(self) -> None:
        try:
            async with asyncio.timeout(_WAIT_S):
                self._known = frozenset(await self._reader.buckets())
            self._away = False
        except (Transient, TimeoutError):
            self._away = True
        self._asked = self._clock.monotonic()

    def _age(self) -> float:
        return self._clock.monotonic() - self._asked
