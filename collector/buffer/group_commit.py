"""What waits for the disk, and the one task that commits it together.

Appends wait in a queue. The task takes all that wait, has them made durable together, and lets all waiters go at once:
the running sync is the window in which the next group gathers. Nobody returns before his sync. Notes for the ledger go
along with the next group; where none comes, they go alone after half a second.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from collector.buffer.commit import RETRY_AFTER_S, Failed, Outcome, Written
from collector.buffer.contract import BufferFailed, BufferFull
from collector.buffer.grouping import Entry, Group, take_group
from collector.ledger import Account, Ledger
from collector.metrics import BufferMetrics
from foundation.batch import Batch
from foundation.clock import Clock
from foundation.lifecycle import Tasks
from foundation.logs import logger

_log = logger("collector.buffer")
_NOTES_WAIT_S = 0.5
"""When the machine stops sooner, refused bodies are in no term at all, as if they had never come."""

Commit = Callable[[Group], Awaitable[Mapping[str, Outcome]]]
"""Makes a group durable and enters it into the books; the outcome for each bucket."""


class Bounds(Protocol):
    """How much may share a sync, and wait for one."""

    @property
    def group_bytes(self) -> int:
        """Lines in a group."""

    @property
    def waiting_bytes(self) -> int:
        """Lines that wait."""


class GroupCommit:
    """The queue. Used from the event loop only."""

    def __init__(self, commit: Commit, ledger: Ledger, bounds: Bounds, *, clock: Clock, metrics: BufferMetrics) -> None:
        self.bounds = bounds
        self._commit = commit
        self._ledger = ledger
        self._clock = clock
        self._metrics = metrics
        self._waiting: deque[Entry] = deque()
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._waiting_bytes = 0
        self._wanted = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._flush: asyncio.TimerHandle | None = None
        self._flush_due = False

    def start(self, tasks: Tasks) -> None:
        """Commit what comes from now on."""
        _ = tasks.spawn(self._run(), "buffer.commit")

    def enter(self, batch: Batch, account: Account | None) -> asyncio.Future[None]:
        """Done when the batch is durable, or it fails with BufferFull or BufferFailed. Raises BufferFull at once."""
        if self._waiting_bytes >= self.bounds.waiting_bytes:
            self._metrics.failures.labels("overload").inc()
            raise BufferFull("too many lines wait for the disk", retry_after_s=RETRY_AFTER_S)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((batch, account))
        self._waiters.append(done)
        self._waiting_bytes += len(batch.body)
        self._idle.clear()
        self._wanted.set()
        return done

    def expect_notes(self) -> None:
        """The ledger has notes: they are committed with the next group, or alone when none comes soon."""
        if self._flush is None:
            self._flush = asyncio.get_running_loop().call_later(_NOTES_WAIT_S, self._want_flush)

    async def finish(self) -> None:
        """Return when nothing waits any more; nothing may be appended meanwhile."""
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        if self._ledger.noted:
            self._want_flush()
        await self._idle.wait()

    def _want_flush(self) -> None:
        self._flush = None
        self._flush_due = True
        self._idle.clear()
        self._wanted.set()

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while self._waiting or self._flush_due:
                self._flush_due = False
                await self._commit_group()
            self._idle.set()

    async def _commit_group(self) -> None:
        count = take_group(self._waiting, self.bounds.group_bytes)
        entries = [self._waiting.popleft() for _ in range(count)]
        waiters = [self._waiters.popleft() for _ in range(count)]
        self._waiting_bytes -= sum(len(batch.body) for batch, _ in entries)
        notes = self._ledger.take_notes()
        began = self._clock.monotonic()
        try:
            outcomes = await self._commit(Group(entries, notes))
        except Exception as error:  # noqa: BLE001 - whoever waits must be answered, whatever went wrong
            _log.error("a group of batches could not be committed", error=error)
            failed = BufferFailed("the buffer failed", retry_after_s=RETRY_AFTER_S)
            outcomes = {batch.bucket: Failed(failed, "io_error") for batch, _ in entries}
        for bucket in tuple(notes):
            self._ledger.settle_notes(bucket, durable=False)
        if self._ledger.noted:
            self.expect_notes()
        self._metrics.commit_seconds.observe(self._clock.monotonic() - began)
        for (batch, _), waiter in zip(entries, waiters, strict=True):
            self._answer(waiter, outcomes[batch.bucket])

    def _answer(self, waiter: asyncio.Future[None], outcome: Outcome) -> None:
        if isinstance(outcome, Failed):
            self._metrics.failures.labels(outcome.reason).inc()
        if waiter.done():
            return
        if isinstance(outcome, Written):
            waiter.set_result(None)
        else:
            waiter.set_exception(type(outcome.error)(str(outcome.error), retry_after_s=outcome.error.retry_after_s))
