"""Why an alert is as it is, and who is told of it or why nobody: the account that `tocsin explain alert` prints. Pure.

`api` gathers what it needs. The invariant: it repeats what the evaluator, the tree and the file hold, and decides
nothing anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from alerting import shapes
from alerting.acknowledgement import Acknowledgement
from alerting.alert import Alert, as_told
from alerting.memory.contract import HistoryEntry, Notification, Words
from alerting.muting.mutes import Mute
from alerting.routing.group import Group
from alerting.routing.tree import Node
from alerting.watch import RuleStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """An incident that the alert belongs to: its group, why the alert is muted in it, and its messages."""

    group: Group
    mute: Mute | None
    notifiers: tuple[str, ...]
    messages: Sequence[Notification] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that is known of one alert. `rule` is None for one whose rule is gone, `taken` where nobody has it
    in hand.
    """

    alert: Alert
    words: Words
    rule: RuleStatus | None
    tree: Node | None
    holdings: Sequence[Holding] = ()
    history: Sequence[HistoryEntry] = field(default=())
    taken: Acknowledgement | None = None


def account(evidence: Evidence, now: datetime) -> dict[str, Any]:
    """The account as JSON; docs/alerting-api.md has its shape."""
    alert, holdings = evidence.alert, evidence.holdings
    return {
        "alert": shapes.alert(alert, evidence.words, (holding.group for holding in holdings), taken=evidence.taken),
        "rule": shapes.rule(evidence.rule) if evidence.rule else None,
        "samples": [{"at": shapes.moment(point.at), "value": point.value} for point in alert.recent],
        "calm_since": shapes.moment(alert.calm_since),
        "routes": _routes(evidence.tree, alert),
        "incidents": [_incident(holding, alert, now) for holding in holdings],
        "verdict": _verdict(evidence),
        "history": [shapes.history(entry) for entry in evidence.history],
    }


def _routes(tree: Node | None, alert: Alert) -> list[dict[str, Any]]:
    """The routes that take the alert as it is now, each with the matchers on its way from the root."""
    paths = tree.paths(as_told(alert.labels, alert.level)) if tree else ()
    return [
        {
            "receiver": path[-1].receiver,
            "matchers": [[str(matcher) for matcher in node.matchers] for node in path[1:]],
            "group_by": list(path[-1].group_by),
        }
        for path in paths
    ]


def _incident(holding: Holding, alert: Alert, now: datetime) -> dict[str, Any]:
    group, mute = holding.group, holding.mute
    member = group.members.get(alert.fingerprint)
    heard = member.heard if member else None
    return {
        "id": group.incident,
        "receiver": group.key.receiver,
        "notifiers": list(holding.notifiers),
        "group": dict(group.key.labels),
        "opened_at": shapes.moment(group.opened_at),
        "said_at": shapes.moment(group.said_at),
        "due": shapes.moment(group.due),
        "heard": {"severity": heard.level.severity, "state": heard.state.value} if heard else None,
        "muted": shapes.mute(mute) if mute else None,
        "messages": [shapes.notification(row, now) for row in holding.messages],
    }


def _verdict(evidence: Evidence) -> str:
    """One sentence on who is told."""
    if not evidence.alert.state.is_open:
        return f"the alert is {evidence.alert.state.value}: there is nothing to tell"
    if evidence.tree is None:
        return "nobody is told: no notify file is configured"
    told = [_one(holding, evidence.alert) for holding in evidence.holdings]
    if not told:
        return "nobody is told: the alert is in no incident yet"
    taken = [f"acknowledged {evidence.taken.words}, so nobody is reminded of it"] if evidence.taken else []
    return "; ".join((*told, *taken))


def _one(holding: Holding, alert: Alert) -> str:
    receiver = holding.group.key.receiver
    if not holding.notifiers:
        return f"{receiver} has no notifier, so nobody is told"
    member = holding.group.members.get(alert.fingerprint)
    if holding.mute is not None:
        known = "has heard of it before and hears no news" if member and member.heard else "is not told"
        return f"{receiver} {known}: {holding.mute.words}"
    if member is not None and member.heard is not None:
        return f"{receiver} was told"
    return f"{receiver} is told when its group is due"
