"""All open groups, and who holds which alert. The dispatcher keeps one; memory keeps the same on disk.

The invariant: `route` changes nothing, it says what would change; `take` applies that once it is stored. An alert that
fires stays with the receivers that hold it until it resolves, whatever route its level or new configuration leads to;
receivers that do not hold it yet are added.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from alerting.alert import NOTIFICATIONS_FAILING, Alert, Change, Labels, Level, State, Transition, as_told, labels_of
from alerting.routing.group import (
    NO_HUSH,
    Group,
    GroupKey,
    Hush,
    Member,
    Notice,
    admit,
    open_group,
    retime,
    rouse,
    wake,
)
from alerting.routing.taken import NOBODY, Taken, settle_taken
from alerting.routing.tree import Node, Timers


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupChange:
    """A group after a decision: which members differ, which are gone. `closed`: the incident is over."""

    group: Group
    members: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    closed: bool = False


@dataclass(slots=True)
class _Admission:
    """What is to be admitted to one group."""

    timers: Timers
    news: list[Member] = field(default_factory=list)


class Book:
    """The open groups. `groups` are those that memory kept."""

    def __init__(self, groups: Iterable[Group] = ()) -> None:
        self._groups: dict[GroupKey, Group] = {}
        self._holders: dict[str, frozenset[GroupKey]] = {}
        self._due: list[tuple[datetime, int, GroupKey]] = []
        self._count = 0
        self._asked_at: datetime | None = None
        for group in groups:
            self._put(group, group.members)

    def groups(self) -> Iterator[Group]:
        """All open groups."""
        return iter(self._groups.values())

    def holding(self, alert_id: str) -> tuple[Group, ...]:
        """The groups that hold an alert."""
        keys = self._holders.get(alert_id, frozenset())
        return tuple(sorted((self._groups[key] for key in keys), key=lambda group: group.key.receiver))

    def next_due(self) -> datetime | None:
        """When the next group wants to be looked at."""
        while self._due:
            due, _, key = self._due[0]
            group = self._groups.get(key)
            if group is not None and group.due == due:
                return due
            heapq.heappop(self._due)
        return None

    def take_due(self, now: datetime, most: int) -> list[Group]:
        """At most `most` groups that are due, earliest first. They stay due until `take` says otherwise.

        When the clock was set back since the last call, no group waits longer than its timers from now.
        """
        if self._asked_at is not None and now < self._asked_at:
            for group in tuple(self._groups.values()):
                self._put(wake(group, now), ())
        self._asked_at = now
        found: dict[GroupKey, Group] = {}
        kept: list[tuple[datetime, int, GroupKey]] = []
        while len(found) < most and (due := self.next_due()) is not None and due <= now:
            entry = heapq.heappop(self._due)
            if entry[2] not in found:
                kept.append(entry)
            found[entry[2]] = self._groups[entry[2]]
        for entry in kept:
            heapq.heappush(self._due, entry)
        return list(found.values())

    def route(self, transitions: Sequence[Transition], tree: Node | None, now: datetime) -> list[GroupChange]:
        """What the audible ones among `transitions` change, one entry a group. Nobody hears anything without a tree."""
        held: dict[str, frozenset[GroupKey]] = {}
        admissions: dict[GroupKey, _Admission] = {}
        for transition in transitions:
            if not transition.change.audible:
                continue
            member = member_of(transition)
            holders = held.get(member.alert_id, self._holders.get(member.alert_id, frozenset()))
            targets = _targets(member.labels, member.level, tree) if member.is_open else {}
            keys = holders | {key for key in targets if _is_new(key, holders)}
            held[member.alert_id] = keys
            for key in keys:
                admission = admissions.setdefault(key, _Admission(self._timers(key, targets)))
                admission.timers = targets.get(key, admission.timers)
                admission.news.append(member)
        return [self._admitted(key, admission, now) for key, admission in admissions.items()]

    def misplaced(
        self, alerts: Mapping[str, tuple[Labels, Level]], tree: Node, receivers: frozenset[str]
    ) -> frozenset[str]:
        """Which of the open `alerts` (labels and level by id) `reroute` changes something about."""
        lost = {key for key in self._groups if key.receiver not in receivers}
        found: set[str] = set()
        for alert_id, one in alerts.items():
            holders = self._holders.get(alert_id, frozenset()) - lost
            for key, timers in _targets(*one, tree).items():
                if _is_new(key, holders) or (key in holders and self._groups[key].timers != timers):
                    found.add(alert_id)
        return frozenset(found)

    def reroute(
        self, members: Iterable[Member], tree: Node, receivers: frozenset[str], now: datetime
    ) -> list[GroupChange]:
        """What new configuration changes: groups of receivers that are gone end, open alerts (at least those that are
        `misplaced`) reach receivers that are new to them, and groups go by the timers and calendars of their routes as
        they are now.
        """
        ended = [group for group in self._groups.values() if group.key.receiver not in receivers]
        lost = {group.key for group in ended}
        admissions: dict[GroupKey, _Admission] = {}
        retimed: dict[GroupKey, Group] = {}
        for member in members:
            holders = self._holders.get(member.alert_id, frozenset()) - lost
            for key, timers in _targets(member.labels, member.level, tree).items():
                if _is_new(key, holders):
                    admissions.setdefault(key, _Admission(timers)).news.append(member)
                elif key in holders and self._groups[key].timers != timers:
                    retimed[key] = retime(self._groups[key], timers, now)
        closed = [GroupChange(group=group, closed=True, gone=tuple(group.members)) for group in ended]
        moved = [GroupChange(group=group) for key, group in retimed.items() if key not in admissions]
        return [*closed, *moved, *(self._admitted(key, admission, now) for key, admission in admissions.items())]

    def settled(
        self, group: Group, notice: Notice, now: datetime, hush: Hush = NO_HUSH, taken: Taken = NOBODY
    ) -> GroupChange:
        """What the flush of `group` changes."""
        after = settle_taken(group, notice, now, hush, taken)
        if after is None:
            return GroupChange(group=group, closed=True, gone=tuple(group.members))
        known = group.members
        differing = (id_ for id_, one in after.members.items() if one is not known[id_] and one != known[id_])
        gone = (id_ for id_ in group.members if id_ not in after.members)
        return GroupChange(group=after, members=tuple(differing), gone=tuple(gone))

    def roused(self, changes: Sequence[GroupChange], now: datetime) -> list[GroupChange]:
        """`changes`, with every group that holds something back due now: what muted it may be over."""
        known = {change.group.key for change in changes}
        others = (GroupChange(group=group) for key, group in self._groups.items() if key not in known)
        dozing = [change for change in others if _holds_back(change)]
        return [replace(one, group=rouse(one.group, now)) if _holds_back(one) else one for one in (*changes, *dozing)]

    def take(self, changes: Iterable[GroupChange]) -> None:
        """Apply what was stored."""
        for change in changes:
            for alert_id in change.gone:
                left = self._holders.get(alert_id, frozenset()) - {change.group.key}
                if left:
                    self._holders[alert_id] = left
                else:
                    self._holders.pop(alert_id, None)
            if change.closed:
                self._groups.pop(change.group.key, None)
            else:
                self._put(change.group, change.members)

    def _put(self, group: Group, members: Iterable[str]) -> None:
        known = self._groups.get(group.key)
        self._groups[group.key] = group
        if known is None or known.due != group.due:
            self._count += 1
            heapq.heappush(self._due, (group.due, self._count, group.key))
        holders: dict[frozenset[GroupKey], frozenset[GroupKey]] = {}  # one of each for all who have the same
        for alert_id in members:
            held = self._holders.get(alert_id, frozenset())
            self._holders[alert_id] = held if group.key in held else holders.setdefault(held, held | {group.key})

    def _timers(self, key: GroupKey, targets: Mapping[GroupKey, Timers]) -> Timers:
        group = self._groups.get(key)
        return targets.get(key) or (group.timers if group else Timers())

    def _admitted(self, key: GroupKey, admission: _Admission, now: datetime) -> GroupChange:
        group = self._groups.get(key) or open_group(key, admission.timers, now)
        after = admit(group, admission.news, admission.timers, now)
        return GroupChange(group=after, members=tuple({member.alert_id: None for member in admission.news}))


def member_of(transition: Transition) -> Member:
    """The alert after `transition`, as receivers will be told of it."""
    member = member_now(transition.alert, transition.annotations, transition.reason, transition.at)
    if transition.change is Change.RESOLVED:
        return replace(member, state=State.INACTIVE, ended=transition.at)
    return member


def member_now(alert: Alert, words: Mapping[str, str], reason: str, at: datetime) -> Member:
    """An alert as receivers are told of it; `words` are its rendered annotations."""
    return Member(
        alert_id=alert.fingerprint,
        labels=alert.labels,
        state=alert.state,
        level=alert.level,
        since=alert.fired_at or alert.since or at,
        value=alert.value,
        summary=words.get("summary", ""),
        description=words.get("description", ""),
        runbook_url=words.get("runbook_url", ""),
        reason=reason,
    )


def _targets(labels: Labels, level: Level, tree: Node | None) -> dict[GroupKey, Timers]:
    if tree is None:
        return {}
    told = as_told(labels, level)
    return {GroupKey(node.receiver, _group_labels(node, told)): node.timers for node in tree.find(told)}


def _group_labels(node: Node, labels: Mapping[str, str]) -> Labels:
    """As the route says. What is about notifiers that fail goes other ways, so it is never in a group with the rest."""
    name = labels.get("alertname")
    own = {"alertname": name} if name == NOTIFICATIONS_FAILING else {}
    return labels_of({**dict(node.group_labels(labels)), **own})


def _is_new(key: GroupKey, holders: frozenset[GroupKey]) -> bool:
    return all(key.receiver != holder.receiver for holder in holders)


def _holds_back(change: GroupChange) -> bool:
    return not change.closed and any(member.muted for member in change.group.members.values())
