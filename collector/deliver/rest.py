"""A destination that failed is left alone for a while, and then asked by one write and not by all at once.

Every write of a deliverer goes through `attempt`. The first that fails closes the way for all; after the wait (backoff
with jitter, or longer where the destination said so) the first in line goes through alone. How that ends opens the way
or closes it for longer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from random import random

from foundation.backoff import Backoff
from foundation.clock import Clock, SystemClock
from foundation.errors import Permanent, Transient
from store.errors import BucketForbidden, BucketMissing

_MOST_ASKED_S = 600.0
"""However long a destination asks for, it is tried again after so long: a mistake there must not stop us for a day."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait between attempts, the jitter's luck in [0, 1), and the clock that times the answers."""

    backoff: Backoff = field(default_factory=Backoff)
    luck: Callable[[], float] = random
    clock: Clock = field(default_factory=SystemClock)

    def delay_s(self, attempt: int, error: Exception) -> float:
        """Seconds to wait after failed attempt number `attempt` (from 0)."""
        asked = error.retry_after_s if isinstance(error, Transient) else None
        return self.backoff.delay_s(attempt, self.luck(), min(asked or 0.0, _MOST_ASKED_S))


class _Way(Enum):
    OPEN = auto()
    CLOSED = auto()
    """Nobody goes through until the wait is over."""
    AJAR = auto()
    """The next one goes through, alone."""
    TRIED = auto()
    """Somebody is through, and all wait for how that ends."""


class Rest:
    """The way to one destination; used from one event loop."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._way = _Way.OPEN
        self._attempt = 0
        self._changed = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        """Wait until a write may be tried, and learn from how it ends. What it raises is raised on."""
        alone = await self._pass()
        try:
            yield
        except (Permanent, BucketMissing, BucketForbidden):
            self._answered(alone=alone)
            raise
        except Exception as error:
            self._failed(error, alone=alone)
            raise
        except BaseException:
            if alone:
                self._turn(_Way.AJAR)
            raise
        self._answered(alone=alone)

    def stop(self) -> None:
        """Wait for nothing any more; called when nobody writes."""
        if self._timer is not None:
            self._timer.cancel()

    async def _pass(self) -> bool:
        """Return when one may go through; whether it is alone."""
        while self._way is not _Way.OPEN:
            if self._way is _Way.AJAR:
                self._turn(_Way.TRIED)
                return True
            await self._changed.wait()
        return False

    def _answered(self, *, alone: bool) -> None:
        """The destination is there, whatever it thinks of the lines. What was sent before it failed says nothing."""
        if alone:
            self._turn(_Way.OPEN)

    def _failed(self, error: Exception, *, alone: bool) -> None:
        if not alone and self._way is not _Way.OPEN:
            return
        self._attempt = self._attempt + 1 if alone else 0
        self._turn(_Way.CLOSED)
        delay_s = self._patience.delay_s(self._attempt, error)
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._turn, _Way.AJAR)

    def _turn(self, way: _Way) -> None:
        self._way = way
        self._changed.set()
        self._changed = asyncio.Event()
