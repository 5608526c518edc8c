"""The sending half put together over a real SQLite file and notifiers that only remember."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import CollectorRegistry

from alerting.alert import Alert, Change, Evaluation, Level, State, Transition, labels_of
from alerting.dispatcher import Dispatcher, Equipment
from alerting.lane import ChannelKey
from alerting.memory.contract import Outcome
from alerting.memory.sqlite import SqliteMemory
from alerting.memory.writer import Prepare, Writer
from alerting.metrics import DispatchMetrics
from alerting.notify.contract import Notifier
from alerting.routing.tree import Node, Timers
from alerting.send import Pace, Sender
from foundation.backoff import Backoff
from foundation.clock import Clock
from tests.fakes.loop_clock import LoopClock
from tests.fakes.writer import InlineWriter

T0 = datetime(2026, 1, 1, tzinfo=UTC)
ONCALL = ChannelKey("oncall", "pagerduty[0]")
PACE = Pace(timeout_s=5.0, slots=4, backoff=Backoff(first_s=1.0, most_s=8.0))
REST_S = 0.4


def equipment(notifiers: Mapping[ChannelKey, Notifier], tree: Node | None = None) -> Equipment:
    root = tree or Node(receiver="oncall", group_by=("alertname",), timers=Timers())
    return Equipment(tree=root, receivers=frozenset(key.receiver for key in notifiers), notifiers=notifiers)


def change(
    kind: Change,
    name: str = "Slow",
    level: Level = Level.CRITICAL,
    at: datetime = T0,
    **labels: str,
) -> Transition:
    """A transition of the alert `name` with `labels`; its summary is `name kind`."""
    state = {Change.RESOLVED: State.INACTIVE, Change.CANCELLED: State.INACTIVE, Change.PENDING: State.PENDING}
    state[Change.DATA_LOST] = State.NO_DATA
    alert = Alert(
        rule=name,
        labels=labels_of({"alertname": name, **labels}),
        state=state.get(kind, State.FIRING),
        level=Level.OK if kind is Change.RESOLVED else level,
        value=1.0,
        since=at,
        fired_at=at,
    )
    before = State.INACTIVE if kind in (Change.FIRED, Change.PENDING) else State.FIRING
    words = {"summary": f"{name} {kind.value}"}
    return Transition(alert=alert, before=before, change=kind, at=at, reason="because", annotations=words)


def evaluation(*transitions: Transition) -> Evaluation:
    return Evaluation(
        rule=transitions[0].alert.rule,
        at=transitions[0].at,
        saved=tuple(transition.alert for transition in transitions),
        transitions=transitions,
    )


@dataclass
class Desk:
    """A running dispatcher. `say` records transitions as the evaluator would, now."""

    dispatcher: Dispatcher
    sender: Sender
    memory: SqliteMemory
    clock: Clock
    registry: CollectorRegistry

    async def say(self, *transitions: Transition) -> None:
        now = self.clock.now()
        moved = (replace(transition, at=now) for transition in transitions)
        await self.dispatcher.record(evaluation(*moved), now=now)

    async def settle(self, seconds: float = 0.0, turns: int = 200) -> None:
        """Let `seconds` of the loop's (virtual) time pass, and everything that follows from it happen."""
        await asyncio.sleep(seconds)
        for _ in range(turns):
            await asyncio.sleep(0)

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


@contextlib.asynccontextmanager
async def desk(
    path: Path,
    equipped: Equipment,
    *,
    writer: Callable[[Path, Prepare], Writer] = InlineWriter,
    running: bool = True,
    clock: Clock | None = None,
    pace: Pace = PACE,
) -> AsyncIterator[Desk]:
    """A desk over the file at `path`, with its loops running; its clock is the loop's, from `T0` on.

    It stops as the role does: what is on its way has a moment to arrive, and the file knows whether it did.
    """
    registry = CollectorRegistry()
    metrics = DispatchMetrics(registry)
    clock = clock or LoopClock()
    memory = SqliteMemory(path, writer=writer)
    await memory.open()
    sender = Sender(memory, clock=clock, metrics=metrics, luck=lambda: 0.0, pace=pace)
    dispatcher = Dispatcher(memory, sender, clock=clock, metrics=metrics)
    loops: list[asyncio.Task[None]] = []
    try:
        await dispatcher.open(equipped)
        if running:
            loops = [asyncio.create_task(dispatcher.run()), asyncio.create_task(sender.run())]
        yield Desk(dispatcher, sender, memory, clock, registry)
    finally:
        await sender.rest(REST_S)
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await memory.close(clean=not sender.was_cut_off)


async def outcomes(it: Desk) -> list[tuple[str, str, str]]:
    """(notifier, state, reason) of the whole outbox, in the order in which it was stored."""
    rows = [row for outcome in Outcome for row in await it.memory.notifications(outcome)]
    return [(row.notifier, row.state.value, row.reason) for row in sorted(rows, key=lambda row: row.id)]


def break_memory(it: Desk, times: int) -> None:
    writer = it.memory._writer
    assert isinstance(writer, InlineWriter)
    writer.faults += [sqlite3.OperationalError("disk is full")] * times
