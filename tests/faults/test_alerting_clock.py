"""The clock is set an hour forward or back under running alerting: nothing is called off, nobody is flooded."""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerting.alert import RULE_BLIND
from alerting.dispatcher import Equipment
from alerting.muting.calendar import Calendar, CalendarConfig, IntervalConfig, TimeRangeConfig
from alerting.muting.silence import draw_up
from alerting.routing.tree import Node, Timers
from alerting.rules.policy import Missing
from tests.alerting.alarm import VIRTUAL, Alarm, a_rule, alarm
from tests.alerting.desk import ONCALL, equipment
from tests.fakes.pager import Pager
from tests.fakes.reader import Answer, FakeReader, dawdle

pytestmark = VIRTUAL

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
BOTH_WAYS = pytest.mark.parametrize("step", [HOUR, -HOUR], ids=["forward", "back"])
EVERY = 30 * SECOND
TIMERS = {"every": EVERY, "over": 5 * MINUTE, "for_": 10 * MINUTE, "keep_firing_for": 10 * MINUTE}
RULES = tuple(a_rule(str(missing), missing=missing, **TIMERS) for missing in Missing)


class Stamped:
    """What a collector on the machine stored: each value under the time that its clock showed."""

    def __init__(self) -> None:
        self._stamps: list[datetime] = []
        self._values: list[dict[str, float]] = []

    def note(self, at: datetime, **values: float) -> None:
        place = bisect_right(self._stamps, at)
        self._stamps.insert(place, at)
        self._values.insert(place, values)

    def seen(self, at: datetime) -> Answer:
        """The newest value of each host in the five minutes before."""
        first, last = bisect_right(self._stamps, at - 5 * MINUTE), bisect_right(self._stamps, at)
        return {host: value for values in self._values[first:last] for host, value in values.items()}


async def measure(it: Alarm, store: Stamped, minutes: float, **values: float) -> None:
    """Let time pass, with a value of each host every 30 seconds."""
    for _ in range(round(minutes * 2)):
        store.note(it.clock.now(), **values)
        await it.desk.settle(30, turns=20)


@BOTH_WAYS
async def test_a_step_ends_no_alert_and_no_timer(tmp_path: Path, step: timedelta) -> None:
    """What fires goes on, though an hour ago it was well, and there is no data for a moment after the step; what was
    bad for two minutes fires no sooner than it would have, and what was well for two minutes ends no sooner.
    """
    store, pager = Stamped(), Pager()
    async with alarm(
        tmp_path / "a.sqlite", RULES, FakeReader(store.seen), equipment({ONCALL: pager}), start=START
    ) as it:
        await measure(it, store, 12, bad=5, late=5, calm=95)
        await measure(it, store, 50, bad=95, late=5, calm=95)
        await measure(it, store, 2, bad=95, late=95, calm=5)
        told, elapsed = len(pager.heard), it.clock.monotonic()
        stands = {"bad": "firing", "late": "pending", "calm": "firing"}
        states = {f"{missing}/{host}": state for missing in Missing for host, state in stands.items()}
        assert it.states() == states
        it.clock.step(step)
        await it.rest(minutes=2)
        await measure(it, store, 5, bad=95, late=95, calm=5)
        assert (it.states(), len(pager.heard)) == (states, told)
        await measure(it, store, 75 if step < timedelta(0) else 5, bad=95, late=95, calm=5)
        assert it.states() == {name: "firing" for name in states if not name.endswith("calm")}
        after = [at for at, message in pager.heard[told:]]
        assert min(after) - it.clock.now() >= timedelta(seconds=elapsed + 480 - it.clock.monotonic() - 30)
        await measure(it, store, 20, bad=5, late=5, calm=5)
        assert (pager.is_open(), pager.told(RULE_BLIND)) == ([], [])


@BOTH_WAYS
async def test_a_step_in_an_evaluation_drops_that_alone(tmp_path: Path, step: timedelta) -> None:
    """What was asked before the step says nothing of the time after it; the rule is asked again at its next turn."""
    store = FakeReader(lambda _: {"a": 95.0})
    async with alarm(tmp_path / "a.sqlite", [a_rule()], store, equipment({ONCALL: Pager()}), start=START) as it:
        await it.rest(minutes=1)
        store.takes_s = 3.0
        await it.rest(seconds=11)
        it.clock.step(step)
        store.takes_s = 0.0
        await it.rest(seconds=20)
        (status,) = it.evaluator.statuses()
        assert status.last_evaluation is not None
        assert timedelta(0) <= it.clock.now() - status.last_evaluation <= 10 * SECOND
        assert it.count("tocsin_alerting_evaluations_missed_total", reason="clock") == 1
        assert it.states() == {"Hot/a": "firing"}


async def test_a_step_back_while_lines_are_waited_for_stops_no_rule(tmp_path: Path) -> None:
    """How long an evaluation waits for the last lines of its window is no matter of the time of day."""
    async with alarm(
        tmp_path / "a.sqlite", [a_rule()], FakeReader(lambda _: {"a": 5.0}), equipment({ONCALL: Pager()}), start=START
    ) as it:
        it.lag.seconds = 0.5
        await it.rest(seconds=10.2)
        it.clock.step(-HOUR)
        await it.rest(seconds=30)
        (status,) = it.evaluator.statuses()
        assert status.last_evaluation is not None
        assert it.clock.now() - status.last_evaluation <= 12 * SECOND


@BOTH_WAYS
async def test_silences_end_at_their_time_of_day(tmp_path: Path, step: timedelta) -> None:
    """One that has begun stays in force whatever the clock is set to, until the clock shows its end."""
    pager, ends_at = Pager(), START + 2 * HOUR
    async with alarm(
        tmp_path / "a.sqlite", [a_rule()], FakeReader(lambda _: {"a": 95.0}), equipment({ONCALL: pager}), start=START
    ) as it:
        words = {"author": "ann", "comment": "moving house"}
        one = draw_up("s1", ["alertname=Hot"], starts_at=START, ends_at=ends_at, now=it.clock.now(), **words)
        await it.desk.dispatcher.silence(one)
        await it.rest(minutes=30)
        it.clock.step(step)
        await it.until(ends_at - SECOND)
        assert pager.tried == []
        await it.rest(seconds=10)
        assert [name for name, _ in pager.story()] == ["Hot"]


@BOTH_WAYS
async def test_a_mute_calendar_follows_the_time_of_day(tmp_path: Path, step: timedelta) -> None:
    """What the hour holds back is told when the clock shows that the hour is over, and no sooner."""
    over_at = START + 2 * HOUR
    night = IntervalConfig(times=(TimeRangeConfig(start_time="00:00", end_time="14:00"),))
    equipped = Equipment(
        tree=Node(receiver="oncall", group_by=("alertname",), timers=Timers(mute=("night",))),
        receivers=frozenset({"oncall"}),
        calendars={"night": Calendar(CalendarConfig(name="night", time_intervals=(night,)))},
        notifiers={ONCALL: (pager := Pager())},
    )
    async with alarm(tmp_path / "a.sqlite", [a_rule()], FakeReader(lambda _: {"a": 95.0}), equipped, start=START) as it:
        await it.rest(minutes=30)
        it.clock.step(step)
        await it.until(over_at - SECOND)
        assert pager.tried == []
        await it.rest(seconds=10)
        assert [name for name, _ in pager.story()] == ["Hot"]


@BOTH_WAYS
async def test_a_step_repeats_nothing_early_and_floods_nobody(tmp_path: Path, step: timedelta) -> None:
    """Thirty open incidents, one of them on its way to a slow receiver: the step alone makes nobody hear anything, and
    each is repeated once, no later than its interval after the step.
    """
    pager = Pager()
    tree = Node(receiver="oncall", group_by=("alertname", "host"), timers=Timers(repeat=2 * HOUR))
    equipped = equipment({ONCALL: pager}, tree)
    hosts = [f"h{number}" for number in range(30)]
    store = FakeReader(lambda _: dict.fromkeys(hosts, 95.0))
    async with alarm(tmp_path / "a.sqlite", [a_rule(every=MINUTE)], store, equipped, start=START) as it:
        pager.trouble = lambda: dawdle(3)
        await it.rest(seconds=2)
        it.clock.step(step)
        await it.rest(minutes=20)
        assert len(pager.heard) == len(pager.tried) == len(hosts)
        await it.rest(minutes=150)
        assert len(pager.heard) == 2 * len(hosts)
        assert len(pager.opened) == len(hosts)
