"""The only retry loop of the collector: a call is made until it succeeds, or can never succeed.

One for each destination and bucket. Every attempt that failed is counted by its reason and followed by a wait; the
first, each with a reason of its own and now and then one more are logged. Between attempts nothing is held.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import TypeVar

from collector.deliver.rest import Patience
from collector.metrics import DeliveryMetrics
from foundation.errors import Permanent, Transient
from foundation.logs import logger

_log = logger("collector.deliver")
_WORD_STARTS = re.compile(r"(?<!^)(?=[A-Z])")
_AWAY = "store_unavailable"
"""The usual reason to try again; counted from zero, so that a board shows a flat line and not a gap."""
_SAID_AGAIN = 20
"""Attempts after which it is said once more that delivery waits: about every ten minutes."""
T = TypeVar("T")


class Attempts:
    """Tries, for one destination and bucket. `reason`: why it waits to try again; empty while all is well."""

    def __init__(self, destination: str, bucket: str, *, metrics: DeliveryMetrics, patience: Patience) -> None:
        self._destination = destination
        self._bucket = bucket
        self._metrics = metrics
        self._patience = patience
        self.reason = ""
        metrics.retries.labels(destination, _AWAY)

    async def until_done(self, call: Callable[[], Awaitable[T]]) -> T:
        """Call until it succeeds. What cannot succeed (Permanent) is raised; all else is tried again, for ever."""
        attempt = 0
        while True:
            try:
                value = await call()
            except Permanent:
                raise
            except Exception as error:  # noqa: BLE001 - lines were acknowledged: no surprise may end their delivery
                await self._pause(attempt, error)
                attempt += 1
            else:
                if attempt:
                    self.reason = ""
                    _log.info("delivery goes on", destination=self._destination, bucket=self._bucket, attempts=attempt)
                return value

    async def _pause(self, attempt: int, error: Exception) -> None:
        reason = _reason(error)
        self._metrics.retries.labels(self._destination, reason).inc()
        if reason != self.reason or attempt % _SAID_AGAIN == 0:
            surprise = None if isinstance(error, Transient | OSError) else error
            _log.error(
                "delivery waits; nothing is lost, it is tried again",
                error=surprise,
                destination=self._destination,
                bucket=self._bucket,
                reason=reason,
                attempts=attempt + 1,
                cause=error,
            )
        self.reason = reason
        await asyncio.sleep(self._patience.delay_s(attempt, error))


def _reason(error: Exception) -> str:
    """The error as a metric's label: StoreUnavailable -> store_unavailable; whatever is not ours is unexpected."""
    if isinstance(error, Transient):
        return _WORD_STARTS.sub("_", type(error).__name__).lower()
    return "io_error" if isinstance(error, OSError) else "unexpected"
