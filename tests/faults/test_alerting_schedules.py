"""Random hours of alerting: values, gaps, a failing store, restarts, edits, silences, a failing receiver.

Six schedules, always the same, in every run of the tests; as many new ones as wanted with TOCSIN_SCHEDULES=1000.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from alerting.alert import Change
from alerting.memory.contract import Notification, Outcome, Suppression
from alerting.muting.silence import draw_up
from alerting.notify.contract import Status, Unreachable
from alerting.routing.tree import Node
from alerting.rules.policy import Missing
from alerting.rules.rule import Rule
from store.errors import StoreUnavailable
from tests.alerting.alarm import VIRTUAL, Alarm, a_rule, alarm
from tests.alerting.desk import ONCALL, equipment
from tests.alerting.histories import EVERY, Seen, reread
from tests.fakes.loop_clock import LoopClock
from tests.fakes.pager import Pager
from tests.fakes.reader import Answer, FakeReader

pytestmark = VIRTUAL

SCHEDULES = int(os.environ.get("TOCSIN_SCHEDULES", "0"))
START = datetime(2026, 1, 1, tzinfo=UTC)
TICKS = 180
QUIET = timedelta(minutes=36)
"""Longer than anything that may still hold an alert, a notice or a message back."""
WELL = 5.0
HOSTS = ("a", "b")
AUDIBLE = {change.value for change in Change if change.audible}
Spells = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Schedule:
    """What happens at each of `TICKS` evaluations: a value for each host (None: a gap), and spells, each a first tick
    and a length, in which the store or the receiver fails. `events` come between two ticks.
    """

    values: Sequence[Sequence[float | None]]
    blind: Spells
    deaf: Spells
    events: Sequence[tuple[int, str]]
    missing: Missing

    def history(self, host: str) -> list[Seen]:
        """As the oracle reads it."""
        return [
            Seen(value, failed=_falls_into(tick, self.blind))
            for tick, value in enumerate(self.values[HOSTS.index(host)])
        ]


def _falls_into(tick: float, spells: Spells) -> bool:
    return any(first <= tick < first + length for first, length in spells)


def a_life() -> st.SearchStrategy[list[float | None]]:
    """The values of a host, in stretches that begin with a real one."""
    stretch = st.tuples(st.integers(1, 30), st.sampled_from([WELL, 95.0, 99.0, None]))

    def stretched(stretches: list[tuple[int, float | None]]) -> list[float | None]:
        values = [WELL, *(value for length, value in stretches for _ in range(length))][:TICKS]
        return [*values, *[values[-1]] * (TICKS - len(values))]

    return st.lists(stretch, min_size=4, max_size=20).map(stretched)


spells = st.lists(st.tuples(st.integers(0, TICKS - 1), st.integers(1, 40)), max_size=3)
events = st.tuples(st.integers(1, TICKS - 1), st.sampled_from(["restart", "kill", "edit", "silence"]))
schedules = st.builds(
    Schedule,
    values=st.tuples(*(a_life() for _ in HOSTS)),
    blind=spells,
    deaf=spells,
    events=st.lists(events, max_size=6, unique_by=lambda event: event[0]).map(sorted),
    missing=st.sampled_from(Missing),
)


class World:
    """The schedule as store and receiver know it, by the clock."""

    def __init__(self, schedule: Schedule, clock: LoopClock) -> None:
        self.pager = Pager(self._hear)
        self.store = FakeReader(self._answer)
        self._schedule = schedule
        self._clock = clock

    def _answer(self, at: datetime) -> Answer:
        tick = (at - START) // EVERY
        if tick >= TICKS:
            return dict.fromkeys(HOSTS, WELL)
        if _falls_into(tick, self._schedule.blind):
            raise StoreUnavailable("away")
        found = {host: values[tick] for host, values in zip(HOSTS, self._schedule.values, strict=True)}
        return {host: value for host, value in found.items() if value is not None}

    async def _hear(self) -> None:
        if _falls_into((self._clock.now() - START) / EVERY, self._schedule.deaf):
            raise Unreachable("away")


def rule_of(schedule: Schedule) -> Rule:
    timers = {"for_": 3 * EVERY, "keep_firing_for": 6 * EVERY}
    return a_rule(critical="> 98", resolve="< 50", missing=schedule.missing, **timers)


async def silence(it: Alarm) -> None:
    """Mute one of the hosts for ten minutes."""
    now, words = it.clock.now(), {"author": "ann", "comment": "moving house"}
    ends_at = now + timedelta(minutes=10)
    one = draw_up(f"s{now}", ["host=a"], starts_at=now, ends_at=ends_at, now=now, **words)
    await it.desk.dispatcher.silence(one)


async def told_of(it: Alarm) -> dict[str, Sequence[Notification]]:
    """Incident -> all that was to be said of it, of each transition that people are to hear of."""
    story = [one for one in await it.story() if one.change in AUDIBLE]
    return {one.incident: await it.desk.memory.messages(one.incident) for one in story}


MUTED_THROUGHOUT = Schedule(
    values=([WELL] * 10 + [95.0] * 20 + [WELL] * (TICKS - 30), [WELL] * TICKS),
    blind=[],
    deaf=[],
    events=[(5, "silence")],
    missing=Missing.KEEP,
)


@pytest.mark.timeout(180 + 20 * SCHEDULES)
@given(schedule=schedules)
@example(schedule=MUTED_THROUGHOUT)
@settings(
    max_examples=SCHEDULES or 6,
    derandomize=not SCHEDULES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    print_blob=True,
)
async def test_whatever_happens_nothing_is_lost_doubled_or_called_off_falsely(
    tmp_path_factory: pytest.TempPathFactory, schedule: Schedule
) -> None:
    """The alerts stand as the whole history says when it is read at once; every transition was told, or kept from
    people by name; no incident is called off that was not opened, or opened again; in the end all is told to be over.
    """
    clock = LoopClock(START - timedelta(seconds=1))
    world, path = World(schedule, clock), tmp_path_factory.mktemp("schedule") / "a.sqlite"
    tree = Node(receiver="oncall", group_by=("alertname", "host"))
    rule = rule_of(schedule)
    rest = [*schedule.events, (TICKS, "end")]
    while rest:
        async with alarm(path, [rule], world.store, equipment({ONCALL: world.pager}, tree), clock=clock) as it:
            while rest:
                tick, event = rest.pop(0)
                await it.until(START + (tick - 0.5) * EVERY)
                if event == "silence":
                    await silence(it)
                elif event == "edit":
                    rule = replace(rule, summary=f"edited at {tick}")
                    await it.evaluator.replace([rule])
                elif event == "end":
                    await judge(it, schedule)
                    await it.until(START + TICKS * EVERY + QUIET)
                    await judge_end(it, world.pager, schedule)
                else:
                    it.desk.sender.was_cut_off = event == "kill"
                    break


async def judge(it: Alarm, schedule: Schedule) -> None:
    """Whether every alert stands as the oracle says."""
    policy = rule_of(schedule).policy
    stands = {host: reread(policy, schedule.history(host))[-1] for host in HOSTS}
    expected = {
        f"Hot/{host}": (one.state, one.level) for host, one in stands.items() if one and one.state != "inactive"
    }
    active = (alert for status in it.evaluator.statuses() for alert in status.alerts)
    assert {f"Hot/{dict(one.labels)['host']}": (one.state.value, one.level) for one in active} == expected


async def judge_end(it: Alarm, pager: Pager, schedule: Schedule) -> None:
    """Whether all was told, once, in order, or is named; and is over."""
    assert it.states() == {}
    assert pager.is_open() == []
    assert pager.stray == [] or "kill" in {event for _, event in schedule.events}
    for incident in pager.opened:
        statuses = [message.status for _, message in pager.heard if message.incident == incident]
        assert statuses.index(Status.RESOLVED) == len(statuses) - 1
    assert await it.desk.memory.count(Outcome.PENDING) == 0
    for incident, rows in (await told_of(it)).items():
        assert incident
        assert rows
        assert all(row.state is Outcome.SENT or row.reason in set(Suppression) for row in rows)
