"""One rule at work: its alerts, what an answer of the store means for them, and how the rule itself is doing.

The evaluator and the rehearsal of rules both decide through a `Watch`, so what is tested is what pages. No I/O and no
clock. The invariant: `decide` changes nothing; only `accept`, called once the decision is recorded, does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from alerting import state
from alerting.alert import Alert, Datapoint, Evaluation, Labels, Level, State, Transition
from alerting.resting import Alerts
from alerting.rules.column import Column, Series
from alerting.rules.query import AnswerUnfit
from alerting.rules.recipe import Values
from alerting.rules.rule import Rule
from alerting.rules.template import Facts
from alerting.rules.when import Standing, standing

BLIND_AFTER = 2
"""Failed evaluations in a row after which a rule is called blind."""

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class Health(StrEnum):
    """How a rule does. `error`: the last evaluation failed and every alert kept its state; `blind`: twice or more.

    `unknown`: not evaluated yet, or not possible yet because its bucket does not exist (then the rule has an error).
    """

    UNKNOWN = "unknown"
    OK = "ok"
    ERROR = "error"
    BLIND = "blind"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleStatus:
    """A rule as people see it. `alerts` are those that are not inactive; `series` counts all that are known."""

    rule: Rule
    health: Health
    error: str | None
    last_evaluation: datetime | None
    duration_s: float | None
    series: int
    alerts: tuple[Alert, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from an answer: what to record, and the alerts as they are once it is recorded."""

    evaluation: Evaluation
    alerts: Mapping[Labels, Alert]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to record."""
        return not (self.evaluation.saved or self.evaluation.forgotten or self.evaluation.transitions)


@dataclass(slots=True)
class _Doing:
    failures: int = 0
    error: str | None = None
    evaluated_at: datetime | None = None
    duration_s: float | None = None


@dataclass(slots=True)
class Watch:
    """A rule and its alerts. Used by one task at a time."""

    rule: Rule
    alerts: Mapping[Labels, Alert] = field(default_factory=dict)
    is_primed: bool = False
    active: tuple[Alert, ...] = ()
    """those that are not inactive"""
    _primed: Mapping[Labels, Alert] = field(default_factory=dict)
    _doing: _Doing = field(default_factory=_Doing)
    _series: Series = field(default_factory=lambda: Series(()))
    _names: Series = field(default_factory=lambda: Series(()))
    """the labels of each series of the last answer, and of its alert, so that they are not worked out each time"""

    def __post_init__(self) -> None:
        self.is_primed = self.is_primed or self.rule.policy.datapoints is None
        self.active = _active(self.alerts)

    def prime(self, answers: Sequence[tuple[datetime, Values]]) -> None:
        """Take over the last evaluations, asked from the store, oldest first: as many as `datapoints` looks back on."""
        primed: dict[Labels, Alert] = {}
        series = [(at, self._identified(values)) for at, values in answers]
        for labels in dict.fromkeys((*self.alerts, *(labels for _, values in series for labels in values))):
            known = self.alerts.get(labels)
            points = [Datapoint(at, values.get(labels)) for at, values in series]
            points = list(_since_first(points, known))
            if points:
                primed[labels] = _reviewed(known or Alert(rule=self.rule.alert, labels=labels), points, self.rule)
        self._primed, self.is_primed = primed, True

    def decide(self, values: Values, at: datetime, *, behind: bool) -> Decision:
        """What the answer `values` at `at` means. Raises AnswerUnfit where two series would be the same alert."""
        identified = self._identified(values)
        policy, known = self.rule.policy, self._known()
        rested = None if self._primed else known.rested(policy, identified, at)
        if rested is not None:
            return Decision(Evaluation(rule=self.rule.alert, at=at), rested)
        still, moving = known.split(policy, identified, self._primed)
        alerts: dict[Labels, Alert] = {}
        saved: list[Alert] = []
        forgotten: list[str] = []
        transitions: list[Transition] = []
        for labels in moving:
            stored = known.get(labels)
            before = self._primed.get(labels) or stored
            value = identified.get(labels)
            if before is None:
                if value is None:
                    continue
                before = Alert(rule=self.rule.alert, labels=labels)
            point = Datapoint(at, value)
            after, changes = state.step(policy, before, point, at, behind=behind)
            transitions += (with_words(self.rule, change, before) for change in changes)
            if after is None:
                forgotten.append(before.fingerprint)
                continue
            alerts[labels] = after
            if state.differs(stored, after):
                saved.append(after)
        evaluation = Evaluation(
            rule=self.rule.alert,
            at=at,
            saved=tuple(saved),
            forgotten=tuple(forgotten),
            transitions=tuple(transitions),
        )
        return Decision(evaluation, known.after(alerts, still, identified, at, policy))

    def accept(self, decision: Decision, *, duration_s: float | None = None, doubt: str | None = None) -> None:
        """The decision is recorded: it is how things stand now. With a `doubt` the rule saw only half of it."""
        self.alerts = decision.alerts
        self.active = _active(self._known().busy)
        self._primed = {}
        failures = self._doing.failures + 1 if doubt is not None else 0
        self._doing = _Doing(failures, doubt, decision.evaluation.at, duration_s)

    def carry(self, by: timedelta, now: datetime) -> Decision:
        """What a step of the clock to `now` means: to be recorded, and then handed to `carried`."""
        moved = {alert.labels: state.carried(alert, by) for alert in self.active}
        saved = tuple(alert for alert in moved.values() if alert != self.alerts[alert.labels])
        evaluation = Evaluation(rule=self.rule.alert, at=now, saved=saved)
        return Decision(evaluation, moved)

    def carried(self, decision: Decision, by: timedelta) -> None:
        """The step is recorded. The rule was evaluated as long ago as before."""
        known = self._known()
        self.alerts = replace(known, busy={**known.busy, **decision.alerts})
        self.active = _active(self._known().busy)
        self._primed = {labels: state.carried(alert, by) for labels, alert in self._primed.items()}
        if self._doing.evaluated_at is not None:
            self._doing.evaluated_at += by

    def forget(self, labels: Labels) -> None:
        """The series of an alert is known to have ended: so has the alert."""
        self.alerts = {kept: alert for kept, alert in self.alerts.items() if kept != labels}
        self.active = _active(self.alerts)

    def wait(self, error: str, at: datetime, *, duration_s: float | None = None) -> bool:
        """There is nothing to evaluate yet. False where series are known: then it is a failure."""
        if self.alerts:
            return False
        self._doing = _Doing(0, error, at, duration_s)
        return True

    def fail(self, error: str, at: datetime, *, duration_s: float | None = None) -> None:
        """The evaluation failed: nothing changes but the rule's own health."""
        self._doing = _Doing(self._doing.failures + 1, error, at, duration_s)

    def edited(self, rule: Rule) -> Watch:
        """The watch that goes on with an edited rule: it keeps the state of all alerts that the rule still covers."""
        asks_alike = (rule.recipe, rule.datapoints) == (self.rule.recipe, self.rule.datapoints)
        kept = {labels: alert for labels, alert in self.alerts.items() if rule.covers(labels)}
        return Watch(rule, kept, self.is_primed and asks_alike, _doing=self._doing if asks_alike else _Doing())

    @property
    def health(self) -> Health:
        """How the rule is doing."""
        if self._doing.failures:
            return Health.BLIND if self._doing.failures >= BLIND_AFTER else Health.ERROR
        return Health.UNKNOWN if self._doing.evaluated_at is None or self._doing.error is not None else Health.OK

    @property
    def standing(self) -> Standing:
        """How the rule stands as a whole, for composites."""
        return standing((alert.state for alert in self.active), is_sure=self.health is Health.OK)

    @property
    def status(self) -> RuleStatus:
        """The rule as people see it."""
        return RuleStatus(
            rule=self.rule,
            health=self.health,
            error=self._doing.error,
            last_evaluation=self._doing.evaluated_at,
            duration_s=self._doing.duration_s,
            series=len(self.alerts),
            alerts=self.active,
        )

    def _known(self) -> Alerts:
        return self.alerts if isinstance(self.alerts, Alerts) else Alerts(self.alerts)

    def _identified(self, values: Values) -> Values:
        """The values by the labels of their alerts. Raises AnswerUnfit."""
        series = values.series if isinstance(values, Column) else Series(tuple(values))
        if series is not self._series:
            if series.labels != self._series.labels:
                self._names = self._named(series.labels)
            self._series = series
        if isinstance(values, Column):
            return Column(self._names, values.numbers)
        return dict(zip(self._names.labels, values.values(), strict=True))

    def _named(self, series: tuple[Labels, ...]) -> Series:
        known = dict(zip(self._series.labels, self._names.labels, strict=True))
        kept = {labels: labels for labels in self.alerts}  # the same object for the same labels: alerts are many
        own = (known.get(labels) or self.rule.identity(labels) for labels in series)
        names = tuple(kept.get(labels, labels) for labels in own)
        if len(set(names)) != len(names):
            raise AnswerUnfit("two series become the same alert, since a label of the rule covers their tag; rename it")
        return Series(names)


def ending(alerts: Iterable[Alert], rule: str, at: datetime, reason: str, words: Rule | None = None) -> Evaluation:
    """The evaluation that ends `alerts` for good: their rule is gone, or no longer covers them."""
    ended = [(alert, state.end(alert, at, reason)[1]) for alert in alerts]
    return Evaluation(
        rule=rule,
        at=at,
        forgotten=tuple(alert.fingerprint for alert, _ in ended),
        transitions=tuple(
            change if words is None else with_words(words, change, alert)
            for alert, changes in ended
            for change in changes
        ),
    )


def with_words(rule: Rule, transition: Transition, before: Alert) -> Transition:
    """The transition with the rule's annotations, rendered. A resolve speaks of the level that has ended."""
    alert = transition.alert
    told = alert if alert.level is not Level.OK else replace(alert, level=before.level)
    return replace(transition, annotations=words_of(rule, told))


def words_of(rule: Rule, alert: Alert) -> Mapping[str, str]:
    """The rule's annotations, rendered for an alert as it stands."""
    severity = alert.level.severity
    facts = Facts(
        labels={**dict(alert.labels), "severity": severity},
        value=alert.value,
        level=severity,
        threshold=alert.threshold,
        since=alert.since or _NEVER,
    )
    return rule.words.render(facts)


def _active(alerts: Mapping[Labels, Alert]) -> tuple[Alert, ...]:
    return tuple(alert for alert in alerts.values() if alert.state is not State.INACTIVE)


def _since_first(points: Sequence[Datapoint], known: Alert | None) -> Iterator[Datapoint]:
    """The datapoints from the first one that is real; nothing before a series was first seen counts as missing."""
    seen = [point.at for point in points if point.value is not None]
    if known is not None:
        seen += [moment for moment in (known.seen_at, known.since) if moment is not None]
        seen += [point.at for point in known.recent if point.value is not None]
    return (point for point in points if seen and point.at >= min(seen))


def _reviewed(alert: Alert, points: Sequence[Datapoint], rule: Rule) -> Alert:
    """The alert as if the evaluator had been there: the recent datapoints, the last value, the silence since."""
    recent = tuple(points[-rule.policy.datapoints.range :]) if rule.policy.datapoints is not None else alert.recent
    real = [point for point in points if point.value is not None]
    if not real:
        return replace(alert, recent=recent)
    silent = sum(1 for point in points if point.at > real[-1].at)
    quiet_s = silent * rule.every.total_seconds()
    return replace(alert, recent=recent, value=real[-1].value, seen_at=real[-1].at, quiet_s=quiet_s)
