"""All reasons to hold an alert back, asked at once. The dispatcher keeps one of these and asks it when a group is due.

The invariant: a mute says what it is and whose, so that a person who was not paged can be told why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from alerting.muting.calendar import Calendar
from alerting.muting.inhibition import Inhibition, InhibitRule
from alerting.muting.silence import Silence
from alerting.routing.tree import Timers

_OWN = frozenset({"alertname", "severity"})


class MuteKind(StrEnum):
    """What holds an alert back."""

    SILENCE = "silence"
    INHIBITION = "inhibition"
    CALENDAR = "calendar"


@dataclass(frozen=True, slots=True)
class Mute:
    """Why an alert is held back. `by`: a silence's id, an alert's name, a calendar's name. `words` are for people.

    `until` is when to ask again at the latest; None: when another alert ends, which is noticed.
    """

    kind: MuteKind
    by: str
    words: str
    until: datetime | None


class Mutes:
    """Silences, inhibition and calendars as they are now."""

    def __init__(self) -> None:
        self.inhibition = Inhibition()
        self._silences: dict[str, Silence] = {}
        self._calendars: Mapping[str, Calendar] = MappingProxyType({})

    def adopt(self, rules: Iterable[InhibitRule], calendars: Mapping[str, Calendar]) -> None:
        """Mute by what notify.yml says now."""
        self.inhibition.adopt(rules)
        self._calendars = calendars

    def keep(self, silences: Iterable[Silence]) -> None:
        """Add these, or put them in the place of those with their ids."""
        self._silences |= {one.id: one for one in silences}

    def silences(self) -> tuple[Silence, ...]:
        """All that are known, the one that ends last first."""
        return tuple(sorted(self._silences.values(), key=lambda one: one.ends_at, reverse=True))

    def forget(self, silence_ids: Iterable[str]) -> None:
        """Drop the silences with these ids."""
        for silence_id in silence_ids:
            self._silences.pop(silence_id, None)

    def are_none(self, timers: Timers) -> bool:
        """Whether there is nothing that could mute an alert on a route with these timers."""
        return not (self._silences or self.inhibition.has_rules or timers.mute or timers.active)

    def why(self, alert_id: str, labels: Mapping[str, str], timers: Timers, now: datetime) -> Mute | None:
        """Why an open alert with `labels` (`severity` among them) is not to be told on a route; None: it is."""
        return self._silenced(labels, now) or self._inhibited(alert_id, labels) or self._closed(timers, now)

    def _silenced(self, labels: Mapping[str, str], now: datetime) -> Mute | None:
        found = [one for one in self._silences.values() if one.mutes(labels, now)]
        if not found:
            return None
        longest = max(found, key=lambda one: one.ends_at)
        words = f"silenced by {longest.author} until {longest.ends_at:%Y-%m-%d %H:%M} UTC: {longest.comment}"
        return Mute(MuteKind.SILENCE, longest.id, words, longest.ends_at)

    def _inhibited(self, alert_id: str, labels: Mapping[str, str]) -> Mute | None:
        source = self.inhibition.source_of(alert_id, labels)
        if source is None:
            return None
        name = source.get("alertname", "")
        others = ", ".join(f'{key}="{value}"' for key, value in sorted(source.items()) if key not in _OWN)
        words = f"inhibited while {name} ({others}) is open" if others else f"inhibited while {name} is open"
        return Mute(MuteKind.INHIBITION, name, words, None)

    def _closed(self, timers: Timers, now: datetime) -> Mute | None:
        for name in timers.mute:
            calendar = self._calendars.get(name)
            if calendar is not None and calendar.covers(now):
                return Mute(MuteKind.CALENDAR, name, f"muted by the calendar {name}", calendar.changes(now))
        active = [self._calendars[name] for name in timers.active if name in self._calendars]
        if active and not any(calendar.covers(now) for calendar in active):
            names = ", ".join(calendar.name for calendar in active)
            again = min(calendar.changes(now) for calendar in active)
            return Mute(MuteKind.CALENDAR, names, f"outside of the calendar {names}", again)
        return None
