"""What people would get: a rule's alert on sample labels and a value, routed and written out as it would be sent.

`tocsin rule preview` prints it. Nothing is asked of a store and nothing is sent; words, routes and texts are those that
production uses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from alerting.alert import Alert, Change, Level, State, Transition, as_told, labels_of
from alerting.config import NotifyConfig
from alerting.flush import compose
from alerting.notify.catalog import NOTIFIERS
from alerting.routing.book import member_of
from alerting.routing.group import GroupKey, Heard, Notice, open_group
from alerting.rules.rule import Rule
from alerting.watch import with_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The alert to show: labels of its series, its value (None: one that is just bad enough), whether it is over."""

    labels: Mapping[str, str]
    value: float | None = None
    resolved: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One message: for whom, by which way, and its text; empty where the receiver has no way to be told."""

    receiver: str
    notifier: str
    text: str


def preview(rule: Rule, notify: NotifyConfig, sample: Sample, now: datetime, url: str = "") -> Iterator[Shown]:
    """Every message that the alert comes to. Raises ValueError where it would not fire, or cannot be."""
    alert = _alert(rule, sample, now)
    change = Change.RESOLVED if sample.resolved else Change.FIRED
    ended = Transition(alert=alert, before=State.FIRING, change=change, at=now, reason=_reason(rule, alert, sample))
    transition = with_words(rule, ended, alert)
    by_name = {receiver.name: receiver for receiver in notify.receivers}
    labels = as_told(alert.labels, alert.level)
    for node in notify.tree().find(labels):
        group = open_group(GroupKey(node.receiver, node.group_labels(labels)), node.timers, now)
        member = replace(member_of(transition), level=alert.level, heard=Heard(alert.level, State.FIRING))
        notice = Notice.ALL_RESOLVED if sample.resolved else Notice.FIRST
        message = compose(replace(group, members={member.alert_id: member}), now, url, notice.value)
        notifiers = by_name[node.receiver].notifiers
        for kind, config in notifiers:
            yield Shown(receiver=node.receiver, notifier=kind, text=NOTIFIERS[kind].preview(config, message, now))
        if not notifiers:
            yield Shown(receiver=node.receiver, notifier="", text="")


def sample_labels(rule: Rule) -> Mapping[str, str]:
    """Labels for a sample: the name of each tag that the rule groups by, as its value."""
    return {key: key for key in rule.grouped_by or ()}


def _alert(rule: Rule, sample: Sample, now: datetime) -> Alert:
    labels = labels_of(sample.labels)
    if not rule.covers(rule.identity(labels)):
        known = ", ".join(sorted({*(rule.grouped_by or ()), *rule.labels}))
        raise ValueError(f"alerts of {rule.alert} cannot have these labels; they have {known or 'none of their own'}")
    worst = rule.policy.levels[0]
    bound = rule.policy.bound(worst)
    value = sample.value if sample.value is not None else _beyond(rule, worst, bound or 0.0)
    level = rule.policy.level(value)
    if level is Level.OK:
        raise ValueError(f"{value:g} is not bad: nothing would be sent")
    return Alert(
        rule=rule.alert,
        labels=rule.identity(labels),
        state=State.FIRING,
        level=level,
        value=value,
        threshold=rule.policy.bound(level),
        since=now - rule.policy.hold,
        fired_at=now,
        seen_at=now,
    )


def _beyond(rule: Rule, level: Level, bound: float) -> float:
    """A value that meets the threshold of a level: a tenth beyond it, or itself."""
    step = abs(bound) / 10 or 1.0
    candidates = (bound + step, bound - step, bound)
    return next(value for value in candidates if rule.policy.level(value) is level)


def _reason(rule: Rule, alert: Alert, sample: Sample) -> str:
    threshold = rule.policy.threshold(alert.level)
    return f"no longer {threshold}" if sample.resolved else f"{alert.value:g} {threshold}"
