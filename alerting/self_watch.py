"""Asks about once a second whether all notifiers take messages, and records what follows as the evaluator would.

`app` runs it. The invariant: an alert changes only after the recorder has stored the change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from alerting.contract import Recorder
from alerting.lane import ChannelHealth
from alerting.metrics import DispatchMetrics
from alerting.reach import Reach
from foundation.clock import Clock
from foundation.logs import logger

_log = logger("alerting.self_watch")
_LOOK_S = 1.0


class SelfWatch:
    """Looks after the notifiers until it is cancelled. `channels` tells how they do now."""

    def __init__(
        self,
        reach: Reach,
        channels: Callable[[], Sequence[ChannelHealth]],
        *,
        recorder: Recorder,
        clock: Clock,
        metrics: DispatchMetrics,
    ) -> None:
        self._reach = reach
        self._channels = channels
        self._recorder = recorder
        self._clock = clock
        self._metrics = metrics

    async def run(self) -> None:
        """Look again and again."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_S)

    async def look(self) -> None:
        """Keep the alerts in step with the notifiers. Raises nothing: what cannot be stored is decided again."""
        now = self._clock.now()
        decision = self._reach.decide(self._channels(), now)
        try:
            if not decision.is_empty:
                await self._recorder.record(decision.evaluation, now=now)
        except Exception as error:  # noqa: BLE001 - not stored, not happened; whatever broke, the watch goes on
            self._metrics.memory_failures.inc()
            _log.error("what was found about notifiers cannot be recorded", error=error)
            return
        self._reach.accept(decision)
        for change in decision.evaluation.transitions:
            labels = dict(change.alert.labels)
            _log.warning("notifier", receiver=labels["receiver"], notifier=labels["notifier"], why=change.reason)
        self._metrics.failing_notifiers.set(len(self._reach.active))
