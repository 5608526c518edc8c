"""Inhibition: while the database is down nobody needs to hear that every page is slow.

As in Alertmanager: an open alert that meets `source` mutes those that meet `target` and have the same values in all
`equal` labels (a label that is missing is empty). An alert that meets both sides is not muted by one that does, too, so
nothing mutes itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from alerting.alert import Labels, Level, as_told
from alerting.routing.matchers import Matcher, all_match


@dataclass(frozen=True, slots=True, kw_only=True)
class InhibitRule:
    """Open alerts that meet `source` mute others that meet `target` and agree with them in `equal`."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()

    def key(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        """What a source and its targets have in common."""
        return tuple(labels.get(name, "") for name in self.equal)


class Inhibition:
    """The rules, and which open alerts are sources under them. The dispatcher tells it of every alert that opens."""

    def __init__(self, rules: Iterable[InhibitRule] = ()) -> None:
        self._open: Mapping[Level, dict[str, Labels]] = {level: {} for level in Level}
        self.adopt(rules)

    def adopt(self, rules: Iterable[InhibitRule]) -> None:
        """Mute by other rules from now on."""
        self._rules = tuple(rules)
        self._sources: tuple[defaultdict[tuple[str, ...], dict[str, Mapping[str, str]]], ...] = tuple(
            defaultdict(dict) for _ in self._rules
        )
        if self._rules:
            for alert_id, one in self.open.items():
                self._enter(alert_id, as_told(*one))

    @property
    def has_rules(self) -> bool:
        """Whether anything can be muted at all."""
        return bool(self._rules)

    def opened(self, alert_id: str, labels: Labels, level: Level) -> None:
        """An alert is open, with these labels, at this level."""
        if self._opening_of(alert_id) != (labels, level):
            self.ended(alert_id)
            self._open[level][alert_id] = labels
            if self._rules:
                self._enter(alert_id, as_told(labels, level))

    def ended(self, alert_id: str) -> None:
        """An alert is open no more."""
        before = self._opening_of(alert_id)
        if before is None:
            return
        del self._open[before[1]][alert_id]
        if not self._rules:
            return
        labels = as_told(*before)
        for rule, sources in zip(self._rules, self._sources, strict=True):
            key = rule.key(labels)
            if sources.get(key, {}).pop(alert_id, None) is not None and not sources[key]:
                del sources[key]

    def lets_go(self, alert_id: str, after: tuple[Labels, Level] | None) -> bool:
        """Whether others that the open alert mutes may be muted no more once it has this level, or ends (None)."""
        before = self._opening_of(alert_id)
        if before is None or before == after:
            return False
        labels = as_told(*before)
        both = zip(self._rules, self._sources, strict=True)
        return any(alert_id in sources.get(rule.key(labels), ()) for rule, sources in both)

    @property
    def open(self) -> Mapping[str, tuple[Labels, Level]]:
        """The labels and the level of every open alert, by its id."""
        return {
            alert_id: (labels, level) for level, alerts in self._open.items() for alert_id, labels in alerts.items()
        }

    def source_of(self, alert_id: str, labels: Mapping[str, str]) -> Mapping[str, str] | None:
        """The labels of an alert that mutes this one; None where none does."""
        for rule, sources in zip(self._rules, self._sources, strict=True):
            candidates = sources.get(rule.key(labels))
            if not candidates or not all_match(rule.target, labels):
                continue
            two_sided = all_match(rule.source, labels)
            for source_id, source in candidates.items():
                if source_id != alert_id and not (two_sided and all_match(rule.target, source)):
                    return source
        return None

    def _opening_of(self, alert_id: str) -> tuple[Labels, Level] | None:
        found = ((alerts[alert_id], level) for level, alerts in self._open.items() if alert_id in alerts)
        return next(found, None)

    def _enter(self, alert_id: str, labels: Mapping[str, str]) -> None:
        for rule, sources in zip(self._rules, self._sources, strict=True):
            if all_match(rule.source, labels):
                sources[rule.key(labels)][alert_id] = labels
