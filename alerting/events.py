"""Every transition as a line of `alert_event`, for boards to annotate.

The dispatcher offers what it stored; the front door says where lines go. The invariant: history in the store is a
courtesy, it never waits for and never delays a page; what is refused, and what comes when too much waits for a
collector that is away, is counted and let go.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta

from alerting.acknowledgement import ACKNOWLEDGED, RELEASED
from alerting.alert import State
from alerting.memory.contract import HistoryEntry
from alerting.metrics import EventMetrics
from foundation.backoff import Backoff
from foundation.errors import Permanent, Transient
from foundation.line_protocol.encode import encode
from foundation.line_protocol.line import LineError
from foundation.logs import logger

Publish = Callable[[bytes], Awaitable[None]]
"""Takes line protocol with nanosecond timestamps. Raises Transient where the same lines may be taken later; anything
else counts them as failed."""

_log = logger("alerting.events")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_WAITING = 10_000
_OF_HANDS = frozenset({ACKNOWLEDGED, RELEASED})
_MOST_LINES = 1_000
_BACKOFF = Backoff(first_s=1.0)


class EventLog:
    """Hands transitions to `publish`, a few at a time."""

    def __init__(self, publish: Publish, metrics: EventMetrics, luck: Callable[[], float] = random.random) -> None:
        self._publish = publish
        self._luck = luck
        self._metrics = metrics
        self._waiting: deque[bytes] = deque()
        self._wake = asyncio.Event()

    def offer(self, entries: Iterable[HistoryEntry]) -> None:
        """Write these some time soon; what does not fit is dropped and counted."""
        for index, entry in enumerate(entries):
            if len(self._waiting) >= _MOST_WAITING:
                self._metrics.events.labels("dropped").inc()
                continue
            try:
                self._waiting.append(line(entry, index))
            except LineError as error:
                _log.warning("a transition cannot be written as a line", alert=entry.rule, reason=str(error))
                self._metrics.events.labels("failed").inc()
        self._wake.set()

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                lines = [self._waiting.popleft() for _ in range(min(len(self._waiting), _MOST_LINES))]
                attempt = 0
                while not await self._write(lines):
                    await asyncio.sleep(_BACKOFF.delay_s(attempt, self._luck()))
                    attempt += 1

    async def _write(self, lines: list[bytes]) -> bool:
        """Whether these lines are done with. Written twice they are the same points, so trying again harms nothing."""
        try:
            await self._publish(b"\n".join(lines) + b"\n")
        except Transient as error:
            _log.warning("the history of alerts is not in the store yet", lines=len(lines), reason=str(error))
            self._metrics.events.labels("retried").inc(len(lines))
            return False
        except Exception as error:  # noqa: BLE001 - whatever goes wrong with a courtesy, it must not end the paging
            bug = None if isinstance(error, Permanent) else error
            _log.error("the history of alerts is not in the store", error=bug, lines=len(lines), reason=str(error))
            self._metrics.events.labels("failed").inc(len(lines))
        else:
            self._metrics.events.labels("published").inc(len(lines))
        return True


def line(entry: HistoryEntry, index: int) -> bytes:
    """A transition as a line. `index` nanoseconds keep apart what has the same tags and time: they are one series.

    `opened` is 1 where people begin to have to know of an alert, -1 where that ends, else 0: its sum is how many are
    open. InfluxQL cannot pair a beginning with its end, so the end carries how long it was (`lasted_s`).
    """
    labels = dict(entry.labels)
    tags = {
        "alertname": labels.get("alertname", entry.rule),
        "severity": entry.severity,
        "state": entry.change if entry.change in _OF_HANDS else entry.state,
        "service": labels.get("service", ""),
    }
    known = {"value": entry.value, "lasted_s": entry.lasted_s}
    fields: dict[str, float | int | str] = {name: float(value) for name, value in known.items() if value is not None}
    fields["opened"] = State(entry.state).is_open - State(entry.before).is_open
    fields |= {"summary": entry.summary, "incident": entry.incident, "change": entry.change}
    at_ns = (entry.at - _EPOCH) // timedelta(microseconds=1) * 1000 + index
    return encode("alert_event", {name: value for name, value in tags.items() if value}, fields, at_ns)
