"""The whole of alerting put together as `alerting.app` does it: rules over a store that can fail, a real SQLite file,
notifiers that can fail, the watch over both, in virtual time.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from alerting.alert import Alert
from alerting.dispatcher import Equipment
from alerting.evaluator import Evaluator
from alerting.memory.contract import HistoryEntry
from alerting.memory.writer import Prepare, Writer
from alerting.metrics import DispatchMetrics, EvaluatorMetrics
from alerting.reach import Reach
from alerting.rules.rule import Rule
from alerting.self_watch import SelfWatch
from alerting.send import Pace
from store.contract import Reader
from tests.alerting.desk import T0, Desk, desk
from tests.fakes.loop_clock import LoopClock
from tests.fakes.writer import InlineWriter

VIRTUAL = pytest.mark.looptime(noop_cycles=1)
"""No other thread has to be waited for here, so time flies without a pause."""
REAL_PACE = Pace()
QUERY = "SELECT mean(cpu) FROM m GROUP BY host"


def a_rule(name: str = "Hot", query: str = QUERY, **changes: object) -> Rule:
    """A rule over 10 s every 10 s that warns over 90."""
    settings: dict[str, object] = {"over": timedelta(seconds=10), "every": timedelta(seconds=10), "warn": "> 90"}
    return Rule(alert=name, query=query, **{**settings, **changes})  # type: ignore[arg-type]  # mixed on purpose


@dataclass
class Behind:
    """A collector that says how far it is behind; None: it does not say."""

    seconds: float | None = 0.0

    async def behind_s(self) -> float | None:
        return self.seconds


@dataclass
class Alarm:
    """Alerting at work."""

    desk: Desk
    evaluator: Evaluator
    reach: Reach
    clock: LoopClock
    lag: Behind
    counts: CollectorRegistry = field(repr=False)

    async def until(self, moment: datetime) -> None:
        """Let time pass until then by the clock on the wall, and everything that follows from it happen."""
        await self.desk.settle(max((moment - self.clock.now()).total_seconds(), 0.0))

    async def rest(self, **span: float) -> None:
        """Let so much time pass."""
        await self.desk.settle(timedelta(**span).total_seconds())

    async def story(self, rule: str | None = None) -> list[HistoryEntry]:
        """Every transition, oldest first."""
        return [*reversed(await self.desk.memory.history(10_000, rule=rule))]

    def count(self, name: str, **labels: str) -> float:
        """What a metric of the evaluator shows."""
        return self.counts.get_sample_value(name, labels) or 0.0

    def states(self) -> dict[str, str]:
        """rule/host -> state of every alert that is active."""
        return {_name(alert): alert.state.value for alert in self.evaluator.alerts()}


def _name(alert: Alert) -> str:
    host = dict(alert.labels).get("host", "")
    return f"{alert.rule}/{host}" if host else alert.rule


@contextlib.asynccontextmanager
async def alarm(  # noqa: PLR0913 - a composition root is handed each collaborator by name
    path: Path,
    rules: Sequence[Rule],
    reader: Reader,
    equipped: Equipment,
    *,
    start: datetime = T0,
    clock: LoopClock | None = None,
    writer: Callable[[Path, Prepare], Writer] = InlineWriter,
    pace: Pace = REAL_PACE,
) -> AsyncIterator[Alarm]:
    """Alerting over the file at `path`, going on where it stands; its clock is the loop's, from `start` on."""
    clock = clock or LoopClock(start)
    async with desk(path, equipped, writer=writer, clock=clock, pace=pace) as it:
        kept = [one.alert for one in await it.memory.alerts()]
        reach = Reach(alert for alert in kept if alert.rule == Reach.RULE)
        counts, lag = CollectorRegistry(), Behind()
        evaluator = Evaluator(
            rules,
            {alert.fingerprint: alert for alert in kept if alert.rule != Reach.RULE},
            reader=reader,
            recorder=it.dispatcher,
            lag=lag,
            clock=clock,
            metrics=EvaluatorMetrics(counts),
        )
        watch = SelfWatch(
            reach, it.sender.health, recorder=it.dispatcher, clock=clock, metrics=DispatchMetrics(CollectorRegistry())
        )
        loops = [asyncio.create_task(evaluator.run()), asyncio.create_task(watch.run())]
        try:
            yield Alarm(it, evaluator, reach, clock, lag, counts)
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
