"""An evaluator at work over a store that answers what the test says, in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry

from alerting.alert import Alert, Change, Evaluation, Labels
from alerting.evaluator import Evaluator, Limits
from alerting.metrics import EvaluatorMetrics
from alerting.rules.rule import Rule
from tests.alerting.alarm import Behind
from tests.fakes.loop_clock import LoopClock
from tests.fakes.reader import Answer, FakeReader

START = datetime(2026, 1, 1, tzinfo=UTC)


def hot(host: str = "a", rule: str = "Hot") -> Labels:
    return (("alertname", rule), ("host", host))


@dataclass
class Notes:
    """A recorder that writes down what it was told; it takes its time, and fails, when told to."""

    evaluations: list[Evaluation] = field(default_factory=list)
    fails: bool = False
    fails_for: str = ""
    takes_s: float = 0.0
    most_at_once: int = 0
    _running: int = 0

    async def record(self, evaluation: Evaluation, *, now: datetime) -> None:
        if self.fails or self.fails_for == evaluation.rule:
            raise OSError("disk full")
        assert now >= evaluation.at
        self._running += 1
        self.most_at_once = max(self.most_at_once, self._running)
        await asyncio.sleep(self.takes_s)
        self._running -= 1
        self.evaluations.append(evaluation)

    @property
    def changes(self) -> list[tuple[float, str, Change]]:
        """(seconds since the start, host or rule, change) of every transition, in order."""
        return [
            (
                (change.at - START).total_seconds(),
                dict(change.alert.labels).get("host", change.alert.rule),
                change.change,
            )
            for evaluation in self.evaluations
            for change in evaluation.transitions
        ]


@dataclass
class Scene:
    evaluator: Evaluator
    reader: FakeReader
    notes: Notes
    lag: Behind
    clock: LoopClock
    registry: CollectorRegistry

    async def until(self, seconds: float) -> None:
        """Let time pass until this many seconds after the start."""
        await asyncio.sleep((START - self.clock.now()).total_seconds() + seconds)

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


@asynccontextmanager
async def evaluating(
    rules: Sequence[Rule],
    answer: Callable[[datetime], Answer],
    *,
    alerts: Mapping[str, Alert] | None = None,
    takes_s: float = 0.0,
    limits: Limits | None = None,
    start_s: float = -1,
) -> AsyncIterator[Scene]:
    """An evaluator at work, from `start_s` seconds after START on."""
    registry = CollectorRegistry()
    reader, notes, lag = FakeReader(answer, takes_s=takes_s), Notes(), Behind()
    clock = LoopClock(START + timedelta(seconds=start_s))
    evaluator = Evaluator(
        rules,
        alerts or {},
        reader=reader,
        recorder=notes,
        lag=lag,
        clock=clock,
        metrics=EvaluatorMetrics(registry),
        limits=limits,
    )
    task = asyncio.create_task(evaluator.run())
    try:
        yield Scene(evaluator, reader, notes, lag, clock, registry)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def seconds(at: datetime) -> float:
    return (at - START).total_seconds()
