"""Lanes and channels: what waits to be sent, in which order, and who may be busy with it.

A channel is one notifier of one receiver; a lane is what it has to say about one incident. The sender keeps them in
step with the outbox. The invariants: one message of a lane is on its way at a time, in the order in which they were
stored; a channel sends at most `slots` messages at once, so one that hangs holds up no other; a held lane starts
nothing new.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

from alerting.alert import NOTIFICATIONS_FAILING
from alerting.memory.contract import Notification
from alerting.notify.contract import Notifier, Status


@dataclass(frozen=True, slots=True, order=True)
class ChannelKey:
    """One notifier (`pagerduty[0]`) of one receiver."""

    receiver: str
    notifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelHealth:
    """How a notifier does. `waiting` counts incidents of which something waits, `waited_s` is for how long the one that
    is worst off has made no progress; messages about notifiers that fail count for neither, nor for refusals.

    `is_open`: its circuit is. `refused_s` is how long ago it refused a message for good and has taken none since.
    `is_proven`: it has taken the last message that it answered.
    """

    receiver: str
    notifier: str
    waiting: int = 0
    waited_s: float = 0.0
    is_open: bool = False
    refused_s: float | None = None
    error: str = ""
    is_proven: bool = False


OPENS_AT = 5
"""So many failures in a row open a channel's circuit."""
_MOST_BUSY = 256
"""Lanes of a channel that may wait for memory to note what became of their message; a bound on what a crash repeats."""


class _Stage(Enum):
    IDLE = auto()
    QUEUED = auto()
    BUSY = auto()


@dataclass(slots=True, eq=False)
class Lane:
    """What a channel still has to say about an incident. `ready_at` is in the clock's monotonic seconds, like
    `stuck_since`: when its first row came, or the service last took or refused one.

    `receipt` is the last one that the notifier gave, as far as this lane has seen.
    """

    incident: str
    rows: deque[Notification] = field(default_factory=deque)
    failures: int = 0
    ready_at: float = 0.0
    stuck_since: float = 0.0
    holds: int = 0
    stage: _Stage = _Stage.IDLE
    has_slot: bool = False
    receipt: str | None = None

    @property
    def is_about_notifiers(self) -> bool:
        """Whether it tells of notifiers that fail."""
        return bool(self.rows) and self.rows[0].message.group_labels.get("alertname") == NOTIFICATIONS_FAILING

    def overtaken(self) -> Status | None:
        """How the first row would be overtaken: by the resolve behind it, or by newer news; None when it is last."""
        later = list(self.rows)[1:]
        if not later or self.rows[0].message.status is Status.RESOLVED:
            return None
        return Status.RESOLVED if any(row.message.status is Status.RESOLVED for row in later) else Status.FIRING


class Channel:
    """The lanes of one notifier."""

    def __init__(self, key: ChannelKey, notifier: Notifier, slots: int) -> None:
        self.key = key
        self.notifier = notifier
        self.hold_until = 0.0
        self.failures = 0
        self._rest_until = 0.0
        self._lanes: dict[str, Lane] = {}
        self._queue: list[tuple[float, int, Lane]] = []
        self._count = 0
        self._busy = 0
        self._free = slots
        self._refused_at: float | None = None
        self._error = ""
        self._is_proven = False

    @property
    def is_open(self) -> bool:
        """Whether the circuit is: it failed so often in a row that one message at a time tries it, after a rest."""
        return self.failures >= OPENS_AT

    def health(self, now: float) -> ChannelHealth:
        """How it does, for the alerts about it."""
        stuck = [lane.stuck_since for lane in self._lanes.values() if lane.rows and not lane.is_about_notifiers]
        return ChannelHealth(
            receiver=self.key.receiver,
            notifier=self.key.notifier,
            waiting=len(stuck),
            waited_s=max(now - min(stuck, default=now), 0.0),
            is_open=self.is_open,
            refused_s=None if self._refused_at is None else now - self._refused_at,
            error=self._error,
            is_proven=self._is_proven,
        )

    def failed(self, now: float, rest_s: float, error: str) -> None:
        """A message was not taken for now; with an open circuit the next one tries after `rest_s`."""
        self._error, self._is_proven = error, False
        self.failures += 1
        if self.is_open:
            self._rest_until = max(self._rest_until, now + rest_s)

    def took(self, now: float) -> None:
        """The service has a message."""
        self._refused_at, self._error, self._is_proven = None, "", True
        self._answered(now)

    def refused(self, lane: Lane, now: float, error: str) -> None:
        """The service refused the lane's message for good."""
        if not lane.is_about_notifiers:
            self._refused_at, self._error, self._is_proven = now, error, False
        self._answered(now)

    def _answered(self, now: float) -> None:
        """What waited because the service did not answer need not wait longer."""
        was_open, self.failures, self._rest_until = self.is_open, 0, 0.0
        if was_open:
            self._queue = [(min(ready_at, now), number, lane) for ready_at, number, lane in self._queue]
            heapq.heapify(self._queue)

    @property
    def is_busy(self) -> bool:
        """Whether something is on its way."""
        return self._busy > 0

    def rows(self) -> Iterator[Notification]:
        """Everything that waits or is on its way."""
        for lane in self._lanes.values():
            yield from lane.rows

    def stuck(self) -> Iterator[tuple[Notification, float]]:
        """Everything that waits or is on its way, with the `stuck_since` of its lane."""
        for lane in self._lanes.values():
            for row in lane.rows:
                yield row, lane.stuck_since

    def on_their_way(self) -> Iterator[int]:
        """The ids of rows that are being sent."""
        for lane in self._lanes.values():
            if lane.stage is _Stage.BUSY and lane.rows:
                yield lane.rows[0].id

    def offer(self, row: Notification, ready_at: float, since: float) -> None:
        """Append a row to its lane; a lane that was empty may start at `ready_at`, and has waited since `since`."""
        lane = self._lanes.get(row.message.incident)
        if lane is None:
            lane = self._lanes[row.message.incident] = Lane(row.message.incident, ready_at=ready_at, stuck_since=since)
        lane.rows.append(row)
        self._enqueue(lane)

    def withdraw(self, incident: str, ids: frozenset[int]) -> None:
        """Take rows out that wait no more; the one that is on its way stays."""
        lane = self._lanes.get(incident)
        if lane is None:
            return
        sent = lane.rows[0].id if lane.stage is _Stage.BUSY and lane.rows else None
        lane.rows = deque(row for row in lane.rows if row.id == sent or row.id not in ids)
        self._drop_if_done(lane)

    def empty(self) -> list[Notification]:
        """Take everything out that is not on its way."""
        taken: list[Notification] = []
        for lane in list(self._lanes.values()):
            on_its_way = [lane.rows.popleft()] if lane.stage is _Stage.BUSY and lane.rows else []
            taken += lane.rows
            lane.rows = deque(on_its_way)
            self._drop_if_done(lane)
        return taken

    def hold(self, incidents: Iterable[str]) -> list[Lane]:
        """Start nothing new for `incidents` until each lane is released; what is on its way goes on."""
        held = []
        for incident in incidents:
            lane = self._lanes.get(incident)
            if lane is not None:
                lane.holds += 1
                held.append(lane)
        return held

    def release(self, lanes: Iterable[Lane]) -> None:
        """Undo `hold`."""
        for lane in lanes:
            lane.holds -= 1
            self._enqueue(lane)
            self._drop_if_done(lane)

    def next_ready(self, now: float) -> Lane | None:
        """A lane to start now; it is busy until `finish`, and has a slot until `free`."""
        while self._queue and self._may_start() and max(self._queue[0][0], self._closed_until()) <= now:
            lane = heapq.heappop(self._queue)[2]
            lane.stage = _Stage.IDLE
            if lane.rows and not lane.holds:
                lane.stage = _Stage.BUSY
                lane.has_slot = True
                self._busy += 1
                self._free -= 1
                return lane
        return None

    def ready_at(self) -> float | None:
        """When the next lane may start; None when none waits or all slots are taken."""
        if not self._queue or not self._may_start():
            return None
        return max(self._queue[0][0], self._closed_until())

    def free(self, lane: Lane) -> None:
        """The lane's message is no longer on its way; another may go."""
        self._free += lane.has_slot
        lane.has_slot = False

    def finish(self, lane: Lane) -> None:
        """What became of the lane's message is noted; the next one may start at `ready_at`."""
        self.free(lane)
        self._busy -= 1
        lane.stage = _Stage.IDLE
        self._enqueue(lane)
        self._drop_if_done(lane)

    def _closed_until(self) -> float:
        return max(self.hold_until, self._rest_until)

    def _may_start(self) -> bool:
        return self._busy == 0 if self.is_open else self._free > 0 and self._busy < _MOST_BUSY

    def _enqueue(self, lane: Lane) -> None:
        if lane.stage is _Stage.IDLE and lane.rows and not lane.holds:
            lane.stage = _Stage.QUEUED
            self._count += 1
            heapq.heappush(self._queue, (lane.ready_at, self._count, lane))

    def _drop_if_done(self, lane: Lane) -> None:
        if not lane.rows and lane.stage is not _Stage.BUSY and not lane.holds:
            self._lanes.pop(lane.incident, None)
