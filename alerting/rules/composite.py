"""Composites: rules that ask how other rules stand, not what the store holds. One alert each.

`load` reads them from rule files and sees to it that what they name exists and that none asks for itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from alerting.rules.rule import Rule
from alerting.rules.when import When, parse
from foundation.decoding import nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositeRule(Rule):
    """A rule whose `query` is a condition on other rules; its value is 1 while that holds, else 0."""

    def _plan(self) -> tuple[When, tuple[str, ...]]:
        try:
            return parse(self.query, self.every), ()
        except ValueError as error:
            raise ValueError(f"when: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Composite:
    """What stands under `composites`. Judged each second: nothing is asked of the store."""

    alert: str
    when: str
    severity: Literal["warning", "critical"] = "critical"
    every: timedelta = timedelta(seconds=1)
    for_: timedelta = timedelta(0)
    keep_firing_for: timedelta = timedelta(0)
    labels: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""
    description: str = ""
    runbook_url: str = ""

    def __post_init__(self) -> None:
        _ = self.rule

    @property
    def rule(self) -> CompositeRule:
        """The rule that it is. Raises ValueError naming the key that is wrong."""
        return CompositeRule(
            alert=self.alert,
            query=self.when,
            over=self.every,
            every=self.every,
            warn="> 0" if self.severity == "warning" else None,
            critical="> 0" if self.severity == "critical" else None,
            for_=self.for_,
            keep_firing_for=self.keep_firing_for,
            labels=self.labels,
            summary=self.summary or f"{self.alert}: {{{{ '{_quoted(self.when)}' }}}}",
            description=self.description,
            runbook_url=self.runbook_url,
        )


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def faults(rules: Sequence[Rule]) -> list[tuple[Rule, str]]:
    """What is wrong with what composites ask for: rules that do not exist, and circles."""
    asked = {rule.alert: plan.rules for rule in rules if isinstance(plan := rule.recipe, When)}
    known = {rule.alert for rule in rules}
    found: list[tuple[Rule, str]] = []
    for rule in rules:
        for name in sorted(asked.get(rule.alert, ())):
            if name not in known:
                found.append((rule, f"when: there is no rule {name!r}{nearest(name, known)}"))
            elif (circle := _way(name, rule.alert, asked)) is not None:
                found.append((rule, f"when: it asks for itself: {' -> '.join((rule.alert, *circle))}"))
    return found


def in_order(rule: Rule, rules: Mapping[str, Rule]) -> list[Rule]:
    """The rule and all that it asks for, each behind what it asks for itself."""
    ordered: dict[str, Rule] = {}

    def visit(one: Rule) -> None:
        if isinstance(one.recipe, When):
            for name in sorted(one.recipe.rules):
                if name in rules and name not in ordered:
                    visit(rules[name])
        ordered[one.alert] = one

    visit(rule)
    return list(ordered.values())


def _way(start: str, end: str, asked: Mapping[str, frozenset[str]]) -> tuple[str, ...] | None:
    """The names on a way from `start` to `end`, both among them."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen = {start}
    while ways:
        way = ways.pop()
        if way[-1] == end:
            return way
        for name in sorted(asked.get(way[-1], frozenset()) - seen):
            seen.add(name)
            ways.append((*way, name))
    return None
