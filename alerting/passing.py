"""Looks for incidents whose receiver cannot be told, and says who is told instead. The dispatcher stores the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from alerting.detour import around, is_about_notifiers
from alerting.fallback import Fallback, echoes, is_needed, overdue, passed_on
from alerting.memory.contract import Draft, Memory, Outcome
from alerting.metrics import DispatchMetrics
from alerting.routing.group import Group
from alerting.send import Sender
from foundation.clock import Clock
from foundation.logs import logger

_log = logger("alerting.passing")
_LOOK_EVERY_S = 1.0
_MOST_REFUSED = 100
_REFUSED_LATELY = timedelta(hours=1)


class PassingOn:
    """Asked often, looks about once a second."""

    def __init__(self, memory: Memory, sender: Sender, *, clock: Clock, metrics: DispatchMetrics) -> None:
        self._memory = memory
        self._sender = sender
        self._clock = clock
        self._metrics = metrics
        self._fallbacks: Mapping[str, Fallback] = {}
        self._looked_at = 0.0

    def adopt(self, fallbacks: Mapping[str, Fallback]) -> None:
        """Pass on by these from now on, receiver -> its fallback."""
        self._fallbacks = fallbacks

    def with_others(self, group: Group, said: Sequence[Draft]) -> tuple[Draft, ...]:
        """What is said of a group, and what is said of it to others than its receiver."""
        fallback = self._fallbacks.get(group.key.receiver)
        notifiers = self._sender.notifiers(fallback.receiver) if fallback else ()
        if is_about_notifiers(group):
            return around(group, said, fallback.receiver if fallback else "", notifiers)
        return (*said, *(echoes(said, fallback, notifiers) if fallback else ()))

    async def due(self, incidents: Iterable[str]) -> tuple[Draft, ...]:
        """What is to be passed on now, of the open `incidents`. Raises MemoryFailed."""
        if not self._fallbacks or self._clock.monotonic() - self._looked_at < _LOOK_EVERY_S:
            return ()
        self._looked_at, now, is_open = self._clock.monotonic(), self._clock.now(), frozenset(incidents)
        refused = await self._memory.notifications(Outcome.FAILED, _MOST_REFUSED)
        recent = [row for row in refused if row.done_at is not None and now - row.done_at < _REFUSED_LATELY]
        found: list[Draft] = []
        late = overdue(self._sender.waited(), recent, self._fallbacks, now)
        for (incident, receiver), (row, waited) in late.items():
            fallback = self._fallbacks[receiver]
            told = await self._memory.messages(incident) if incident in is_open else ()
            if incident not in is_open or not is_needed(row, told, fallback):
                continue
            stored = next((one for one in told if one.id == row.id), row)
            found += passed_on(stored, waited, fallback, self._sender.notifiers(fallback.receiver))
            self._metrics.passed_on.labels(receiver, fallback.receiver).inc()
            _log.warning("a receiver cannot be told, another is", receiver=receiver, told=fallback.receiver)
        return tuple(found)
