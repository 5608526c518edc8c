"""Which rules are watched, who follows which recipe, and which alerts have lost their rule. No I/O, no clock.

The evaluator holds one. The invariant: every alert that was ever handed over is either with a watch or a leaver, so no
edit of a rule file can leave an incident open for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from alerting.alert import Alert
from alerting.rules.recipe import Recipe
from alerting.rules.rule import Rule
from alerting.rules.when import Standing, When
from alerting.watch import Watch

REMOVED = "the rule was removed"
EDITED = "the rule was edited and no longer covers this series"


@dataclass(frozen=True, slots=True)
class Leavers:
    """Alerts of one rule that no rule covers any more, and why; `words` is the rule that covered them, if known."""

    rule: str
    alerts: tuple[Alert, ...]
    reason: str
    words: Rule | None = None


class Roster:
    """The watches by name of their rule, in the order of the files."""

    def __init__(self, rules: Sequence[Rule], alerts: Sequence[Alert]) -> None:
        """Share out `alerts`, as they were remembered, among `rules`."""
        self.leavers: list[Leavers] = []
        self._watches: dict[str, Watch] = {}
        self._asking: Mapping[Recipe | When, tuple[Watch, ...]] = {}
        by_rule: dict[str, list[Alert]] = {}
        for alert in alerts:
            by_rule.setdefault(alert.rule, []).append(alert)
        for rule in rules:
            own = by_rule.pop(rule.alert, [])
            self._watches[rule.alert] = Watch(rule, {alert.labels: alert for alert in own if rule.covers(alert.labels)})
            self._dismiss(rule.alert, [alert for alert in own if not rule.covers(alert.labels)], EDITED, rule)
        for name, orphans in by_rule.items():
            self._dismiss(name, orphans, REMOVED)
        self._pair()

    @property
    def watches(self) -> tuple[Watch, ...]:
        """All watches."""
        return tuple(self._watches.values())

    @property
    def recipes(self) -> tuple[Recipe | When, ...]:
        """Every recipe, each once."""
        return tuple(self._asking)

    def asking(self, recipe: Recipe | When) -> tuple[Watch, ...]:
        """The watches that want the answer."""
        return self._asking.get(recipe, ())

    def standings(self, names: Iterable[str]) -> Mapping[str, Standing]:
        """How the rules of these names stand."""
        return {name: self._watches[name].standing for name in names if name in self._watches}

    def has(self, watch: Watch) -> bool:
        """Whether this very watch is still the one of its rule."""
        return self._watches.get(watch.rule.alert) is watch

    def replace(self, rules: Sequence[Rule]) -> None:
        """Go on with `rules`: what has not changed is left alone, an edited one keeps the alerts it covers."""
        before, self._watches = self._watches, {}
        for rule in rules:
            old = before.pop(rule.alert, None)
            if old is None:
                self._watches[rule.alert] = Watch(rule)
                continue
            watch = old if (old.rule, old.rule.file) == (rule, rule.file) else old.edited(rule)
            self._watches[rule.alert] = watch
            lost = [alert for labels, alert in old.alerts.items() if labels not in watch.alerts]
            self._dismiss(rule.alert, lost, EDITED, old.rule)
        for name, old in before.items():
            self._dismiss(name, list(old.alerts.values()), REMOVED, old.rule)
        self._pair()

    def _dismiss(self, rule: str, alerts: Sequence[Alert], reason: str, words: Rule | None = None) -> None:
        if alerts:
            self.leavers.append(Leavers(rule, tuple(alerts), reason, words))

    def _pair(self) -> None:
        asking: dict[Recipe | When, tuple[Watch, ...]] = {}
        for watch in self._watches.values():
            asking[watch.rule.recipe] = (*asking.get(watch.rule.recipe, ()), watch)
        self._asking = asking
