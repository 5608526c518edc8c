"""What a group says: its alerts as receivers see them, as one message. Pure.

The dispatcher calls it when a group is due. The invariant: open alerts come first, the worst before the others, so
whoever shortens a message keeps what matters.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from alerting.alert import Level, State
from alerting.memory.contract import Draft
from alerting.notify.contract import AlertView, Message, Status
from alerting.routing.group import Group, Member, Notice, told

MOST_ALERTS = 500
"""More than these no receiver shows; the others are counted."""


def compose(group: Group, now: datetime, url: str = "", why: str = "") -> Message:
    """What is to be said about the group at `now`. `url` is where people can look at it, `why` the notice."""
    members = told(group)
    is_open = any(member.is_open for member in members)
    return Message(
        incident=group.incident,
        receiver=group.key.receiver,
        status=Status.FIRING if is_open else Status.RESOLVED,
        severity=group.level.severity,
        group_labels=dict(group.key.labels),
        alerts=tuple(_view(member) for member in members[:MOST_ALERTS]),
        decided_at=now,
        url=url,
        why=why,
        untold=Counter(_status(member).value for member in members[MOST_ALERTS:]),
    )


def drafts(group: Group, notice: Notice, notifiers: tuple[str, ...], now: datetime, url: str = "") -> tuple[Draft, ...]:
    """One draft for each notifier of the group's receiver; none where there is nothing to say."""
    if notice.silent or not notifiers:
        return ()
    message = compose(group, now, url, notice.value)
    return tuple(Draft(notifier=notifier, why=notice.value, message=message) for notifier in notifiers)


def _view(member: Member) -> AlertView:
    return AlertView(
        labels={**dict(member.labels), "severity": max(member.level, Level.WARNING).severity},
        status=_status(member),
        value=None if member.state is State.NO_DATA else member.value,
        since=member.since,
        summary=member.summary,
        description=member.description,
        runbook_url=member.runbook_url,
        ended=member.ended,
        reason=member.reason,
    )


def _status(member: Member) -> Status:
    return Status.FIRING if member.is_open else Status.RESOLVED
