"""Every rule is asked when it is due; whatever fails changes nothing; nothing counts before it is recorded."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from alerting.alert import Alert, Change, Evaluation, Labels
from alerting.evaluator import Evaluator, Limits
from alerting.metrics import EvaluatorMetrics
from alerting.rules.rule import Rule
from tests.fakes.loop_clock import LoopClock
from tests.fakes.reader import Answer, FakeReader

START = datetime(2026, 1, 1, tzinfo=UTC)
QUERY = "SELECT mean(cpu) FROM m GROUP BY host"

pytestmark = pytest.mark.looptime


def a_rule(name: str = "Hot", query: str = QUERY, **changes: object) -> Rule:
    settings: dict[str, object] = {"over": timedelta(seconds=10), "every": timedelta(seconds=10), "warn": "> 90"}
    return Rule(alert=name, query=query, **{**settings, **changes})  # type: ignore[arg-type]  # mixed on purpose


def hot(host: str = "a", rule: str = "Hot") -> Labels:
    return (("alertname", rule), ("host", host))


@dataclass
class Notes:
    """A recorder that writes down what it was told, and fails when told to."""

    evaluations: list[Evaluation] = field(default_factory=list)
    fails: bool = False

    async def record(self, evaluation: Evaluation, *, now: datetime) -> None:
        if self.fails:
            raise OSError("disk full")
        assert now >= evaluation.at
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
class Behind:
    seconds: float | None = 0.0

    async def behind_s(self) -> float | None:
        return self.seconds


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
) -> AsyncIterator[Scene]:
    """An evaluator at work since one second before START."""
    registry = CollectorRegistry()
    reader, notes, lag = FakeReader(answer, takes_s=takes_s), Notes(), Behind()
    clock = LoopClock(START - timedelta(seconds=1))
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


async def test_fires_and_resolves():
    """A value over the threshold fires at the tick that sees it, a good one resolves."""
    async with evaluating([a_rule()], lambda at: {"a": 95.0 if 10 <= seconds(at) < 30 else 50.0}) as scene:
        await scene.until(41)
        assert scene.notes.changes == [(10, "a", Change.FIRED), (30, "a", Change.RESOLVED)]


async def test_ticks_are_multiples_of_every():
    """Evaluations are made for multiples of `every` since 1970, with the window (t - over, t]."""
    async with evaluating([a_rule(over=timedelta(seconds=30))], lambda _: {}) as scene:
        await scene.until(11)
        ns = [int(START.timestamp() + tick) * 10**9 for tick in (0, 10)]
        assert scene.reader.queries == [
            QUERY.replace("GROUP", f"WHERE time > {at - 30 * 10**9} AND time <= {at} GROUP") for at in ns
        ]
