"""Whether a bucket exists, asked of the store seldom and never in the way of intake.

While the store is away, what is known counts: a bucket that it had is taken in, one that it had not is answered 503
(a 404 would make senders throw their data away on a guess). If the store was never reached since the start, every
bucket is taken in: delivery then waits for it under its own cursor, and nothing is lost.

A store that makes buckets has one before its first line is acknowledged, so whoever was answered 204 can ask for it.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import Protocol

from collector.intake.answers import Refusal, unavailable
from foundation.clock import Clock
from foundation.errors import Transient

_FRESH_S = 30.0
_ASK_AGAIN_S = 1.0
_WAIT_S = 2.0
_MOST_MADE = 1_000
_MOST_IDS = 1_000
_DEFAULT_POLICY = "autogen"
_ID = re.compile(r"[0-9a-fA-F]{16}")
_ID_DIGITS = 16


class Keeper(Protocol):
    """What is asked of a store here, see `store.contract.Store`."""

    @property
    def makes_buckets(self) -> bool:
        """Whether a bucket comes into being with its first write."""

    async def buckets(self) -> tuple[str, ...]:
        """Those that exist."""

    async def find_bucket(self, text: str) -> str | None:
        """The one with this id or name."""

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
        self._asked_for: set[str] = set()
        self._ids: dict[str, tuple[str, float]] = {}
        self._asked = -_FRESH_S
        self._asking = asyncio.Lock()
        self._away = False

    def of_policy(self, bucket: str, policy: str) -> str:
        """The bucket of a database's retention policy: `db/rp` as InfluxDB 2 maps them, `db` itself for the default.

        A store that makes buckets knows no policies, so what is written under one can be asked without it.
        """
        if not policy or policy == _DEFAULT_POLICY or self._store.makes_buckets:
            return bucket
        return f"{bucket}/{policy}"

    async def has(self, bucket: str) -> bool:
        """Whether a store that makes buckets has this one now; of others, and while it is away, that is not said."""
        if not self._store.makes_buckets:
            return False
        try:
            return bucket in await self._store.buckets()
        except Transient:
            return False

    def may_be_id(self, text: str) -> bool:
        """Whether it could be the id of a bucket, for which the store has to be asked."""
        return len(text) == _ID_DIGITS and not self._store.makes_buckets and _ID.fullmatch(text) is not None

    async def named(self, text: str) -> str:
        """The name of the bucket that `text` names, which may be its id. Raises Refusal (503) while nobody can say."""
        if not self.may_be_id(text):
            return text
        name, asked = self._ids.get(text, ("", -_FRESH_S))
        if self._clock.monotonic() - asked < _FRESH_S:
            return name
        try:
            async with asyncio.timeout(_WAIT_S):
                found = await self._store.find_bucket(text)
        except (Transient, TimeoutError) as error:
            if name:
                return name
            raise unavailable(f"the store is away, and {text} may be the id of a bucket in it", _ASK_AGAIN_S) from error
        if len(self._ids) >= _MOST_IDS:
            self._ids.clear()
        self._ids[text] = found or text, self._clock.monotonic()
        return found or text

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
            new = "/" in bucket and bucket not in self._asked_for
            if new or self._age() >= (_FRESH_S if known and not self._away else _ASK_AGAIN_S):
                await self._ask(bucket)
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

    async def _ask(self, bucket: str) -> None:
        """Ask for all; for one with a policy by itself, because among databases it has another name."""
        try:
            async with asyncio.timeout(_WAIT_S):
                known = frozenset(await self._store.buckets())
                with_policy = {one for one in (self._known or frozenset()) | {bucket} if "/" in one}
                self._asked_for = with_policy
                found = {one for one in with_policy - known if await self._store.find_bucket(one)}
                self._known = known | found
            self._away = False
        except (Transient, TimeoutError):
            self._away = True
        self._asked = self._clock.monotonic()

    def _age(self) -> float:
        return self._clock.monotonic() - self._asked
