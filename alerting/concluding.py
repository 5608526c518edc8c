"""What the answers to a round mean for its rules: decided for all, recorded together, then accepted.

The evaluator hands the answers over, and whatever else moves the alerts of rules: that an evaluation failed, that the
clock was set, that the rules are other ones. The invariants: an alert changes only after the recorder has stored the
change; whatever fails changes no alert; while rules are exchanged or carried, no decision is on its way into memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerting.contract import Recorder
from alerting.gate import Gate
from alerting.inquiry import Answers, values
from alerting.metrics import EvaluatorMetrics
from alerting.roster import Roster
from alerting.rules.query import AnswerUnfit, NothingThere
from alerting.rules.recipe import Recipe, Values
from alerting.rules.rule import Rule
from alerting.rules.when import When
from alerting.steps import Steps
from alerting.watch import Decision, Health, Watch
from foundation.clock import Clock
from foundation.errors import TocsinError
from foundation.logs import logger

_log = logger("alerting.evaluator")
_UNKNOWN = "the collector does not answer: data may fire, but nothing resolves and no gap counts"
_MOST_SAVED = 2_000
"""Alerts that differ, about which decisions are made before they are recorded: each is held with its words."""
Plan = Recipe | When
"""How a rule's value is come by: asked of the store, or of other rules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for an evaluation at `at`, begun at `started_s` (of time that never runs backwards).

    `behind_s`: how far the store is behind what was acknowledged; None where nobody knows. `unprimed`: why a plan
    cannot be decided, since what its rules look back on could not be asked.
    """

    at: datetime
    started_s: float
    behind_s: float | None
    answers: Answers
    unprimed: Mapping[Plan, Exception]


class Conclusions:
    """Decides for the rules of a roster. `on_health` is called when a rule's health is another one than before."""

    def __init__(
        self,
        roster: Roster,
        *,
        recorder: Recorder,
        clock: Clock,
        metrics: EvaluatorMetrics,
        steps: Steps,
        on_health: Callable[[], None],
    ) -> None:
        self._roster = roster
        self._recorder = recorder
        self._clock = clock
        self._metrics = metrics
        self._steps = steps
        self._on_health = on_health
        self._gate = Gate()

    async def replace(self, rules: Sequence[Rule]) -> None:
        """Go on with `rules`."""
        async with self._gate.closed():
            self._roster.replace(tuple(rules))

    async def carry(self, by: timedelta, now: datetime) -> None:
        """The clock was set to `now`: timers have run for as long as before."""
        async with self._gate.closed():
            moved = [(watch, watch.carry(by, now)) for watch in self._roster.watches]
            # What is not stored runs on by the new time, as it would after a restart.
            for watch, decision in await self._recorded(moved):
                watch.carried(decision, by)

    async def take(self, plans: Sequence[Plan], asked: Asked) -> None:
        """Conclude for all rules of these plans. Raises nothing.

        What nobody has to record is accepted at once: a decision holds every alert that is not well a second time.
        """
        async with self._gate.passing():
            decided: list[tuple[Watch, Decision]] = []
            for plan in plans:
                found = await self._decided(plan, asked)
                self._accept_all([one for one in found if one[1].is_empty], asked)
                decided += [one for one in found if not one[1].is_empty]
                if sum(len(decision.evaluation.saved) for _, decision in decided) >= _MOST_SAVED:
                    await self._settle(decided, asked)
                    decided = []
            await self._settle(decided, asked)

    def fail(self, plans: Iterable[Plan], at: datetime, error: Exception, started_s: float) -> None:
        """The evaluation of these plans failed."""
        expected = isinstance(error, TocsinError | TimeoutError)
        lasted_s = self._clock.monotonic() - started_s
        for plan in plans:
            for watch in self._roster.asking(plan):
                self._fail(watch, at, _told(error), None if expected else error, lasted_s)

    async def record(self, decision: Decision) -> bool:
        """Store a decision; False where that failed, which then is as if nothing was decided."""
        try:
            if not decision.is_empty:
                await self._recorder.record(decision.evaluation, now=self._clock.now())
        except Exception as error:  # noqa: BLE001 - what is not stored has not happened
            self._metrics.evaluations.labels("unrecorded").inc()
            rule = decision.evaluation.rule
            _log.error("decision not recorded; alerts stay as they were", error=error, rule=rule)
            return False
        return True

    async def _recorded(self, decided: Sequence[tuple[Watch, Decision]]) -> Sequence[tuple[Watch, Decision]]:
        """Those whose decision is stored. They are recorded at once, so that they can share a transaction."""
        told = [decision for _, decision in decided if not decision.is_empty]
        stored = iter(await asyncio.gather(*map(self.record, told)))
        return [(watch, decision) for watch, decision in decided if decision.is_empty or next(stored)]

    async def _settle(self, decided: Sequence[tuple[Watch, Decision]], asked: Asked) -> None:
        self._accept_all(await self._recorded(decided), asked)

    def _accept_all(self, decided: Sequence[tuple[Watch, Decision]], asked: Asked) -> None:
        for watch, decision in decided:
            self._accept(watch, decision, asked)
        self._metrics.evaluations.labels("ok").inc(len(decided))

    async def _decided(self, plan: Plan, asked: Asked) -> Sequence[tuple[Watch, Decision]]:
        decided: list[tuple[Watch, Decision]] = []
        try:
            if plan in asked.unprimed:
                raise asked.unprimed[plan]  # noqa: TRY301 - it is treated as what fails here
            for watch, decision in self._decided_alike(plan, self._values(plan, asked), asked):
                decided.append((watch, decision))
                if watch.active or not decision.is_empty:  # that took its time, and others are to have their turn
                    await asyncio.sleep(0)
        except NothingThere as error:
            self._wait(plan, asked, str(error))
        except Exception as error:  # noqa: BLE001 - whatever happens, it must not end the evaluation of rules
            self.fail((plan,), asked.at, error, asked.started_s)
        return decided

    def _values(self, plan: Plan, asked: Asked) -> Values:
        """A composite asks the rules here, which hold while it is."""
        if isinstance(plan, When):
            return plan.values(self._roster.standings(plan.rules))
        return values(plan, asked.answers)

    def _decided_alike(self, plan: Plan, found: Values, asked: Asked) -> Iterator[tuple[Watch, Decision]]:
        """What the same values mean for each rule that asked for them."""
        behind = self._is_behind(plan, asked.behind_s)
        for watch in self._roster.asking(plan):
            now = self._clock.now()
            is_blurred = self._steps.blur(watch.rule.over, now)
            if is_blurred:
                self._metrics.behind.labels("clock").inc()
            if self._steps.came_since(asked.started_s, now, self._clock.monotonic()):
                continue
            try:
                yield watch, watch.decide(found, asked.at, behind=behind or is_blurred)
            except AnswerUnfit as error:
                self._fail(watch, asked.at, str(error), None, self._clock.monotonic() - asked.started_s)

    def _is_behind(self, plan: Plan, behind_s: float | None) -> bool:
        if behind_s is None:
            self._metrics.behind.labels("unknown").inc()
            return True
        if behind_s > plan.every.total_seconds():
            self._metrics.behind.labels("buffered").inc()
            return True
        return False

    def _accept(self, watch: Watch, decision: Decision, asked: Asked) -> None:
        doubt = _UNKNOWN if asked.behind_s is None else None
        before = watch.health
        duration_s = self._clock.monotonic() - asked.started_s
        watch.accept(decision, duration_s=duration_s, doubt=doubt)
        self._metrics.duration.observe(duration_s)
        if watch.health is before:
            return
        self._on_health()
        if doubt is not None:
            _log.error("rule sees only half", rule=watch.rule.alert, why=doubt, health=watch.health)
        elif before in (Health.ERROR, Health.BLIND):
            _log.info("rule can be evaluated again", rule=watch.rule.alert)

    def _wait(self, plan: Plan, asked: Asked, told: str) -> None:
        """The bucket is not there: before the first series is known that is no failure."""
        lasted_s = self._clock.monotonic() - asked.started_s
        for watch in self._roster.asking(plan):
            before = watch.status.error
            if not watch.wait(told, asked.at, duration_s=lasted_s):
                self._fail(watch, asked.at, told, None, lasted_s)
                continue
            self._metrics.evaluations.labels("waiting").inc()
            if before != told:
                _log.info("rule waits for its first data", rule=watch.rule.alert, why=told)
                self._on_health()

    def _fail(self, watch: Watch, at: datetime, told: str, error: BaseException | None, lasted_s: float) -> None:
        self._metrics.evaluations.labels("failed").inc()
        before = watch.health
        watch.fail(told, at, duration_s=lasted_s)
        if watch.health is not before:
            _log.error("rule cannot be evaluated", error=error, rule=watch.rule.alert, why=told, health=watch.health)
            self._on_health()


def _told(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "the store did not answer in time"
    return str(error) or type(error).__name__
