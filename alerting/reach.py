"""Alerts about alerts that cannot be sent: one for each notifier that fails. Pure; its table is that of all alerts.

`self_watch` asks about once a second. The invariants: there is at most one alert a notifier, and none of them is opened
by messages about notifiers that fail, so that a failure breeds no further alert; one ends when its notifier has taken
messages for a minute, or when nothing is left to show whether it would.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alerting import state
from alerting.alert import NOTIFICATIONS_FAILING, Alert, Datapoint, Evaluation, Labels, State, Transition, labels_of
from alerting.lane import ChannelHealth
from alerting.notify.render import span
from alerting.rules.policy import Policy
from alerting.rules.threshold import Threshold
from alerting.watch import Decision

LATE_S = 120.0
"""A message that waits for longer is told of, though its notifier may be tried seldom because it asked for that."""
_REFUSED_S = 60.0
"""For so long a refusal counts as a failure; afterwards it is open whether the next message would be taken."""
_FAILS = Policy(every=timedelta(0), warn=Threshold(">", 0), keep_firing_for=timedelta(minutes=1))
_ALONE = replace(_FAILS, critical=Threshold(">", 0))
"""Where no other notifier of the receiver is well, nobody there hears of anything."""
_UNPROVEN = replace(_FAILS, keep_firing_for=timedelta(hours=1))
"""Nothing waits and nothing was taken: whether it works shows with the next message."""
_REMOVED = "the notifier was removed"


class Reach:
    """Whether all notifiers take messages. `remembered` are the alerts about those that did not."""

    RULE = NOTIFICATIONS_FAILING

    def __init__(self, remembered: Iterable[Alert]) -> None:
        self._alerts = {alert.labels: alert for alert in remembered}

    @property
    def active(self) -> tuple[Alert, ...]:
        """The alerts that are active."""
        return tuple(alert for alert in self._alerts.values() if alert.state is not State.INACTIVE)

    def decide(self, channels: Sequence[ChannelHealth], at: datetime) -> Decision:
        """What the health of all notifiers means."""
        well = {one.receiver for one in channels if not _is_failing(one)}
        alerts: dict[Labels, Alert] = {}
        saved: list[Alert] = []
        transitions: list[Transition] = []
        for one in channels:
            labels = _labels(one)
            before = self._alerts.get(labels)
            if before is None and not _is_failing(one):
                continue
            known = before or Alert(rule=self.RULE, labels=labels)
            after, changes = _step(one, known, at, alone=one.receiver not in well)
            alerts[labels] = after
            transitions += changes
            if changes or after.calm_since != known.calm_since:
                saved.append(after)
        gone = [alert for labels, alert in self._alerts.items() if labels not in {_labels(one) for one in channels}]
        transitions += (change for alert in gone for change in state.end(alert, at, _REMOVED)[1])
        evaluation = Evaluation(
            rule=self.RULE,
            at=at,
            saved=tuple(saved),
            forgotten=tuple(alert.fingerprint for alert in gone),
            transitions=tuple(transitions),
        )
        return Decision(evaluation, alerts)

    def accept(self, decision: Decision) -> None:
        """The decision is recorded."""
        self._alerts = dict(decision.alerts)


def _is_failing(one: ChannelHealth) -> bool:
    if one.refused_s is not None and one.refused_s < _REFUSED_S:
        return True
    return one.waiting > 0 and (one.is_open or one.waited_s > LATE_S)


def _step(one: ChannelHealth, known: Alert, at: datetime, *, alone: bool) -> tuple[Alert, tuple[Transition, ...]]:
    value, policy = 0.0, _FAILS if one.is_proven else _UNPROVEN
    if _is_failing(one):
        value, policy = float(max(one.waiting, 1)), _ALONE if alone else _FAILS
    after, changes = state.step(policy, known, Datapoint(at, value), at, behind=False)
    told = _told(one)
    words = {"summary": told, "description": f"last error: {one.error}" if one.error else ""}
    return after or known, tuple(replace(change, reason=told, annotations=words) for change in changes)


def _told(one: ChannelHealth) -> str:
    who = f"{one.notifier} of {one.receiver}"
    waiting = f"{one.waiting} incident{'s' if one.waiting > 1 else ''} waiting, one for {span(_seconds(one.waited_s))}"
    if not _is_failing(one):
        return f"{who} takes messages" if one.is_proven else f"nothing waits for {who} any more"
    if one.waiting and (one.is_open or one.waited_s > LATE_S):
        return f"{who} {'fails at every attempt' if one.is_open else 'is late'}: {waiting}"
    return f"{who} refused a message for good"


def _labels(one: ChannelHealth) -> Labels:
    return labels_of({"alertname": NOTIFICATIONS_FAILING, "receiver": one.receiver, "notifier": one.notifier})


def _seconds(count: float) -> timedelta:
    return timedelta(seconds=count)
