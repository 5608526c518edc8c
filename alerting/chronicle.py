"""What stands in the history: every transition of an alert, and who had it in hand. Pure.

The dispatcher stores what this makes; `events` writes it to the store, too.
"""

from __future__ import annotations

from datetime import datetime

from alerting.acknowledgement import ACKNOWLEDGED, RELEASED, Acknowledgement
from alerting.alert import Transition
from alerting.memory.contract import HistoryEntry, KeptAlert, Words
from alerting.routing.group import Group


def entry(transition: Transition, holder: Group | None) -> HistoryEntry:
    """A transition for people. A resolve has the severity that has ended, as far as a group knows it."""
    alert = transition.alert
    member = holder.members.get(alert.fingerprint) if holder else None
    return HistoryEntry(
        at=transition.at,
        alert_id=alert.fingerprint,
        rule=alert.rule,
        labels=alert.labels,
        severity=(alert.level or (member.level if member else alert.level)).severity,
        before=transition.before.value,
        state=alert.state.value,
        change=transition.change.value,
        value=alert.value,
        reason=transition.reason,
        summary=transition.annotations.get("summary", ""),
        incident=holder.incident if holder else "",
        lasted_s=_lasted_s(transition),
    )


def _lasted_s(transition: Transition) -> float | None:
    fired_at = transition.alert.fired_at
    if fired_at is None or transition.alert.state.is_open or not transition.before.is_open:
        return None
    return (transition.at - fired_at).total_seconds()


def taken(kept: KeptAlert, one: Acknowledgement, incident: str) -> HistoryEntry:
    """That somebody took an alert, for its history."""
    return _of_hands(kept, ACKNOWLEDGED, f"acknowledged {one.words}", one.at, incident)


def given_back(kept: KeptAlert, one: Acknowledgement, now: datetime, incident: str) -> HistoryEntry:
    """That nobody has an alert any more: it was given back."""
    return _of_hands(kept, RELEASED, f"no longer acknowledged {one.words}", now, incident)


def outgrown(worse: Transition, one: Acknowledgement, incident: str) -> HistoryEntry:
    """That nobody has an alert any more: it got worse than it was."""
    kept = KeptAlert(alert=worse.alert, words=Words(annotations=dict(worse.annotations)))
    before, now = one.level.severity, worse.alert.level.severity
    reason = f"no longer acknowledged {one.words}; it was {before} then and is {now} now"
    return _of_hands(kept, RELEASED, reason, worse.at, incident)


def _of_hands(kept: KeptAlert, change: str, reason: str, at: datetime, incident: str) -> HistoryEntry:
    alert = kept.alert
    return HistoryEntry(
        at=at,
        alert_id=alert.fingerprint,
        rule=alert.rule,
        labels=alert.labels,
        severity=alert.level.severity,
        before=alert.state.value,
        state=alert.state.value,
        change=change,
        value=alert.value,
        reason=reason,
        summary=kept.words.annotations.get("summary", ""),
        incident=incident,
    )
