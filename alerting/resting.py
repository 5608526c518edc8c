"""The alerts of a rule, most of which rest: a good value of an inactive alert costs next to nothing. Pure.

`alerting.watch` keeps one `Alerts` and makes the next from it. The invariant: whoever looks at an alert sees what
`alerting.state.step` would have made of it. While an alert rests, its last value and the time of it are all that
changes, so these are kept for all that rest together, and put into an alert only when somebody looks.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from alerting.alert import Alert, Labels, Level, State
from alerting.rules.column import Column
from alerting.rules.policy import Policy
from alerting.rules.threshold import Threshold


@dataclass(frozen=True, slots=True, eq=False)
class Alerts(Mapping[Labels, Alert]):
    """Alerts by their labels: `busy` ones as they are, `resting` ones as they were when they began to rest.

    Since `seen_at`, if it is there, all that rest have their values in `seen` (which may hold others too).
    """

    busy: Mapping[Labels, Alert] = field(default_factory=dict)
    resting: Mapping[Labels, Alert] = field(default_factory=dict)
    seen: Mapping[Labels, float | None] = field(default_factory=dict)
    seen_at: datetime | None = None

    def __getitem__(self, labels: Labels) -> Alert:
        alert = self.busy.get(labels)
        if alert is not None:
            return alert
        stale = self.resting[labels]
        if self.seen_at is None:
            return stale
        return replace(stale, value=self.seen[labels], seen_at=self.seen_at)

    def __iter__(self) -> Iterator[Labels]:
        yield from self.busy
        yield from self.resting

    def __len__(self) -> int:
        return len(self.busy) + len(self.resting)

    def rested(self, policy: Policy, values: Mapping[Labels, float | None], at: datetime) -> Alerts | None:
        """The alerts after an answer in which every one of them rests and no other series is; None where it is not so.

        The usual case, so it is found without a look at each value.
        """
        if self.busy or len(values) != len(self.resting):
            return None
        if not self._is_like_seen(values) and values.keys() != self.resting.keys():
            return None
        return Alerts(self.busy, self.resting, values, at) if are_good(policy, values) else None

    def split(
        self, policy: Policy, values: Mapping[Labels, float | None], primed: Collection[Labels] = ()
    ) -> tuple[Collection[Labels], Collection[Labels]]:
        """Which of those that rest go on resting, and which alerts have to go through the table, new ones among them.

        All of `primed` have to, and then nobody rests.
        """
        if primed:
            return (), dict.fromkeys((*self, *primed, *values))
        if isinstance(values, Column) and self._is_like_seen(values) and len(values) == len(self):
            places = {values.series.places.get(labels) for labels in self.busy}
            rest = [number for place, number in enumerate(values.numbers) if place not in places]
            if None not in places and _reach_nothing(policy, rest):
                return self.resting.keys(), tuple(self.busy)
        still = self._resting_on(policy, values)
        return still, [labels for labels in dict.fromkeys((*self, *values)) if labels not in still]

    def _resting_on(self, policy: Policy, values: Mapping[Labels, float | None]) -> frozenset[Labels]:
        resting, level = self.resting, policy.level
        return frozenset(
            labels
            for labels, value in values.items()
            if value is not None and labels in resting and level(value) is Level.OK
        )

    def _is_like_seen(self, values: Mapping[Labels, float | None]) -> bool:
        """Whether these are the series that answered last time, all that rest among them; False may be wrong."""
        seen = self.seen if self.seen_at is not None else None
        return isinstance(values, Column) and isinstance(seen, Column) and values.series is seen.series

    def after(
        self,
        moved: Mapping[Labels, Alert],
        still: Collection[Labels],
        values: Mapping[Labels, float | None],
        at: datetime,
        policy: Policy,
    ) -> Alerts:
        """The alerts after an answer: those in `moved` as they are there, those in `still` rest on, others are gone."""
        fresh = {labels: alert for labels, alert in moved.items() if can_rest(policy, alert, at)}
        busy = {labels: alert for labels, alert in moved.items() if labels not in fresh}
        same = len(still) == len(self.resting) and not fresh
        resting = self.resting if same else {**{labels: self.resting[labels] for labels in still}, **fresh}
        return Alerts(busy, resting, values, at)


def can_rest(policy: Policy, alert: Alert, at: datetime) -> bool:
    """Whether an alert as it is after an answer at `at` rests: it is inactive, and had a value just then."""
    return policy.datapoints is None and alert.state is State.INACTIVE and alert.quiet_s == 0 and alert.seen_at == at


def are_good(policy: Policy, values: Mapping[Labels, float | None]) -> bool:
    """Whether all values are there and reach no threshold, as far as can be told by the extremes."""
    return _reach_nothing(policy, values.numbers if isinstance(values, Column) else _numbers(values.values()))


def _reach_nothing(policy: Policy, numbers: Sequence[float]) -> bool:
    if not numbers:
        return False
    low, high = min(numbers), max(numbers)
    return not any(_reached(threshold, low, high) for threshold in (policy.warn, policy.critical) if threshold)


def _numbers(values: Collection[float | None]) -> Sequence[float]:
    """The values, if there is an order among them: no null, no NaN, no infinities of both kinds."""
    numbers = [value for value in values if value is not None]
    return numbers if len(numbers) == len(values) and not math.isnan(sum(numbers)) else ()


def _reached(threshold: Threshold, low: float, high: float) -> bool:
    """Whether a value from `low` to `high` may reach the threshold."""
    if threshold.sign == "==":
        return low <= threshold.bound <= high
    return threshold.holds(low) or threshold.holds(high)
