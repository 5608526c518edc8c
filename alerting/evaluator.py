"""Asks the store for every rule when it is due, and feeds the table of states with the answers.

    tick -> lag -> a round's queries -> watch.decide -> recorder.record -> watch.accept

`app` builds one, spawns `run` and calls `replace` at a reload; the API reads `statuses` and `alerts`. Invariants: a
rule never overlaps itself; its alerts change only after the recorder has stored the change; whatever fails (query,
answer, recorder) changes no alert. An evaluation is made for its nominal time, a multiple of `every`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alerting.alert import Alert, State
from alerting.contract import Lag, Recorder
from alerting.inquiry import Answers, Round, ask, rounds, values
from alerting.metrics import EvaluatorMetrics
from alerting.roster import Roster
from alerting.rules.query import AnswerUnfit, NothingThere
from alerting.rules.recipe import Recipe, Values
from alerting.rules.rule import Rule
from alerting.rules.when import When
from alerting.sight import Sight
from alerting.steps import Steps
from alerting.watch import Decision, Health, RuleStatus, Watch, ending
from foundation.clock import Clock
from foundation.errors import TocsinError
from foundation.logs import logger
from store.contract import Reader

_log = logger("alerting.evaluator")
_POLL_S = 0.1
_TINY_S = 0.001
_UNKNOWN = "the collector does not answer: data may fire, but nothing resolves and no gap counts"
Plan = Recipe | When
"""How a rule's value is come by: asked of the store, or of other rules."""
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
        self._recorder = recorder
        self._lag = lag
        self._clock = clock
        self._metrics = metrics
        self._limits = limits or Limits()
        self._slots = asyncio.Semaphore(self._limits.queries_at_once)
        self._locks: dict[str, asyncio.Lock] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._steps = Steps(clock.now(), clock.monotonic())
        self._changed = asyncio.Event()
        self._turns: tuple[_Turn, ...] = ()
        own = [alert for alert in alerts.values() if alert.rule != Sight.RULE]
        self._sight = Sight(next((alert for alert in alerts.values() if alert.rule == Sight.RULE), None))
        self._roster = Roster(tuple(rules), own)
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
        async with AsyncExitStack() as held:
            for watch in self._roster.watches:
                await held.enter_async_context(self._lock(watch))
            self._roster.replace(tuple(rules))
        self._take_turns()
        self._changed.set()

    def statuses(self) -> tuple[RuleStatus, ...]:
        """Every rule with its health, in the order of the files."""
        return tuple(watch.status for watch in self._roster.watches)

    def alerts(self) -> tuple[Alert, ...]:
        """Every alert that is pending, firing or without data, as it stands now."""
        return (*(alert for watch in self._roster.watches for alert in watch.active), *self._sight.active)

    def _lock(self, watch: Watch) -> asyncio.Lock:
        """Held while a decision about the rule is on its way into memory, so that no reload comes between."""
        return self._locks.setdefault(watch.rule.alert, asyncio.Lock())

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
        for watch in self._roster.watches:
            async with self._lock(watch):
                await self._carry(watch, by, now)

    def _was_set_since(self, started: float) -> bool:
        return self._steps.came_since(started, self._clock.now(), self._clock.monotonic())

    async def _carry(self, watch: Watch, by: timedelta, now: datetime) -> None:
        decision = watch.carry(by, now)
        try:
            await self._record(decision)
        except Exception as error:  # noqa: BLE001 - its timers run on by the new time, as they would after a restart
            self._unrecorded(watch.rule.alert, error)
        else:
            watch.carried(decision, by)

    async def _end_leavers(self) -> None:
        while self._roster.leavers:
            leavers = self._roster.leavers[0]
            now = self._clock.now()
            evaluation = ending(leavers.alerts, leavers.rule, now, leavers.reason, leavers.words)
            try:
                await self._recorder.record(evaluation, now=now)
            except Exception as error:  # noqa: BLE001 - the recorder is asked again; evaluation goes on meanwhile
                self._unrecorded(leavers.rule, error)
                return
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
            primed = dict(zip(round_.plans, await self._prime(round_, at), strict=True))
            answers = await round_.ask(self._reader, at, self._slots)
        except Exception as error:  # noqa: BLE001 - whatever happens, it must not end the evaluation of rules
            for plan in round_.plans:
                self._fail(plan, at, error, started)
            return
        if self._was_set_since(started):
            self._metrics.missed.labels("clock").inc(len(round_.plans))
            return
        for plan in round_.plans:
            unprimed = primed[plan]
            if unprimed is not None:
                self._fail(plan, at, unprimed, started)
                continue
            try:
                await self._conclude(plan, answers, at, behind_s, started)
            except NothingThere as error:
                self._wait(plan, at, str(error), self._clock.monotonic() - started)
            except Exception as error:  # noqa: BLE001 - as above
                self._fail(plan, at, error, started)

    async def _conclude(
        self, plan: Plan, answers: Answers, at: datetime, behind_s: float | None, started: float
    ) -> None:
        """Decide for all rules of a plan. A composite asks the rules here, which hold while it is."""
        found = plan.values(self._roster.standings(plan.rules)) if isinstance(plan, When) else values(plan, answers)
        doubt = _UNKNOWN if behind_s is None else None
        behind = self._is_behind(plan, behind_s)
        for watch in self._roster.asking(plan):
            is_blurred = self._steps.blur(watch.rule.over, self._clock.now())
            if is_blurred:
                self._metrics.behind.labels("clock").inc()
            await self._apply(watch, found, at, behind=behind or is_blurred, started=started, doubt=doubt)

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

    async def _prime(self, round_: Round, at: datetime) -> Sequence[Exception | None]:
        """Ask again for what rules with `datapoints` look back on but have not seen. Returns what went wrong."""
        return await asyncio.gather(*(self._prime_one(plan, at) for plan in round_.plans))

    async def _prime_one(self, plan: Plan, at: datetime) -> Exception | None:
        unprimed = [watch for watch in self._roster.asking(plan) if not watch.is_primed]
        if isinstance(plan, When) or not unprimed:
            return None
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

    def _is_behind(self, recipe: Plan, behind_s: float | None) -> bool:
        if behind_s is None:
            self._metrics.behind.labels("unknown").inc()
            return True
        if behind_s > recipe.every.total_seconds():
            self._metrics.behind.labels("buffered").inc()
            return True
        return False

    async def _apply(
        self, watch: Watch, values: Values, at: datetime, *, behind: bool, started: float, doubt: str | None
    ) -> None:
        async with self._lock(watch):
            if not self._roster.has(watch) or self._was_set_since(started):
                return
            try:
                decision = watch.decide(values, at, behind=behind)
            except AnswerUnfit as error:
                self._fail_one(watch, at, str(error), None, self._clock.monotonic() - started)
                return
            try:
                await self._record(decision)
            except Exception as error:  # noqa: BLE001 - what is not stored has not happened
                self._unrecorded(watch.rule.alert, error)
                return
            before = watch.health
            duration_s = self._clock.monotonic() - started
            watch.accept(decision, duration_s=duration_s, doubt=doubt)
        if watch.health is not before:
            self._changed.set()
            if doubt is not None:
                _log.error("rule sees only half", rule=watch.rule.alert, why=doubt, health=watch.health)
            elif before in (Health.ERROR, Health.BLIND):
                _log.info("rule can be evaluated again", rule=watch.rule.alert)
        self._metrics.evaluations.labels("ok").inc()
        self._metrics.duration.observe(duration_s)

    async def _record(self, decision: Decision) -> None:
        if not decision.is_empty:
            await self._recorder.record(decision.evaluation, now=self._clock.now())

    def _unrecorded(self, rule: str, error: BaseException) -> None:
        self._metrics.evaluations.labels("unrecorded").inc()
        _log.error("decision not recorded; alerts stay as they were", error=error, rule=rule)

    def _wait(self, recipe: Plan, at: datetime, told: str, lasted_s: float) -> None:
        """The bucket is not there: before the first series is known that is no failure."""
        for watch in self._roster.asking(recipe):
            before = watch.status.error
            if not watch.wait(told, at, duration_s=lasted_s):
                self._fail_one(watch, at, told, None, lasted_s)
                continue
            self._metrics.evaluations.labels("waiting").inc()
            if before != told:
                _log.info("rule waits for its first data", rule=watch.rule.alert, why=told)
                self._changed.set()

    def _fail(self, plan: Plan, at: datetime, error: Exception, started: float) -> None:
        expected = isinstance(error, TocsinError | TimeoutError)
        lasted_s = self._clock.monotonic() - started
        for watch in self._roster.asking(plan):
            self._fail_one(watch, at, _told(error), None if expected else error, lasted_s)

    def _fail_one(self, watch: Watch, at: datetime, told: str, error: BaseException | None, lasted_s: float) -> None:
        self._metrics.evaluations.labels("failed").inc()
        before = watch.health
        watch.fail(told, at, duration_s=lasted_s)
        if watch.health is not before:
            _log.error("rule cannot be evaluated", error=error, rule=watch.rule.alert, why=told, health=watch.health)
            self._changed.set()

    async def _look_around(self) -> None:
        """Keep the one alert that says that rules are blind, and the gauges."""
        statuses = self.statuses()
        decision = self._sight.decide(statuses, self._clock.now())
        try:
            await self._record(decision)
            self._sight.accept(decision)
        except Exception as error:  # noqa: BLE001 - as for rules: not stored, not happened
            self._unrecorded(Sight.RULE, error)
        healths = Counter(status.health for status in statuses)
        states = Counter(alert.state for alert in self.alerts())
        for health in Health:
            self._metrics.rules.labels(health).set(healths[health])
        for state in (State.PENDING, State.FIRING, State.NO_DATA):
            self._metrics.alerts.labels(state).set(states[state])
        self._metrics.series.set(sum(status.series for status in statuses))


def _told(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "the store did not answer in time"
    return str(error) or type(error).__name__


def _tick_at_or_before(now: datetime, every: timedelta) -> datetime:
    return now - (now - _EPOCH) % every


def _tick_at_or_after(now: datetime, every: timedelta) -> datetime:
    before = _tick_at_or_before(now, every)
    return before if before == now else before + every
