"""One alert about the evaluator itself: rules that cannot be evaluated. It goes through the same table as all others.

The evaluator calls it after each evaluation. One alert for all blind rules, so that a store that is away is one notice:
a warning while some are blind, critical when all are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alerting import state
from alerting.alert import RULE_BLIND, Alert, Datapoint, Evaluation, Level, State
from alerting.rules.policy import Flapping, Policy
from alerting.rules.threshold import Threshold
from alerting.watch import Decision, Health, RuleStatus

_LABELS = (("alertname", RULE_BLIND),)
_HOLD = timedelta(seconds=10)
"""A store that goes away blinds many rules within a moment: they are told together, and not if it is back at once."""
_LIT = timedelta(minutes=5)
"""When it is back, rules see again one after the other: that is the end of the notice and no lesser one."""
_COMES_AND_GOES = Flapping(3, timedelta(minutes=30))
"""A store that answers now and then is no new notice each time."""
_SOME = Policy(every=timedelta(0), warn=Threshold(">", 0), hold=_HOLD, flapping=_COMES_AND_GOES)
_ALL = replace(_SOME, critical=Threshold(">", 0))
"""Where no rule sees, nothing can fire any more."""
_NAMED = 10


class Sight:
    """Whether all rules see."""

    RULE = RULE_BLIND

    def __init__(self, remembered: Alert | None) -> None:
        self._alert = remembered or Alert(rule=RULE_BLIND, labels=_LABELS)
        self._is_dark = self._alert.level is Level.CRITICAL
        self._turned_at: datetime | None = None

    @property
    def active(self) -> tuple[Alert, ...]:
        """The alert, while it is active."""
        return () if self._alert.state is State.INACTIVE else (self._alert,)

    def decide(self, statuses: Sequence[RuleStatus], at: datetime) -> Decision:
        """What the health of all rules means. A rule that is not known to be well keeps an open alert open."""
        blind = [status for status in statuses if status.health is Health.BLIND]
        unsure = any(_is_unsure(status) for status in statuses)
        if unsure and not blind:
            return Decision(Evaluation(rule=RULE_BLIND, at=at), {_LABELS: self._alert})
        point = Datapoint(at, float(len(blind)))
        after, changes = state.step(self._policy(statuses, blind, at), self._alert, point, at, behind=False)
        after = after or self._alert
        told = f"{len(blind)} of {len(statuses)} rules cannot be evaluated; their alerts keep their state"
        if not blind:
            told = "all rules can be evaluated"
        elif after.is_flapping:
            told = f"{told}; this comes and goes"
        words = {"summary": told, "description": "\n".join(_lines(blind))}
        evaluation = Evaluation(
            rule=RULE_BLIND,
            at=at,
            saved=(after,) if changes else (),
            transitions=tuple(replace(change, reason=told, annotations=words) for change in changes),
        )
        return Decision(evaluation, {_LABELS: after})

    def _policy(self, statuses: Sequence[RuleStatus], blind: Sequence[RuleStatus], at: datetime) -> Policy:
        """Critical once all rules were blind for a while, until some have seen for a longer while."""
        is_dark = len(blind) == len(statuses)
        if is_dark == self._is_dark:
            self._turned_at = None
        else:
            self._turned_at = min(self._turned_at or at, at)
            if at - self._turned_at >= (_HOLD if is_dark else _LIT):
                self._is_dark, self._turned_at = is_dark, None
        return _ALL if self._is_dark else _SOME

    def accept(self, decision: Decision) -> None:
        """The decision is recorded."""
        self._alert = decision.alerts[_LABELS]
        if self._alert.state is State.INACTIVE:
            self._is_dark, self._turned_at = False, None


def _is_unsure(status: RuleStatus) -> bool:
    """Whether a rule may turn out to be blind: it failed once, or has not had its first turn."""
    return status.health is Health.ERROR or status.last_evaluation is None


def _lines(blind: Sequence[RuleStatus]) -> list[str]:
    lines = [f"{status.rule.alert}: {status.error}" for status in blind[:_NAMED]]
    return [*lines, f"and {len(blind) - _NAMED} more"] if len(blind) > _NAMED else lines
