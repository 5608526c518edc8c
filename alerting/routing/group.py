"""A group: the alerts that one receiver hears of together, for as long as one incident is open.

The dispatcher feeds it (`admit`) and asks it when it is due (`decide`, `settle`). The invariants: the incident's name
stays the same from the first message to the last; a group never says the same thing twice before its repeat interval;
what was never announced is never called off.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from alerting.alert import Labels, Level, State, fingerprint
from alerting.routing.tree import Timers


class Notice(StrEnum):
    """What a group has to say when it is due, most pressing first; the last two say nothing."""

    FIRST = "first"
    ALL_RESOLVED = "all-resolved"
    RAISED = "raised"
    NEW_ALERTS = "new-alerts"
    CHANGED = "changed"
    SOME_RESOLVED = "some-resolved"
    REPEAT = "repeat"
    NEVER_ANNOUNCED = "never-announced"
    NOTHING = "nothing"

    @property
    def silent(self) -> bool:
        """Whether nobody is told."""
        return self in (Notice.NEVER_ANNOUNCED, Notice.NOTHING)


@dataclass(frozen=True, slots=True)
class GroupKey:
    """Names a group. The route is no part of it: an alert that rises to another route of its receiver stays."""

    receiver: str
    labels: Labels

    def incident(self, opened_at: datetime) -> str:
        """The dedup key of the episode that began at `opened_at`: 32 hex digits, the same after every restart."""
        text = f"{self.receiver}\xff{fingerprint(self.labels)}\xff{opened_at.isoformat()}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Heard:
    """How the receiver last heard of an alert."""

    level: Level
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One alert in a group, as it would be told now. `state` INACTIVE is resolved; `level` is then the last bad one."""

    alert_id: str
    labels: Labels
    state: State
    level: Level
    since: datetime
    value: float | None = None
    summary: str = ""
    description: str = ""
    runbook_url: str = ""
    reason: str = ""
    ended: datetime | None = None
    heard: Heard | None = None

    @property
    def is_open(self) -> bool:
        """Whether the alert keeps the incident open; one without data does."""
        return self.state in (State.FIRING, State.NO_DATA)

    @property
    def is_news(self) -> bool:
        """Whether the receiver does not know this yet."""
        if self.heard is None:
            return self.is_open
        return not self.is_open or self.heard != Heard(self.level, self.state)

    @property
    def has_risen(self) -> bool:
        """Whether it is worse than the receiver knows."""
        return self.is_open and self.heard is not None and self.level > self.heard.level


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """An open incident at a receiver. `due` is when to look at it again; `said_at` None: nobody was told yet."""

    key: GroupKey
    timers: Timers
    opened_at: datetime
    due: datetime
    flushed_at: datetime | None = None
    said_at: datetime | None = None
    members: Mapping[str, Member] = field(default_factory=dict)

    @property
    def incident(self) -> str:
        """The dedup key."""
        return self.key.incident(self.opened_at)

    @property
    def level(self) -> Level:
        """The worst of its open alerts; of all when none is open."""
        levels = [member.level for member in self.members.values() if member.is_open]
        return max(levels or [member.level for member in self.members.values()], default=Level.OK)


def open_group(key: GroupKey, timers: Timers, now: datetime) -> Group:
    """A new incident, not told yet."""
    return Group(key=key, timers=timers, opened_at=now, due=now + timers.wait)


def wake(group: Group, now: datetime) -> Group:
    """A group after a start or a step of the clock: a clock set back puts it off for no longer than its timers."""
    has_news = any(member.is_news for member in group.members.values())
    timer = group.timers.interval if has_news else group.timers.repeat
    timer = group.timers.wait if group.said_at is None else timer
    return replace(group, due=min(group.due, now + timer))


def admit(group: Group, news: Iterable[Member], timers: Timers, now: datetime) -> Group:
    """The group after its alerts changed, in order. What the receiver heard of each is kept."""
    members = dict(group.members)
    risen = False
    for member in news:
        known = members.get(member.alert_id)
        completed = _complete(member, known)
        risen = risen or (known is not None and known.is_open and completed.is_open and completed.level > known.level)
        members[member.alert_id] = completed
    changed = replace(group, members=members, timers=timers)
    return replace(changed, due=_due(changed, now, risen=risen))


def decide(group: Group, now: datetime) -> Notice:
    """What there is to say now, and why."""
    members = group.members.values()
    if not any(member.is_open for member in members):
        return Notice.NEVER_ANNOUNCED if group.said_at is None else Notice.ALL_RESOLVED
    if group.said_at is None:
        return Notice.FIRST
    if any(member.has_risen for member in members):
        return Notice.RAISED
    news = [member for member in members if member.is_news]
    if any(member.is_open and member.heard is None for member in news):
        return Notice.NEW_ALERTS
    if any(member.is_open for member in news):
        return Notice.CHANGED
    if news:
        return Notice.SOME_RESOLVED
    return Notice.REPEAT if now - group.said_at >= group.timers.repeat else Notice.NOTHING


def settle(group: Group, notice: Notice, now: datetime) -> Group | None:
    """The group after its flush said `notice`; None when the incident is over."""
    if notice in (Notice.ALL_RESOLVED, Notice.NEVER_ANNOUNCED):
        return None
    said_at = group.said_at if notice is Notice.NOTHING else now
    members = {
        alert_id: member if notice is Notice.NOTHING else replace(member, heard=Heard(member.level, member.state))
        for alert_id, member in group.members.items()
        if member.is_open
    }
    due = (said_at or now) + group.timers.repeat
    return replace(group, members=members, flushed_at=now, said_at=said_at, due=due)


def told(group: Group) -> tuple[Member, ...]:
    """The members that a message shows: open ones, worst first, then those that ended since they were announced."""
    shown = [member for member in group.members.values() if member.is_open or member.heard is not None]
    return tuple(sorted(shown, key=lambda member: (not member.is_open, -member.level, member.since, member.labels)))


def _complete(member: Member, known: Member | None) -> Member:
    """With what the receiver heard, and with the last bad level where the alert itself has none any more."""
    level = member.level or (known.level if known else Level.WARNING)
    return replace(member, level=level, heard=known.heard if known else None)


def _due(group: Group, now: datetime, *, risen: bool) -> datetime:
    members = group.members.values()
    if risen or not any(member.is_open for member in members):
        return now
    if group.flushed_at is None:
        return group.due
    heard = [member.heard.level for member in members if member.heard is not None]
    if group.level > max(heard, default=Level.OK) or any(member.has_risen for member in members):
        return now
    if any(member.is_news for member in members):
        return min(group.due, max(now, min(group.flushed_at, now) + group.timers.interval))
    return group.due
