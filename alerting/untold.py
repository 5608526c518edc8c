"""What is wrong with a notify.yml that can be read, beside the rules that are there: matchers that no alert can meet,
routes that nothing reaches, receivers and calendars that nobody names. Pure.

`tocsin check` asks it. The invariant: a fault is proven, it can never be meant. Rules come and go, so a matcher that no
rule of today meets is a warning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from alerting.alert import NOTIFICATIONS_FAILING, RULE_BLIND, Level
from alerting.config import NotifyConfig, Route, Where
from alerting.findings import Finding
from alerting.routing.matchers import Matcher, parse
from alerting.rules.rule import OWN_LABELS, Rule
from foundation.decoding import nearest

_SEVERITIES = (Level.WARNING.severity, Level.CRITICAL.severity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """The alerts that one rule can have: labels that are fixed, labels of any value (None: whatever the data holds)."""

    fixed: Mapping[str, str]
    free: frozenset[str] | None = field(default=frozenset())
    severities: tuple[str, ...] = _SEVERITIES

    def can_meet(self, matchers: Sequence[Matcher]) -> bool:
        """Whether an alert of this kind may meet all of them."""
        return any(all(self._meets(matcher, severity) for matcher in matchers) for severity in self.severities)

    def _meets(self, matcher: Matcher, severity: str) -> bool:
        known = {**self.fixed, "severity": severity}
        if matcher.name not in known and (self.free is None or matcher.name in self.free):
            return True
        return matcher.matches(known)


def of_notify(notify: NotifyConfig, rules: Sequence[Rule]) -> Iterator[tuple[Where, Finding]]:
    """What is found, each with its place in the file. Without rules matchers are not looked at."""
    kinds = _kinds(rules)
    if rules:
        yield from _of_routes(notify.route, ("route",), (), kinds)
        yield from _of_inhibition(notify, kinds)
    yield from _of_shadows(notify.route, ("route",))
    yield from _of_receivers(notify)
    named = {name for route in _walk(notify.route) for name in _calendars(route)}
    for index, calendar in enumerate(notify.time_intervals):
        if calendar.name not in named:
            words = f"no route names the calendar {calendar.name!r}"
            yield ("time_intervals", index), Finding(words, is_fault=False)


def _kinds(rules: Sequence[Rule]) -> tuple[Kind, ...]:
    """Of the rules, and of the alerts that Tocsin has about itself."""
    own = Kind(fixed={"alertname": RULE_BLIND})
    failing = Kind(fixed={"alertname": NOTIFICATIONS_FAILING}, free=frozenset({"receiver", "notifier"}))
    return (*(_kind(rule) for rule in rules), own, failing)


def _kind(rule: Rule) -> Kind:
    fixed = {name: value for name, value in rule.labels.items() if value != ""}
    return Kind(
        fixed={**fixed, "alertname": rule.alert},
        free=None if rule.grouped_by is None else frozenset(rule.grouped_by),
        severities=tuple(level.severity for level in rule.policy.levels),
    )


def _of_routes(
    route: Route, where: Where, above: tuple[Matcher, ...], kinds: Sequence[Kind]
) -> Iterator[tuple[Where, Finding]]:
    """A route that no alert reaches is told once; those below it follow from it."""
    own = _parsed(route.matchers)
    finding = _unmet(own, (*above, *own), kinds)
    if finding is not None:
        yield (*where, "matchers"), finding
        return
    for index, child in enumerate(route.routes):
        yield from _of_routes(child, (*where, "routes", index), (*above, *own), kinds)


def _of_inhibition(notify: NotifyConfig, kinds: Sequence[Kind]) -> Iterator[tuple[Where, Finding]]:
    names = _names(kinds)
    for index, one in enumerate(notify.inhibit_rules):
        where: Where = ("inhibit_rules", index)
        for key in ("source_matchers", "target_matchers"):
            own = _parsed(getattr(one, key))
            finding = _unmet(own, own, kinds)
            if finding is not None:
                yield (*where, key), finding
        for name in one.equal:
            if names is not None and name not in names:
                words = f"no rule has the label {name!r}, and what both lack counts as equal{nearest(name, names)}"
                yield (*where, "equal"), Finding(words, is_fault=False)


def _unmet(own: Sequence[Matcher], matchers: Sequence[Matcher], kinds: Sequence[Kind]) -> Finding | None:
    """Why no alert can meet all `matchers`, of which `own` are new here; None: some may."""
    if any(kind.can_meet(matchers) for kind in kinds):
        return None
    alone = next((one for one in own if not any(kind.can_meet([one]) for kind in kinds)), None)
    if alone is None:
        told = ", ".join(map(str, matchers))
        return Finding(f"no rule has alerts that meet all of {told}", is_fault=False)
    if alone.name == "severity" and not any(alone.matches({"severity": one}) for one in _SEVERITIES):
        return Finding(f"{alone} is never met: a severity is {' or '.join(_SEVERITIES)}", is_fault=True)
    return Finding(f"no rule has alerts that meet {alone}{_why(alone, kinds)}", is_fault=False)


def _why(matcher: Matcher, kinds: Sequence[Kind]) -> str:
    names = _names(kinds)
    if names is not None and matcher.name not in names:
        return f": none has the label {matcher.name!r}{nearest(matcher.name, names)}"
    values = {kind.fixed[matcher.name] for kind in kinds if matcher.name in kind.fixed}
    return nearest(matcher.value, values) if values else ""


def _names(kinds: Sequence[Kind]) -> set[str] | None:
    """Every label that an alert can have; None where the data decides."""
    found = set(OWN_LABELS)
    for kind in kinds:
        if kind.free is None:
            return None
        found |= kind.free | set(kind.fixed)
    return found


def _of_shadows(route: Route, where: Where) -> Iterator[tuple[Where, Finding]]:
    """A route behind one that takes all that it would take."""
    taken: list[tuple[int, frozenset[str]]] = []
    for index, child in enumerate(route.routes):
        own = frozenset(map(str, _parsed(child.matchers)))
        before = next((at for at, matchers in taken if matchers <= own), None)
        if before is not None:
            words = f"is never reached: routes[{before}] takes all of its alerts, and has no `continue: true`"
            yield (*where, "routes", index), Finding(words, is_fault=True)
        if not child.continue_:
            taken.append((index, own))
        yield from _of_shadows(child, (*where, "routes", index))


def _of_receivers(notify: NotifyConfig) -> Iterator[tuple[Where, Finding]]:
    fallbacks = {one.name: one.fallback for one in notify.receivers}
    told = {route.receiver for route in _walk(notify.route)}
    for name in list(told):
        after = fallbacks.get(name or "")
        while after is not None and after not in told:
            told.add(after)
            after = fallbacks.get(after)
    for index, receiver in enumerate(notify.receivers):
        if receiver.name not in told:
            words = f"nobody routes to {receiver.name!r}, and no receiver that is told falls back to it"
            yield ("receivers", index), Finding(words, is_fault=False)


def _walk(route: Route) -> Iterator[Route]:
    yield route
    for child in route.routes:
        yield from _walk(child)


def _calendars(route: Route) -> tuple[str, ...]:
    return (*(route.mute_time_intervals or ()), *(route.active_time_intervals or ()))


def _parsed(matchers: Sequence[str]) -> tuple[Matcher, ...]:
    return tuple(matcher for text in matchers for matcher in parse(text))
