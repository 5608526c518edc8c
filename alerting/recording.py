"""Evaluations on their way into memory: those that come together share a transaction, and each learns how it went.

The dispatcher makes one and hands over how a portion is decided and stored, and the lock under which that is done. The
invariants: an evaluation is stored whole or not at all, in the order in which they came; who waits returns once its own
is on the disk, or is told that it is not; a portion whose recorder was cancelled is taken up by the next who waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerting.alert import Evaluation
from alerting.portion import MOST_ALERTS, portion

Record = Callable[[Sequence[Evaluation], datetime], Awaitable[None]]
"""Decide about some evaluations and store what follows, in one transaction, as of a moment."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """One that is not stored yet."""

    evaluation: Evaluation
    now: datetime
    done: bool = False
    error: Exception | None = None


class Recording:
    """What waits to be recorded. `lock` is held while it is."""

    def __init__(self, lock: asyncio.Lock, record: Record) -> None:
        self._lock = lock
        self._record = record
        self._queue: list[_Waiting] = []

    async def record(self, evaluation: Evaluation, now: datetime) -> None:
        """Return when it is stored, by this call or by another that took it along. Raises what the recording raises."""
        waiting = _Waiting(evaluation, now)
        self._queue.append(waiting)
        async with self._lock:
            while not waiting.done:
                await self._record_portion()
        if waiting.error is not None:
            raise waiting.error

    async def _record_portion(self) -> None:
        batch = portion(self._queue, lambda waiting: len(waiting.evaluation.saved), MOST_ALERTS)
        self._queue = self._queue[len(batch) :]
        try:
            await self._record([waiting.evaluation for waiting in batch], max(waiting.now for waiting in batch))
        except Exception as error:  # noqa: BLE001 - handed to each evaluation that waits, which raises it
            for waiting in batch:
                waiting.error = error
        except BaseException:
            self._queue = [*batch, *self._queue]
            raise
        for waiting in batch:
            waiting.done = True
