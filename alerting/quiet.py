"""Who is not to be told: muting as the dispatcher keeps it, over the groups and transitions that it sees.

The invariant: `take` comes after the decision was stored, so what is muted here is what the file would mute.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from alerting.alert import Alert, Change, Labels, Level, Transition, as_told
from alerting.memory.contract import Suppression
from alerting.muting.calendar import Calendar
from alerting.muting.inhibition import InhibitRule
from alerting.muting.mutes import Mute, MuteKind, Mutes
from alerting.muting.silence import Silence
from alerting.routing.group import NO_HUSH, Group, Hush, Member
from alerting.routing.matchers import all_match

_NO_NAMES: Mapping[str, Suppression] = MappingProxyType({})
KEPT = timedelta(days=30)
"""Silences are shown for so long after their end."""
_SUPPRESSIONS = {
    MuteKind.SILENCE: Suppression.SILENCED,
    MuteKind.INHIBITION: Suppression.INHIBITED,
    MuteKind.CALENDAR: Suppression.CALENDAR,
}


class Quiet:
    """Silences, inhibition and calendars, and which alerts are open."""

    def __init__(self) -> None:
        self._mutes = Mutes()

    def open(self, silences: Iterable[Silence], alerts: Mapping[str, Alert]) -> None:
        """Go on with what memory kept; `alerts` by their ids."""
        self._mutes.keep(silences)
        for alert_id, alert in alerts.items():
            if alert.state.is_open:
                self._mutes.inhibition.opened(alert_id, alert.labels, alert.level)

    def adopt(self, rules: Iterable[InhibitRule], calendars: Mapping[str, Calendar]) -> None:
        """Mute by what notify.yml says now."""
        self._mutes.adopt(rules, calendars)

    def silences(self) -> tuple[Silence, ...]:
        """All that are kept, the one that ends last first."""
        return self._mutes.silences()

    def matched(self, silence: Silence) -> int:
        """How many open alerts meet its matchers."""
        return sum(all_match(silence.matchers, as_told(*one)) for one in self.open_alerts().values())

    def open_alerts(self) -> Mapping[str, tuple[Labels, Level]]:
        """The labels and the level of every open alert, by its id."""
        return self._mutes.inhibition.open

    def old(self, now: datetime) -> tuple[str, ...]:
        """The ids of silences that ended too long ago to be kept."""
        return tuple(one.id for one in self._mutes.silences() if one.ends_at < now - KEPT)

    def keep(self, silences: Iterable[Silence], forgotten: Iterable[str]) -> None:
        """These were stored, and those forgotten."""
        self._mutes.keep(silences)
        self._mutes.forget(forgotten)

    def frees(self, transitions: Iterable[Transition]) -> bool:
        """Whether an alert that mutes others until now may do so no more after `transitions`: it ends or falls."""
        inhibition = self._mutes.inhibition
        moved = (_opening(one) for one in transitions if one.change.audible)
        return inhibition.has_rules and any(inhibition.lets_go(*opening) for opening in moved)

    def take(self, transitions: Iterable[Transition]) -> None:
        """These were stored."""
        for alert_id, after in (_opening(one) for one in transitions if one.change.audible):
            if after is not None:
                self._mutes.inhibition.opened(alert_id, *after)
            else:
                self._mutes.inhibition.ended(alert_id)

    def hush(self, group: Group, now: datetime) -> tuple[Hush, Mapping[str, Suppression]]:
        """What of the group is muted, and under which name that is kept, by alert."""
        if self._mutes.are_none(group.timers):
            return NO_HUSH, _NO_NAMES
        found = self._muted(group, now)
        until = min((mute.until for mute in found.values() if mute.until is not None), default=None)
        hush = Hush(MappingProxyType({alert_id: mute.words for alert_id, mute in found.items()}), until)
        return hush, {alert_id: _SUPPRESSIONS[mute.kind] for alert_id, mute in found.items()}

    def mute_of(self, group: Group, alert_id: str, now: datetime) -> Mute | None:
        """Why the alert is muted in the group; None where it is not, or is not open."""
        member = group.members.get(alert_id)
        return self._why(member, group, now) if member is not None else None

    def _muted(self, group: Group, now: datetime) -> Mapping[str, Mute]:
        found = ((member.alert_id, self._why(member, group, now)) for member in group.members.values())
        return {alert_id: mute for alert_id, mute in found if mute is not None}

    def _why(self, member: Member, group: Group, now: datetime) -> Mute | None:
        if not member.is_open:
            return None
        return self._mutes.why(member.alert_id, as_told(member.labels, member.level), group.timers, now)


def _opening(transition: Transition) -> tuple[str, tuple[Labels, Level] | None]:
    """The alert of a transition, and the labels and level with which it is open then; None where it has ended."""
    alert = transition.alert
    is_open = alert.state.is_open and transition.change is not Change.RESOLVED
    return alert.fingerprint, (alert.labels, alert.level) if is_open else None
