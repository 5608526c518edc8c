"""A group: the alerts that one receiver hears of together, for as long as one incident is open.

The dispatcher feeds it (`admit`) and asks it when it is due (`decide`, `settle`). The invariants: the incident's name
stays the same from the first message to the last; a group never says the same thing twice before its repeat interval;
what was never announced is never called off.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from alerting.alert import Labels, Level, State, fingerprint
from alerting.routing.tree import Timers


class Notice(StrEnum):
    """What a group has to say when it is due, most pressing first; the last four say nothing."""

    FIRST = "first"
    ALL_RESOLVED = "all-resolved"
    RAISED = "raised"
    NEW_ALERTS = "new-alerts"
    CHANGED = "changed"
    SOME_RESOLVED = "some-resolved"
    TAKEN = "acknowledged"
    RELEASED = "released"
    REPEAT = "repeat"
    SPARED = "spared"
    NEVER_ANNOUNCED = "never-announced"
    MUTED = "muted"
    NOTHING = "nothing"

    @property
    def silent(self) -> bool:
        """Whether nobody is told."""
        return self in (Notice.SPARED, Notice.NEVER_ANNOUNCED, Notice.MUTED, Notice.NOTHING)

    @property
    def is_about_hands(self) -> bool:
        """Whether it tells nothing but who has alerts in hand, or that nobody has."""
        return self in (Notice.TAKEN, Notice.RELEASED)


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


HEARD = {(level, state): Heard(level, state) for level in Level for state in State}
"""One of each for all members: there are few, and members are many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One alert in a group, as it would be told now. `state` INACTIVE is resolved; `level` is then the last bad one.

    `muted` says why it was held back at the last flush; empty when it was not.
    """

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
    muted: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the alert keeps the incident open; one without data does."""
        return self.state.is_open

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


@dataclass(frozen=True, slots=True)
class Hush:
    """Which open members are muted just now, by id, each with its reason for people, and when to look again.

    One that the receiver has heard of is no news, but stands in the messages that others cause; one that it has not
    heard of is kept from it altogether.
    """

    muted: Mapping[str, str] = field(default_factory=dict)
    until: datetime | None = None

    def hides(self, member: Member) -> bool:
        """Whether the receiver is to know nothing of the member."""
        return member.is_open and member.heard is None and member.alert_id in self.muted


NO_HUSH = Hush()


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """An open incident at a receiver. `due` is when to look at it again; `said_at` None: nobody was told yet.

    `taken` is what the receiver has heard of acknowledgements: when each alert was taken, by its id. `spared_at` is
    when a reminder was left out because of them.
    """

    key: GroupKey
    timers: Timers
    opened_at: datetime
    due: datetime
    flushed_at: datetime | None = None
    said_at: datetime | None = None
    members: Mapping[str, Member] = field(default_factory=dict)
    spared_at: datetime | None = None
    taken: Mapping[str, str] = field(default_factory=dict)
    _incident: str = field(default="", init=False, repr=False, compare=False)

    @property
    def incident(self) -> str:
        """The dedup key."""
        if not self._incident:
            object.__setattr__(self, "_incident", self.key.incident(self.opened_at))
        return self._incident

    @property
    def level(self) -> Level:
        """The worst of its open alerts; of all when none is open."""
        return _worst(self.members.values())


def open_group(key: GroupKey, timers: Timers, now: datetime) -> Group:
    """A new incident, not told yet."""
    return Group(key=key, timers=timers, opened_at=now, due=now + timers.wait)


def wake(group: Group, now: datetime) -> Group:
    """A group after a start or a step of the clock: a clock set back puts it off for no longer than its timers."""
    has_news = any(member.is_news for member in group.members.values())
    timer = group.timers.interval if has_news else group.timers.repeat
    timer = group.timers.wait if group.said_at is None else timer
    return replace(group, due=min(group.due, now + timer), said_at=group.said_at and min(group.said_at, now))


def rouse(group: Group, now: datetime) -> Group:
    """A group that is to be looked at now."""
    return replace(group, due=min(group.due, now))


def retime(group: Group, timers: Timers, now: datetime) -> Group:
    """The group under new timers: it is looked at now, and one that still waits for company at the end of that."""
    due = now if group.flushed_at is not None else max(now, group.opened_at + timers.wait)
    return replace(group, timers=timers, due=due)


def admit(group: Group, news: Iterable[Member], timers: Timers, now: datetime) -> Group:
    """The group after its alerts changed, in order. What the receiver heard of each is kept."""
    members = dict(group.members)
    risen = False
    for member in news:
        known = members.get(member.alert_id)
        completed = _complete(member, known)
        risen = risen or (known is not None and known.is_open and completed.is_open and completed.level > known.level)
        members[member.alert_id] = completed
    due = _due(group, members.values(), timers, now, risen=risen)
    return replace(group, members=members, timers=timers, due=due)


def decide(group: Group, now: datetime, hush: Hush = NO_HUSH) -> Notice:
    """What there is to say now, and why."""
    members = group.members.values()
    is_open = [member for member in members if member.is_open]
    if all(hush.hides(member) for member in is_open):
        if group.said_at is not None:
            return Notice.ALL_RESOLVED
        return Notice.MUTED if is_open else Notice.NEVER_ANNOUNCED
    if group.said_at is None:
        return Notice.FIRST
    audible = [member for member in members if not member.is_open or member.alert_id not in hush.muted]
    if any(member.is_news for member in audible):
        return _news(audible)
    if now - group.said_at >= group.timers.repeat and any(member.is_open for member in audible):
        return Notice.REPEAT
    return Notice.MUTED if any(member.is_news for member in is_open) else Notice.NOTHING


def settle(group: Group, notice: Notice, now: datetime, hush: Hush = NO_HUSH) -> Group | None:
    """The group after its flush said `notice`; None when the incident is over.

    Alerts that are muted and were never announced outlive the incident of those that were: as a new one.
    """
    is_over = notice in (Notice.ALL_RESOLVED, Notice.NEVER_ANNOUNCED)
    members = {
        alert_id: _after_flush(member, notice, hush)
        for alert_id, member in group.members.items()
        if (hush.hides(member) if is_over else member.is_open)
    }
    if is_over and not members:
        return None
    opened = open_group(group.key, group.timers, now) if is_over else group
    said_at = opened.said_at if is_over or notice.silent else now
    due = _look_again(said_at, members.values(), group.timers, now, hush)
    return replace(opened, members=members, said_at=said_at, flushed_at=now, due=due)


def _after_flush(member: Member, notice: Notice, hush: Hush) -> Member:
    """A member after a flush; the same one where nothing about it differs, as for most of a large group."""
    muted = hush.muted.get(member.alert_id, "")
    heard = member.heard if notice.silent or hush.hides(member) else HEARD[member.level, member.state]
    if heard == member.heard and muted == member.muted:
        return member
    return replace(member, muted=muted, heard=heard)


def told(group: Group, hush: Hush = NO_HUSH) -> tuple[Member, ...]:
    """The members that a message shows: open ones, worst first, then those that ended since they were announced."""
    shown = (member for member in group.members.values() if member.is_open or member.heard is not None)
    return tuple(sorted((member for member in shown if not hush.hides(member)), key=_urgency))


def held_back(group: Group, hush: Hush) -> tuple[Member, ...]:
    """The open members that would be news were they not muted, worst first."""
    found = (member for member in group.members.values() if member.is_open and member.alert_id in hush.muted)
    return tuple(sorted((member for member in found if member.is_news), key=_urgency))


def _news(audible: Iterable[Member]) -> Notice:
    news = [member for member in audible if member.is_news]
    if any(member.has_risen for member in news):
        return Notice.RAISED
    if any(member.is_open and member.heard is None for member in news):
        return Notice.NEW_ALERTS
    return Notice.CHANGED if any(member.is_open for member in news) else Notice.SOME_RESOLVED


def _urgency(member: Member) -> tuple[bool, int, datetime, Labels]:
    return not member.is_open, -member.level, member.since, member.labels


def _look_again(
    said_at: datetime | None, members: Iterable[Member], timers: Timers, now: datetime, hush: Hush
) -> datetime:
    """When it is due after a flush: to repeat itself, and where something is muted no later than that may end."""
    due = (said_at or now) + timers.repeat
    if not any(member.muted for member in members):
        return due
    if hush.until is not None:
        due = min(due, hush.until)
    return due if due > now else now + timers.interval


def _complete(member: Member, known: Member | None) -> Member:
    """With what the receiver heard, and with the last bad level where the alert itself has none any more."""
    if known is None and member.level and member.heard is None:
        return member
    level = member.level or (known.level if known else Level.WARNING)
    return replace(member, level=level, heard=known.heard if known else None)


def _due(group: Group, members: Collection[Member], timers: Timers, now: datetime, *, risen: bool) -> datetime:
    """When `group` is due once it has these members."""
    if risen or not any(member.is_open for member in members):
        return now
    if group.flushed_at is None:
        return group.due
    heard = [member.heard.level for member in members if member.heard is not None]
    if _worst(members) > max(heard, default=Level.OK) or any(member.has_risen for member in members):
        return now
    if any(member.is_news for member in members):
        return min(group.due, max(now, min(group.flushed_at, now) + timers.interval))
    return group.due


def _worst(members: Collection[Member]) -> Level:
    levels = [member.level for member in members if member.is_open] or [member.level for member in members]
    return max(levels, default=Level.OK)
