"""Asks the store for every rule when it is due, and feeds the table of states with the answers.

    tick -> lag -> a round's queries -> concluding

`app` builds one, spawns `run` and calls `replace` at a reload; the API reads `statuses` and `alerts`. Invariants: a
rule never overlaps itself; whatever fails (query, answer, recorder) changes no alert. An evaluation is made for its
nominal time, a multiple of `every`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alerting.alert import Alert, State
from alerting.concluding import Asked, Conclusions, Plan
from alerting.contract import Lag, Recorder
from alerting.inquiry import Round, ask, rounds
from alerting.metrics import EvaluatorMetrics
from alerting.roster import Roster
from alerting.rules.recipe import Recipe
from alerting.rules.rule import Rule
from alerting.sight import Sight
from alerting.steps import Steps
from alerting.watch import Decision, Health, RuleStatus, Watch, ending
from foundation.clock import Clock
from foundation.logs import logger
from store.contract import Reader

_log = logger("alerting.evaluator")
_POLL_S = 0.1
_TINY_S = 0.001
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How hard the store is asked.

    `settle_s`: how long an evaluation may wait for lines that were acknowledged before its tick and are on their way to
    the store. `nap_s`: the longest sleep, so that a step of the clock is noticed.
    """

    queries_at_once: int = 8
    settle_s: float = 1.0
    nap_s: float = 5.0


@dataclass(slots=True)
class _Turn:
    """When a round is due next, and the evaluations that run: its own, or those of rounds that it was made of."""

    round: Round
    due: datetime
    running: tuple[asyncio.Task[None], ...] = ()

    @property
    def is_running(self) -> bool:
        return any(not task.done() for task in self.running)


class Evaluator:
    """Evaluates rules for as long as `run` runs."""

    def __init__(  # noqa: PLR0913 - a composition root hands over each collaborator by name
        self,
        rules: Iterable[Rule],
        alerts: Mapping[str, Alert],
        *,
        reader: Reader,
        recorder: Recorder,
        lag: Lag,
        clock: Clock,
        metrics: EvaluatorMetrics,
        limits: Limits | None = None,
    ) -> None:
        """`alerts` (by fingerprint) are those that were remembered; what no rule covers ends at the first chance."""
        self._reader = reader
        self._lag = lag
        self._clock = clock
        self._metrics = metrics
        self._limits = limits or Limits()
        self._slots = asyncio.Semaphore(self._limits.queries_at_once)
        self._running: set[asyncio.Task[None]] = set()
        self._steps = Steps(clock.now(), clock.monotonic())
        self._changed = asyncio.Event()
        self._turns: tuple[_Turn, ...] = ()
        own = [alert for alert in alerts.values() if alert.rule != Sight.RULE]
        self._sight = Sight(next((alert for alert in alerts.values() if alert.rule == Sight.RULE), None))
        self._roster = Roster(tuple(rules), own)
        self._conclusions = Conclusions(
            self._roster,
            recorder=recorder,
            clock=clock,
            metrics=metrics,
            steps=self._steps,
            on_health=self._changed.set,
        )
        self._take_turns()

    async def run(self) -> None:
        """Evaluate every rule at each multiple of its `every`, until cancelled."""
        try:
            while True:
                await self._mind_the_clock()
                await self._end_leavers()
                await self._look_around()
                self._start_due()
                await self._nap()
        finally:
            running = tuple(self._running)
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def replace(self, rules: Sequence[Rule]) -> None:
        """Go on with `rules`. An edited rule keeps its alerts, those of a removed rule end with that reason."""
        await self._conclusions.replace(rules)
        self._take_turns()
        self._changed.set()

    def statuses(self) -> tuple[RuleStatus, ...]:
        """Every rule with its health, in the order of the files."""
        return tuple(watch.status for watch in self._roster.watches)

    def alerts(self) -> tuple[Alert, ...]:
        """Every alert that is pending, firing or without data, as it stands now."""
        return (*(alert for watch in self._roster.watches for alert in watch.active), *self._sight.active)

    def _take_turns(self) -> None:
        """Make rounds of the plans. A round that shares a plan with one before goes on with its time and its tasks."""
        now = self._clock.now()
        before = {plan: turn for turn in self._turns for plan in turn.round.plans}
        turns = []
        for one in rounds(self._roster.recipes):
            old = list({id(turn): turn for plan in one.plans if (turn := before.get(plan))}.values())
            due = max((turn.due for turn in old), default=_tick_at_or_after(now, one.every))
            turns.append(_Turn(one, due, tuple(task for turn in old for task in turn.running if not task.done())))
        self._turns = tuple(turns)

    async def _mind_the_clock(self) -> None:
        """Where the clock was set, timers have run for as long as before, and what was asked before does not count."""
        now = self._clock.now()
        by = self._steps.notice(now, self._clock.monotonic())
        if not by:
            return
        _log.warning("the clock was set; windows that reach over it resolve nothing", by_s=f"{by.total_seconds():+.0f}")
        await self._conclusions.carry(by, now)

    async def _end_leavers(self) -> None:
        while self._roster.leavers:
            leavers = self._roster.leavers[0]
            ends = ending(leavers.alerts, leavers.rule, self._clock.now(), leavers.reason, leavers.words)
            if not await self._conclusions.record(Decision(ends, {})):
                return  # asked again at the next turn; evaluation goes on meanwhile
            self._roster.leavers.remove(leavers)

    def _start_due(self) -> None:
        now = self._clock.now()
        for turn in self._turns:
            every, count = turn.round.every, len(turn.round.plans)
            if turn.due - now > every:  # the clock was set back
                turn.due = _tick_at_or_after(now, every)
            if now < turn.due:
                continue
            at = _tick_at_or_before(now, every)
            self._metrics.missed.labels("late").inc(count * ((at - turn.due) // every))
            if turn.is_running:
                self._metrics.missed.labels("overlap").inc(count)
            else:
                task = asyncio.create_task(self._evaluate(turn.round, at), name=f"evaluate {turn.round.name}")
                self._running.add(task)
                task.add_done_callback(self._running.discard)
                turn.running = (task,)
            turn.due = at + every

    async def _nap(self) -> None:
        now = self._clock.now()
        due = min((turn.due for turn in self._turns), default=now + timedelta(hours=1))
        wait_s = min(max((due - now).total_seconds(), 0.0), self._limits.nap_s)
        try:
            async with asyncio.timeout(wait_s):
                await self._changed.wait()
            self._changed.clear()
        except TimeoutError:
            return

    async def _evaluate(self, round_: Round, at: datetime) -> None:
        """One evaluation of all rules of a round. Raises nothing."""
        started = self._clock.monotonic()
        try:
            behind_s = await self._settle(round_, at)
            unprimed = await self._prime(round_, at)
            answers = await round_.ask(self._reader, at, self._slots)
        except Exception as error:  # noqa: BLE001 - whatever happens, it must not end the evaluation of rules
            self._conclusions.fail(round_.plans, at, error, started)
            return
        if self._steps.came_since(started, self._clock.now(), self._clock.monotonic()):
            self._metrics.missed.labels("clock").inc(len(round_.plans))
            return
        asked = Asked(at=at, started_s=started, behind_s=behind_s, answers=answers, unprimed=unprimed)
        await self._conclusions.take(round_.plans, asked)

    async def _settle(self, round_: Round, at: datetime) -> float | None:
        """Wait until the store has what was acknowledged before `at`, so that no window closes before its last lines.

        Returns how far the collector is behind; the wait is a part of `every`, since a collector that is behind for
        longer is a case of its own.
        """
        if not round_.scans:
            return 0.0
        most_s = min(self._limits.settle_s, round_.every.total_seconds() / 2)
        due_s = self._clock.monotonic() - (self._clock.now() - at).total_seconds()
        while True:
            behind_s = await self._lag.behind_s()
            since_s = self._clock.monotonic() - due_s
            if behind_s is None or behind_s <= since_s or since_s >= most_s:
                return behind_s
            await asyncio.sleep(min(behind_s - since_s, most_s - since_s, _POLL_S) + _TINY_S)

    async def _prime(self, round_: Round, at: datetime) -> Mapping[Plan, Exception]:
        """Ask again for what rules with `datapoints` look back on but have not seen. Returns what went wrong."""
        unprimed = {
            plan: new
            for plan in round_.plans
            if isinstance(plan, Recipe) and (new := [one for one in self._roster.asking(plan) if not one.is_primed])
        }
        errors = await asyncio.gather(*(self._prime_alike(plan, new, at) for plan, new in unprimed.items()))
        return {plan: error for plan, error in zip(unprimed, errors, strict=True) if error is not None}

    async def _prime_alike(self, plan: Recipe, unprimed: Sequence[Watch], at: datetime) -> Exception | None:
        ranges = [watch.rule.policy.datapoints.range for watch in unprimed if watch.rule.policy.datapoints is not None]
        ticks = [at - plan.every * back for back in range(max(ranges, default=1) - 1, 0, -1)]
        try:
            async with self._slots:
                answers = [(tick, await ask(self._reader, plan, tick)) for tick in ticks]
        except Exception as error:  # noqa: BLE001 - as for the evaluation itself
            return error
        for watch in unprimed:
            watch.prime(answers)
        return None

    async def _look_around(self) -> None:
        """Keep the one alert that says that rules are blind, and the gauges."""
        statuses = self.statuses()
        decision = self._sight.decide(statuses, self._clock.now())
        if await self._conclusions.record(decision):
            self._sight.accept(decision)
        healths = Counter(status.health for status in statuses)
        states = Counter(alert.state for alert in self.alerts())
        for health in Health:
            self._metrics.rules.labels(health).set(healths[health])
        for state in (State.PENDING, State.FIRING, State.NO_DATA):
            self._metrics.alerts.labels(state).set(states[state])
        self._metrics.series.set(sum(status.series for status in statuses))


def _tick_at_or_before(now: datetime, every: timedelta) -> datetime:
    return now - (now - _EPOCH) % every


def _tick_at_or_after(now: datetime, every: timedelta) -> datetime:
    before = _tick_at_or_before(now, every)
    return before if before == now else before + every
