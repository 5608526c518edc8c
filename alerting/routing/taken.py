"""What a group says, and does not say, because somebody has alerts of it in hand. Pure.

The dispatcher asks it where it asks `group`; the book settles by it. The invariants: only reminders are spared, and
only while everything that they would be about is in hand; news of an acknowledgement puts off no reminder; without
acknowledgements a group does what `group` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from alerting.acknowledgement import Acknowledgement
from alerting.routing.group import Group, Hush, Notice, settle

Taken = Mapping[str, Acknowledgement]
"""Acknowledgements in force, by the id of their alert."""
NOBODY: Taken = MappingProxyType({})
REOPENED = "reopened"
"""Why a service that keeps incidents itself is told that one is over: it is told at once that it is open again."""
_SAYS_NOTHING_NEW = frozenset({Notice.REPEAT, Notice.MUTED, Notice.NOTHING})


def reconsider(group: Group, notice: Notice, now: datetime, hush: Hush, taken: Taken) -> Notice:
    """The notice that `decide` came to, in the light of who has what in hand."""
    if group.said_at is None or not (taken or group.taken) or notice not in _SAYS_NOTHING_NEW:
        return notice
    in_hand = _reminds_of_nothing(group, hush, taken)
    if notice is Notice.REPEAT and not in_hand:
        return notice
    changed = _changed(group, taken)
    if changed is not None:
        return changed
    if notice is Notice.REPEAT:
        return Notice.SPARED if now - _reminded_at(group, group.said_at) >= group.timers.repeat else Notice.NOTHING
    return notice


def settle_taken(group: Group, notice: Notice, now: datetime, hush: Hush, taken: Taken) -> Group | None:
    """As `settle`, with what the receiver has heard of acknowledgements."""
    if not (taken or group.taken):
        return settle(group, notice, now, hush)
    if group.said_at is None or not (notice.silent or notice.is_about_hands):
        after = settle(group, notice, now, hush)
        return after if after is None or notice.silent else replace(after, taken=_told(after, taken))
    reminded_at = group.said_at
    if notice is Notice.SPARED:
        reminded_at = now
    elif _reminds_of_nothing(group, hush, taken):
        reminded_at = _reminded_at(group, group.said_at)
    after = settle(replace(group, said_at=reminded_at), Notice.NOTHING, now, hush)
    if after is None:
        return None
    return replace(
        after,
        said_at=group.said_at,
        spared_at=now if notice is Notice.SPARED else group.spared_at,
        taken=_told(after, taken),
    )


def is_taken(group: Group, hush: Hush, taken: Taken) -> bool:
    """Whether all that a message tells as open is in hand."""
    if not taken:
        return False
    told = [member for member in group.members.values() if member.is_open and not hush.hides(member)]
    return bool(told) and all(member.alert_id in taken for member in told)


def reopens(group: Group, notice: Notice, hush: Hush, taken: Taken) -> bool:
    """Whether this says of an incident that was told to be in hand that it is so no more, while it is open."""
    if not group.taken or notice.silent or notice is Notice.ALL_RESOLVED or is_taken(group, hush, taken):
        return False
    return all(alert_id in group.taken for alert_id, member in group.members.items() if member.heard is not None)


def _reminds_of_nothing(group: Group, hush: Hush, taken: Taken) -> bool:
    """Whether a reminder would be about alerts alone that are in hand."""
    return all(
        alert_id in taken for alert_id, member in group.members.items() if member.is_open and alert_id not in hush.muted
    )


def _changed(group: Group, taken: Taken) -> Notice | None:
    """What the receiver does not know yet: of the alerts that it has heard of, one was taken or given back."""
    heard = {alert_id for alert_id, member in group.members.items() if member.is_open and member.heard is not None}
    if any(group.taken.get(alert_id) != _name(one) for alert_id, one in taken.items() if alert_id in heard):
        return Notice.TAKEN
    return Notice.RELEASED if any(alert_id in heard and alert_id not in taken for alert_id in group.taken) else None


def _told(group: Group, taken: Taken) -> dict[str, str]:
    return {
        alert_id: _name(taken[alert_id])
        for alert_id, member in group.members.items()
        if alert_id in taken and member.heard is not None
    }


def _reminded_at(group: Group, said_at: datetime) -> datetime:
    """When the receiver last heard, or was spared to hear, that the incident is open."""
    return max(said_at, group.spared_at or said_at)


def _name(one: Acknowledgement) -> str:
    return one.at.isoformat()
