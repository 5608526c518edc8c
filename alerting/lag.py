"""Ways to learn how far the store is behind the collector: in the same process, over HTTP, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp

from foundation.clock import Clock
from foundation.logs import logger

_log = logger("alerting.lag")

FRESH_S = 0.5
"""An answer this young serves every rule that is due at the same moment."""
TIMEOUT_S = 2.0


class NeverBehind:
    """For a store that is written to by others than a collector of ours: what can be queried is what there is."""

    async def behind_s(self) -> float | None:
        """Always 0."""
        return 0.0


class CollectorHere:
    """Asks a collector in this process. `age_s` gives its `buffer_age_s`."""

    def __init__(self, age_s: Callable[[], float]) -> None:
        self._age_s = age_s

    async def behind_s(self) -> float | None:
        """The age of the oldest buffered line."""
        return self._age_s()


class CollectorElsewhere:
    """Asks `GET /ready` of a collector, which answers with `buffer_age_s` whether it is ready (200) or not (503)."""

    def __init__(self, url: str, session: aiohttp.ClientSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._asking = asyncio.Lock()
        self._asked_at = float("-inf")
        self._known: float | None = None
        self.point_at(url)

    def point_at(self, url: str) -> None:
        """Ask the collector at `url` from now on."""
        self._url = url.rstrip("/") + "/ready"

    async def behind_s(self) -> float | None:
        """The age of the oldest buffered line; None when the collector does not say."""
        async with self._asking:
            if self._clock.monotonic() - self._asked_at > FRESH_S:
                known = await self._ask()
                if (known is None) != (self._known is None):
                    _log.warning("collector cannot be asked" if known is None else "collector answers", url=self._url)
                self._known, self._asked_at = known, self._clock.monotonic()
            return self._known

    async def _ask(self) -> float | None:
        try:
            async with self._session.get(self._url, timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as response:
                answer = await response.json(content_type=None)
                return float(answer["buffer_age_s"])
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, TypeError, KeyError):
            return None
