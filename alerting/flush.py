"""What a group says: its alerts as receivers see them, as one message. Pure.

The dispatcher calls it when a group is due. The invariant: open alerts come first, the worst before the others, so
whoever shortens a message keeps what matters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from alerting.alert import State, as_told
from alerting.memory.contract import Draft, Suppression
from alerting.notify.contract import AlertView, Message, Status
from alerting.routing.group import NO_HUSH, Group, Hush, Member, Notice, held_back, told
from alerting.routing.taken import NOBODY, Taken, is_taken

MOST_ALERTS = 500
"""More than these no receiver shows; the others are counted."""


def compose(
    group: Group, now: datetime, url: str = "", why: str = "", hush: Hush = NO_HUSH, taken: Taken = NOBODY
) -> Message:
    """What is to be said about the group at `now`. `url` is where people can look at it, `why` the notice."""
    return _message(group, told(group, hush), now, url=url, why=why, hush=hush, taken=taken)


def _message(
    group: Group,
    members: Sequence[Member],
    now: datetime,
    *,
    url: str,
    why: str,
    hush: Hush,
    taken: Taken,
) -> Message:
    is_open = any(member.is_open for member in members)
    untold = members[MOST_ALERTS:]
    return Message(
        incident=group.incident,
        receiver=group.key.receiver,
        status=Status.FIRING if is_open else Status.RESOLVED,
        severity=group.level.severity,
        group_labels=dict(group.key.labels),
        alerts=tuple(_view(member, taken) for member in members[:MOST_ALERTS]),
        decided_at=now,
        url=url,
        why=why,
        untold=Counter(_status(member).value for member in untold) if untold else {},
        muted=_left_out(group, hush) if hush.muted else (),
        is_acknowledged=is_taken(group, hush, taken),
    )


def _left_out(group: Group, hush: Hush) -> tuple[str, ...]:
    """What the receiver is to know nothing of: each reason with its count, the most frequent first."""
    counts = Counter(hush.muted[member.alert_id] for member in group.members.values() if hush.hides(member))
    return tuple(f"{count} alert{'s' if count > 1 else ''} {words}" for words, count in counts.most_common())


def drafts(
    group: Group,
    notice: Notice,
    hush: Hush,
    notifiers: Sequence[str],
    now: datetime,
    url: str = "",
    taken: Taken = NOBODY,
) -> tuple[Draft, ...]:
    """One draft for each notifier of the group's receiver; none where there is nothing to say.

    A reminder that is spared is drafted as what it would have said, to be kept and not sent.
    """
    is_spared = notice is Notice.SPARED
    if notice.silent and not is_spared:
        return ()
    why = Notice.REPEAT.value if is_spared else notice.value
    message = compose(group, now, url, why, hush, taken)
    reason = Suppression.ACKNOWLEDGED if is_spared else None
    return tuple(Draft(notifier=notifier, why=why, message=message, suppression=reason) for notifier in notifiers)


def withheld(
    group: Group, hush: Hush, reasons: Mapping[str, Suppression], notifiers: Sequence[str], now: datetime
) -> tuple[Draft, ...]:
    """What nobody hears because it is muted, once for each time that it begins to be: to be kept, not sent.

    `reasons` names the suppression of each muted alert by its id.
    """
    if not hush.muted:
        return ()
    fresh = [member for member in held_back(group, hush) if member.muted != hush.muted[member.alert_id]]
    if not fresh:
        return ()
    reason = reasons[fresh[0].alert_id]
    message = _message(group, fresh, now, url="", why=Notice.MUTED.value, hush=hush, taken=NOBODY)
    return tuple(
        Draft(notifier=notifier, why=Notice.MUTED.value, message=message, suppression=reason) for notifier in notifiers
    )


def _view(member: Member, taken: Taken) -> AlertView:
    return AlertView(
        labels=as_told(member.labels, member.level),
        status=_status(member),
        value=None if member.state is State.NO_DATA else member.value,
        since=member.since,
        summary=member.summary,
        description=member.description,
        runbook_url=member.runbook_url,
        ended=member.ended,
        reason=member.reason,
        acknowledged=taken.get(member.alert_id) if member.is_open else None,
    )


def _status(member: Member) -> Status:
    return Status.FIRING if member.is_open else Status.RESOLVED
