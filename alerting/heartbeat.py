"""A sign of life to an outside address, for as long as alarms would get out: somebody has to watch the alarm itself.

Point it at a dead man's switch (a service that pages when it hears nothing). The composition root runs it. The
invariant: no sign is given while rules are not evaluated, while memory fails, or while a message waits for too long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from alerting.config import HeartbeatConfig
from alerting.memory.contract import Memory, MemoryFailed, Outcome
from alerting.metrics import HeartbeatMetrics
from alerting.notify.contract import Refusal, Unreachable
from alerting.notify.endpoint import Endpoint
from alerting.watch import Health, RuleStatus
from foundation.clock import Clock
from foundation.logs import logger

_log = logger("alerting.heartbeat")
_TIMEOUT_S = 10.0
_SICK = frozenset({Health.ERROR, Health.BLIND})


class Heartbeat:
    """Beats until it is cancelled. `statuses` are those of the rules, `oldest_s` the age of the oldest message."""

    def __init__(
        self,
        config: HeartbeatConfig,
        memory: Memory,
        *,
        statuses: Callable[[], tuple[RuleStatus, ...]],
        oldest_s: Callable[[], float],
        clock: Clock,
        metrics: HeartbeatMetrics,
    ) -> None:
        self._config = config
        self._memory = memory
        self._statuses = statuses
        self._oldest_s = oldest_s
        self._clock = clock
        self._metrics = metrics
        self._problem = ""

    async def run(self) -> None:
        """Give a sign every `every`, or say why not."""
        endpoint = Endpoint("the heartbeat's address", self._config.url, timeout_s=_TIMEOUT_S)
        try:
            while True:
                await self._beat(endpoint)
                await asyncio.sleep(self._config.every.total_seconds())
        finally:
            await endpoint.close()

    async def _beat(self, endpoint: Endpoint) -> None:
        now = self._clock.now()
        problem = await self._find_problem(now)
        if problem:
            self._tell(problem, "withheld")
            return
        try:
            await endpoint.post({"status": "ok", "at": now.isoformat()}, now=now)
        except (Refusal, Unreachable) as error:
            self._tell(str(error), "failed")
        else:
            self._metrics.heartbeats.labels("sent").inc()
            self._problem = ""

    async def _find_problem(self, now: datetime) -> str:
        """Why no alarm would get out; empty when one would."""
        try:
            _ = await self._memory.count(Outcome.PENDING)
        except MemoryFailed as error:
            return str(error)
        if self._oldest_s() > self._config.patience.total_seconds():
            return f"a message has waited for more than {self._config.patience}"
        statuses = self._statuses()
        if statuses and all(one.health in _SICK for one in statuses):
            return "no rule can be evaluated"
        late = [one for one in statuses if _overdue(one, now)]
        return f"rule {late[0].rule.alert} was not evaluated in time" if late else ""

    def _tell(self, problem: str, outcome: str) -> None:
        self._metrics.heartbeats.labels(outcome).inc()
        if problem != self._problem:
            _log.error("no heartbeat", outcome=outcome, reason=problem)
        self._problem = problem


def _overdue(status: RuleStatus, now: datetime) -> bool:
    """Whether a rule that was evaluated once was not since several times its pace."""
    most = max(status.rule.every * 4, timedelta(minutes=1))
    return status.last_evaluation is not None and now - status.last_evaluation > most
