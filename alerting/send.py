"""Drains the outbox: at least once, in order per incident and notifier, and one bad receiver never delays another.

The dispatcher offers what it stored; memory is told of every attempt. The invariants: a row leaves its lane only when
memory knows what became of it; what may succeed later is tried for ever, with growing pauses and never sooner than the
service asked; a resolve goes out only where its incident was, or may have been, announced.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from alerting.lane import OPENS_AT, Channel, ChannelHealth, ChannelKey, Lane
from alerting.memory.contract import Attempt, Memory, MemoryFailed, Notification, Outcome, Suppression
from alerting.metrics import DispatchMetrics
from alerting.notify.contract import Notifier, PartlyRefused, Status, Unanswered
from alerting.routing.group import Notice
from foundation.backoff import Backoff
from foundation.clock import Clock
from foundation.errors import Permanent, Transient
from foundation.logs import logger

_log = logger("alerting.send")
T = TypeVar("T")
_MARK_AGAIN_S = 1.0
_OPENS = Notice.FIRST.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How sending is paced. `slots`: how many messages one notifier sends at once."""

    timeout_s: float = 30.0
    slots: int = 16
    backoff: Backoff = field(default_factory=lambda: Backoff(first_s=0.5))


class Sender:
    """Sends what waits. `luck` draws the jitter, in [0, 1).

    `was_cut_off`: it was cancelled with messages on their way, the services may have them.
    """

    def __init__(
        self, memory: Memory, *, clock: Clock, metrics: DispatchMetrics, luck: Callable[[], float], pace: Pace
    ) -> None:
        self._memory = memory
        self._clock = clock
        self._metrics = metrics
        self._luck = luck
        self._pace = pace
        self._channels: dict[ChannelKey, Channel] = {}
        self._retired: list[Notifier] = []
        self._in_use: Counter[Notifier] = Counter()
        self._wake = asyncio.Event()
        self._resting = False
        self._at_rest = asyncio.Event()
        self.was_cut_off = False
        metrics.pending.set_function(lambda: sum(1 for _ in self._rows()))
        metrics.oldest_s.set_function(self.oldest_s)

    def equip(self, notifiers: Mapping[ChannelKey, Notifier]) -> list[Notification]:
        """Send through `notifiers` from now on. Returns what waits for one that is no more.

        A notifier that is replaced is closed once it is idle.
        """
        orphans: list[Notification] = []
        before, self._channels = self._channels, {}
        for key, notifier in notifiers.items():
            channel = before.pop(key, None) or Channel(key, notifier, self._pace.slots)
            if channel.notifier is not notifier:
                self._retired.append(channel.notifier)
                channel.notifier = notifier
            self._channels[key] = channel
            self._show_circuit(channel)
        for channel in before.values():
            orphans += channel.empty()
            self._retired.append(channel.notifier)
        self._wake.set()
        return orphans

    def offer(self, rows: Iterable[Notification]) -> None:
        """Send these too. Each must belong to a notifier that is equipped."""
        now, today = self._clock.monotonic(), self._clock.now()
        for row in rows:
            asked = (row.not_before - today).total_seconds() if row.not_before else 0.0
            age_s = max((today - row.message.decided_at).total_seconds(), 0.0)
            self._channels[key_of(row)].offer(row, now + max(asked, 0.0), now - age_s)
        self._wake.set()

    def knows(self, row: Notification) -> bool:
        """Whether the row's notifier is equipped."""
        return key_of(row) in self._channels

    def notifiers(self, receiver: str) -> tuple[str, ...]:
        """The notifiers of a receiver, in the order of the file."""
        return tuple(key.notifier for key in self._channels if key.receiver == receiver)

    def health(self) -> tuple[ChannelHealth, ...]:
        """How every notifier does, in the order of the file."""
        now = self._clock.monotonic()
        return tuple(channel.health(now) for channel in self._channels.values())

    @contextlib.contextmanager
    def hold(self, incidents: Iterable[str]) -> Iterator[frozenset[int]]:
        """Start nothing new for `incidents` while their next messages are stored; yields the rows on their way."""
        names = list(incidents)
        held = [(channel, channel.hold(names)) for channel in self._channels.values()]
        try:
            yield frozenset(row_id for channel, lanes in held if lanes for row_id in channel.on_their_way())
        finally:
            for channel, lanes in held:
                channel.release(lanes)
            self._wake.set()

    def waiting(self) -> tuple[Notification, ...]:
        """Everything that waits or is on its way."""
        return tuple(self._rows())

    def waited(self) -> Iterator[tuple[Notification, timedelta]]:
        """The same, each with how long its notifier has heard nothing of the incident; no step of the clock counts."""
        now = self._clock.monotonic()
        for channel in self._channels.values():
            for row, since_s in channel.stuck():
                yield row, timedelta(seconds=now - since_s)

    def withdraw(self, incident: str, ids: frozenset[int]) -> None:
        """These rows wait no more."""
        for channel in self._channels.values():
            channel.withdraw(incident, ids)

    def oldest_s(self) -> float:
        """Age of the oldest message that waits, in seconds since it was decided; 0 when none waits."""
        oldest = min((row.message.decided_at for row in self._rows()), default=None)
        return max((self._clock.now() - oldest).total_seconds(), 0.0) if oldest else 0.0

    async def run(self) -> None:
        """Send until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    self._wake.clear()
                    self._start_ready(tasks)
                    await self._close_retired()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(self._idle_s()):
                            await self._wake.wait()
        finally:
            for notifier in (*(channel.notifier for channel in self._channels.values()), *self._retired):
                await notifier.close()

    async def rest(self, grace_s: float) -> None:
        """Start nothing more, and let what is on its way arrive, for at most `grace_s`."""
        self._resting = True
        self._at_rest.clear()
        if any(channel.is_busy for channel in self._channels.values()):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace_s):
                    await self._at_rest.wait()

    def _rows(self) -> Iterator[Notification]:
        for channel in self._channels.values():
            yield from channel.rows()

    def _start_ready(self, tasks: asyncio.TaskGroup) -> None:
        if self._resting:
            return
        now = self._clock.monotonic()
        for channel in self._channels.values():
            while (lane := channel.next_ready(now)) is not None:
                name = f"alerting.send {channel.key.receiver} {channel.key.notifier} {lane.incident}"
                tasks.create_task(self._serve(channel, lane), name=name)

    def _idle_s(self) -> float | None:
        ready = [at for channel in self._channels.values() if (at := channel.ready_at()) is not None]
        return max(min(ready) - self._clock.monotonic(), 0.0) if ready else None

    async def _close_retired(self) -> None:
        idle = [notifier for notifier in self._retired if not self._in_use[notifier]]
        self._retired = [notifier for notifier in self._retired if self._in_use[notifier]]
        for notifier in idle:
            await notifier.close()

    async def _serve(self, channel: Channel, lane: Lane) -> None:
        """Deal with the first row of the lane."""
        row = lane.rows[0]
        try:
            suppression = await self._suppression(row, lane)
            attempt = (
                Attempt(id=row.id, outcome=Outcome.SUPPRESSED, at=self._clock.now(), reason=suppression.value)
                if suppression
                else await self._attempt(channel, lane, row)
            )
            channel.free(lane)
            self._wake.set()
            await self._mark(attempt)
            if attempt.outcome is Outcome.PENDING and self._channels.get(channel.key) is not channel:
                attempt = given_up(row, self._clock.now())
                await self._mark(attempt)
            if attempt.outcome is Outcome.PENDING:
                lane.rows[0] = replace(row, attempts=row.attempts + 1)
            else:
                self._count(channel.key, attempt)
                lane.failures = 0
                lane.receipt = attempt.receipt or lane.receipt
                if attempt.outcome is not Outcome.SUPPRESSED:
                    lane.stuck_since = self._clock.monotonic()
                lane.rows.popleft()
        finally:
            channel.finish(lane)
            self._wake.set()
            if not any(channel.is_busy for channel in self._channels.values()):
                self._at_rest.set()

    async def _suppression(self, row: Notification, lane: Lane) -> Suppression | None:
        newer = lane.overtaken()
        if newer is Status.RESOLVED:
            return Suppression.RESOLVED_BEFORE_SENT
        if newer is Status.FIRING and lane.failures:
            return Suppression.SUPERSEDED
        if row.message.status is Status.FIRING:
            return None
        heard = await self._insist(
            lambda: self._memory.announced(row.message.incident, row.message.receiver, row.notifier)
        )
        return None if heard else Suppression.NEVER_ANNOUNCED

    async def _attempt(self, channel: Channel, lane: Lane, row: Notification) -> Attempt:
        try:
            receipt = await self._send(channel.notifier, row, await self._receipt(row, lane))
        except TimeoutError:
            error = Unanswered(f"no answer within {self._pace.timeout_s:g} s")
            return self._again(channel, lane, row, error, "timeout")
        except Permanent as refusal:
            _log.error("a notification was refused for good", **_words(channel, row), refusal=refusal)
            channel.refused(lane, self._clock.monotonic(), str(refusal))
            self._show_circuit(channel)
            partly = isinstance(refusal, PartlyRefused)
            return Attempt(id=row.id, outcome=Outcome.FAILED, at=self._clock.now(), error=str(refusal), doubtful=partly)
        except Transient as transient:
            return self._again(channel, lane, row, transient, "unreachable")
        except Exception as bug:  # noqa: BLE001 - the boundary to the plugins: a page is never lost to a bug in one
            _log.error("a notifier broke", error=bug, **_words(channel, row))
            return self._again(channel, lane, row, Unanswered(f"{type(bug).__name__} in the notifier"), "error")
        was_open = channel.is_open
        channel.took(self._clock.monotonic())
        if was_open:
            self._show_circuit(channel)
        at = self._clock.now()
        self._metrics.latency.observe(max((at - row.message.decided_at).total_seconds(), 0.0))
        return Attempt(id=row.id, outcome=Outcome.SENT, at=at, receipt=receipt)

    async def _receipt(self, row: Notification, lane: Lane) -> str | None:
        """What the notifier gave for the message before; a first one has none before it."""
        if lane.receipt is None and row.why != _OPENS:
            lane.receipt = await self._insist(
                lambda: self._memory.receipt(row.message.incident, row.message.receiver, row.notifier)
            )
        return lane.receipt

    async def _send(self, notifier: Notifier, row: Notification, receipt: str | None) -> str | None:
        self._in_use[notifier] += 1
        try:
            async with asyncio.timeout(self._pace.timeout_s):
                message = replace(row.message, receipt=receipt) if receipt else row.message
                return await notifier.send(message, now=self._clock.now())
        except asyncio.CancelledError:
            self.was_cut_off = True
            raise
        finally:
            self._in_use[notifier] -= 1

    def _again(self, channel: Channel, lane: Lane, row: Notification, error: Transient, reason: str) -> Attempt:
        now = self._clock.now()
        wait_s = self._pace.backoff.delay_s(lane.failures, self._luck(), error.retry_after_s)
        lane.failures += 1
        lane.ready_at = self._clock.monotonic() + wait_s
        rest_s = self._pace.backoff.delay_s(max(channel.failures - OPENS_AT, 0), self._luck(), error.retry_after_s)
        channel.failed(self._clock.monotonic(), rest_s, str(error))
        self._show_circuit(channel)
        if error.retry_after_s:
            channel.hold_until = max(channel.hold_until, self._clock.monotonic() + error.retry_after_s)
        self._metrics.retries.labels(channel.key.receiver, channel.key.notifier, reason).inc()
        _log.warning("a notification waits", **_words(channel, row), reason=str(error), again_in_s=f"{wait_s:.1f}")
        return Attempt(
            id=row.id,
            outcome=Outcome.PENDING,
            at=now,
            error=str(error),
            doubtful=isinstance(error, Unanswered),
            next_attempt_at=now + timedelta(seconds=wait_s),
            not_before=now + timedelta(seconds=error.retry_after_s) if error.retry_after_s else None,
        )

    def _show_circuit(self, channel: Channel) -> None:
        self._metrics.open_circuits.labels(channel.key.receiver, channel.key.notifier).set(channel.is_open)

    async def _mark(self, attempt: Attempt) -> None:
        await self._insist(lambda: self._memory.mark(attempt))

    async def _insist(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What memory answers, asked until it does."""
        while True:
            try:
                return await ask()
            except MemoryFailed as error:
                self._metrics.memory_failures.inc()
                _log.error("memory fails; sending waits for it", reason=str(error))
                await asyncio.sleep(_MARK_AGAIN_S)

    def _count(self, key: ChannelKey, attempt: Attempt) -> None:
        self._metrics.ended(key.receiver, key.notifier, attempt.outcome.value).inc()
        if attempt.outcome is Outcome.SUPPRESSED:
            self._metrics.suppressed.labels(attempt.reason).inc()


def key_of(row: Notification) -> ChannelKey:
    """The channel that a row belongs to."""
    return ChannelKey(row.message.receiver, row.notifier)


def given_up(row: Notification, now: datetime) -> Attempt:
    """The end of a row whose receiver is no more."""
    return Attempt(id=row.id, outcome=Outcome.SUPPRESSED, at=now, reason=Suppression.RECEIVER_REMOVED.value)


def _words(channel: Channel, row: Notification) -> dict[str, Any]:
    return {
        "receiver": channel.key.receiver,
        "notifier": channel.key.notifier,
        "incident": row.message.incident,
        "attempt": str(row.attempts + 1),
    }
