"""The sign of life: given while alarms would get out, withheld otherwise."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from alerting.config import HeartbeatConfig
from alerting.heartbeat import Heartbeat
from alerting.memory.contract import MemoryFailed, Outcome
from alerting.memory.sqlite import SqliteMemory
from alerting.metrics import HeartbeatMetrics
from alerting.rules.rule import Rule
from alerting.watch import Health, RuleStatus
from foundation.secret import Secret
from tests.fakes.clock import ManualClock
from tests.fakes.polling import until
from tests.fakes.service import Answer, FakeService

RULE = Rule(
    alert="Slow", query="SELECT mean(x) FROM m", over=timedelta(minutes=1), every=timedelta(seconds=10), warn="> 3"
)


class FakeSwitch(FakeService):
    """A dead man's switch."""

    path = "/ping-secret"

    def __init__(self) -> None:
        super().__init__()
        self.signs = 0

    async def judge(self, request: web.Request) -> web.Response:
        del request
        self.signs += 1
        return web.Response(text="OK")


class FailingMemory(SqliteMemory):
    """Memory whose disk fails while `fails`."""

    fails = False

    async def count(self, outcome: Outcome, *, since: datetime | None = None) -> int:
        if self.fails:
            raise MemoryFailed("the disk is full")
        return await super().count(outcome, since=since)


@dataclass
class Ward:
    """One heartbeat and everything that it looks at."""

    switch: FakeSwitch
    memory: FailingMemory
    clock: ManualClock
    registry: CollectorRegistry
    metrics: HeartbeatMetrics
    statuses: list[RuleStatus] = field(default_factory=list)
    oldest_s: float = 0.0

    def count(self, outcome: str) -> float:
        return self.registry.get_sample_value("tocsin_alerting_heartbeats_total", {"outcome": outcome}) or 0.0

    async def beats(self) -> None:
        """One beat, to its end."""
        config = HeartbeatConfig(url=Secret(self.switch.url), every=timedelta(hours=1), patience=timedelta(minutes=5))
        heartbeat = Heartbeat(
            config,
            self.memory,
            statuses=lambda: tuple(self.statuses),
            oldest_s=lambda: self.oldest_s,
            clock=self.clock,
            metrics=self.metrics,
        )
        before = self._told()
        task = asyncio.create_task(heartbeat.run())
        try:
            await until(lambda: self._told() > before, what="a beat")
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _told(self) -> float:
        return sum(self.count(outcome) for outcome in ("sent", "failed", "withheld"))


def status(health: Health = Health.OK, evaluated: datetime | None = None) -> RuleStatus:
    return RuleStatus(
        rule=RULE, health=health, error=None, last_evaluation=evaluated, duration_s=0.1, series=1, alerts=()
    )


@pytest.fixture
async def ward(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Ward]:
    memory = FailingMemory(tmp_path / "a.sqlite")
    await memory.open()
    async with FakeSwitch() as switch:
        registry = CollectorRegistry()
        yield Ward(switch, memory, clock, registry, HeartbeatMetrics(registry))
    await memory.close()


async def test_a_sign_is_given_while_all_is_well(ward: Ward) -> None:
    """Also without a rule; each is counted."""
    await ward.beats()
    ward.statuses = [status(evaluated=ward.clock.now()), status(Health.BLIND, ward.clock.now())]
    await ward.beats()
    assert (ward.switch.signs, ward.count("sent")) == (2, 2)


def wait_too_long(ward: Ward) -> None:
    ward.oldest_s = 301


def fail_memory(ward: Ward) -> None:
    ward.memory.fails = True


def go_blind(ward: Ward) -> None:
    ward.statuses = [status(Health.BLIND, ward.clock.now())]


def stand_still(ward: Ward) -> None:
    ward.statuses = [status(evaluated=ward.clock.now() - timedelta(seconds=61)), status(evaluated=ward.clock.now())]


@pytest.mark.parametrize("trouble", [wait_too_long, fail_memory, go_blind, stand_still])
async def test_no_sign_is_given_while_alarms_would_not_get_out(ward: Ward, trouble: Callable[[Ward], None]) -> None:
    """A message that waits too long, a memory that fails, rules that cannot be evaluated or are not."""
    trouble(ward)
    await ward.beats()
    assert (ward.switch.signs, ward.count("withheld")) == (0, 1)


async def test_an_address_that_does_not_take_it_is_counted(ward: Ward) -> None:
    """The next sign is tried all the same."""
    ward.switch.misbehave(Answer(503))
    await ward.beats()
    await ward.beats()
    assert (ward.count("failed"), ward.count("sent")) == (1, 1)


def test_times_that_cannot_work_are_refused() -> None:
    """Less than a second, and an address that is none."""
    with pytest.raises(ValueError, match="at least 1s"):
        HeartbeatConfig(url=Secret("https://example.org/x"), every=timedelta(0))
    with pytest.raises(ValueError, match="is not a URL"):
        HeartbeatConfig(url=Secret("example.org"))
