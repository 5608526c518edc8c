"""Who hears of notifiers that fail: everybody but the notifiers that it is about. Pure; `passing` calls it.

The invariants: a message about a notifier is never sent through that notifier alone; whoever heard that one fails hears
that it works again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from alerting.alert import NOTIFICATIONS_FAILING
from alerting.fallback import WHY
from alerting.memory.contract import Draft, Suppression
from alerting.notify.contract import Status
from alerting.routing.group import Group


def is_about_notifiers(group: Group) -> bool:
    """Whether a group tells of notifiers that fail; such a group holds nothing else."""
    return dict(group.key.labels).get("alertname") == NOTIFICATIONS_FAILING


def around(group: Group, said: Sequence[Draft], fallback: str, notifiers: Sequence[str]) -> tuple[Draft, ...]:
    """What is `said` of the group, without the notifiers that it is about: where the receiver has no other, to the
    `notifiers` of its `fallback`; where that has none either, to nobody.
    """
    if not said:
        return ()
    failing = _failing(group)
    message = said[0].message
    receiver = group.key.receiver
    to_others = replace(message, receiver=fallback, why=WHY, note=f"{receiver} cannot be told")
    others = [Draft(notifier=name, why=WHY, message=to_others) for name in notifiers]
    if message.status is Status.RESOLVED:
        return tuple(replace(draft, echo=True) for draft in (*said, *others))
    well = [draft for draft in said if (receiver, draft.notifier) not in failing]
    left_out = [
        replace(draft, suppression=Suppression.ABOUT_ITSELF) for draft in said if (receiver, draft.notifier) in failing
    ]
    if well:
        others = [replace(draft, echo=True) for draft in others]
    told = (draft for draft in others if (fallback, draft.notifier) not in failing)
    return (*well, *left_out, *told)


def _failing(group: Group) -> frozenset[tuple[str, str]]:
    """(receiver, notifier) of each alert that is open."""
    found = (dict(member.labels) for member in group.members.values() if member.is_open)
    return frozenset((labels.get("receiver", ""), labels.get("notifier", "")) for labels in found)
