"""One rule as it stands in a rule file, validated as it is read: a `Rule` that exists can be evaluated. Pure.

`load` reads rules from files, `foundation.settings` decodes each; the evaluator, the API and the rehearsal use them.
Fields without a default must be given; `docs/rules.md` describes every key and is held to this class by a test.
"""

from __future__ import annotations

import copy
import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypeVar

from alerting.alert import NOTIFICATIONS_FAILING, RULE_BLIND, Labels
from alerting.rules.policy import Datapoints, Flapping, Missing, Policy
from alerting.rules.query import Question, bound, count_of, counts, group_keys, read_query
from alerting.rules.recipe import Combination, Part, Recipe
from alerting.rules.template import Words
from alerting.rules.threshold import Threshold
from alerting.rules.when import When
from influxql.ast import Select

T = TypeVar("T")

RESERVED = frozenset({RULE_BLIND, NOTIFICATIONS_FAILING})
"""Tocsin's own alerts; no rule may take their names."""
OWN_LABELS = frozenset({"alertname", "severity"})
"""Labels that Tocsin sets."""

_ALL_PERCENT = 100
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TEMPLATES = ("summary", "description", "runbook_url")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The same query, asked for a window that ended `to` earlier; the value is now `as` seen from then."""

    to: timedelta
    as_: Combination

    def __post_init__(self) -> None:
        if self.to <= timedelta(0):
            raise ValueError("to: must be longer than 0s, as in 1d or 1w")


@dataclass(frozen=True, slots=True, kw_only=True)
class Burn:
    """How fast an error budget burns: the ratio of `query` and `divided_by`, over `over` and over `short`, in budgets
    of an `objective` in percent. The smaller of the two is the value; 1 spends the budget in just its period.
    """

    objective: float
    short: timedelta

    def __post_init__(self) -> None:
        if not 0 < self.objective < _ALL_PERCENT:
            raise ValueError("objective: is a percentage between 0 and 100, as in 99.9")
        if self.short <= timedelta(0):
            raise ValueError("short: must be longer than 0s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule. Raises ValueError naming the key that is wrong and how to mend it."""

    alert: str
    query: str
    over: timedelta
    every: timedelta = timedelta(seconds=10)
    bucket: str = "telemetry"
    warn: str | None = None
    critical: str | None = None
    resolve: str | None = None
    for_: timedelta = timedelta(0)
    keep_firing_for: timedelta = timedelta(0)
    datapoints: str | None = None
    flapping: str | None = None
    missing: Missing = Missing.KEEP
    forget: timedelta = timedelta(hours=24)
    divided_by: str | None = None
    compare: Comparison | None = None
    burn: Burn | None = None
    min_samples: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""
    description: str = ""
    runbook_url: str = ""
    policy: Policy = field(init=False, repr=False, compare=False)
    recipe: Recipe | When = field(init=False, repr=False, compare=False)
    words: Words = field(init=False, repr=False, compare=False)
    own: Labels = field(init=False, repr=False, compare=False)
    """What all alerts of the rule have in common: its labels and its name, the same objects in each of them."""
    grouped_by: tuple[str, ...] | None = field(init=False, repr=False, compare=False)
    """The tags that tell the rule's series apart; None where the data decides."""
    file: str = field(init=False, repr=False, compare=False, default="")
    """The file that the rule was read from, as it was named."""

    def __post_init__(self) -> None:
        self._check_name()
        self._check_labels()
        self._check_times()
        plan, keys = self._plan()
        self._set("policy", self._policy())
        self._set("recipe", plan)
        self._set("grouped_by", keys)
        self._set("words", self._words())
        named = {name: value for name, value in self.labels.items() if value != ""}
        self._set("own", tuple({**named, "alertname": self.alert}.items()))

    def placed(self, file: str) -> Rule:
        """The same rule, knowing its file."""
        rule = copy.copy(self)
        object.__setattr__(rule, "file", file)
        return rule

    def paced(self, every: timedelta) -> Rule:
        """The same rule at another pace."""
        return dataclasses.replace(self, every=every).placed(self.file)

    def identity(self, series: Labels) -> Labels:
        """The labels of the alert of a series: its own, the rule's on top, and the rule's name."""
        covered = dict(self.own)
        return tuple(sorted((*(pair for pair in series if pair[0] not in covered), *self.own)))

    def covers(self, labels: Labels) -> bool:
        """Whether this rule, as it is now, can have an alert of these labels; an edit may have moved them."""
        pairs = dict(labels)
        if any(pairs.get(name, "") != value for name, value in self.labels.items()):
            return False
        return self.grouped_by is None or set(pairs) <= {*self.grouped_by, *self.labels, "alertname"}

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _check_name(self) -> None:
        if not self.alert.strip() or not self.alert.isprintable():
            raise ValueError("alert: needs a name, as in `alert: CheckoutSlow`")
        if self.alert in RESERVED:
            raise ValueError(f"alert: {self.alert} is Tocsin's own alert; choose another name")
        if not self.bucket:
            raise ValueError("bucket: needs a name; leave it out for `telemetry`")

    def _check_labels(self) -> None:
        for name in self.labels:
            if not _LABEL.fullmatch(name):
                raise ValueError(f"labels: {name!r} is no label name; use letters, digits and _")
            if name in OWN_LABELS:
                raise ValueError(f"labels: {name} is set by Tocsin; choose another name")

    def _check_times(self) -> None:
        for name, value in (("over", self.over), ("every", self.every), ("forget", self.forget)):
            if value <= timedelta(0):
                raise ValueError(f"{name}: must be longer than 0s")
        if self.every < timedelta(milliseconds=100):
            raise ValueError("every: must be 100ms or longer")

    def _policy(self) -> Policy:
        warn = _read("warn", Threshold.parse, self.warn)
        critical = _read("critical", Threshold.parse, self.critical)
        resolve = _read("resolve", Threshold.parse, self.resolve)
        if warn is None and critical is None:
            raise ValueError('needs `warn` or `critical`, as in `warn: "> 300"`')
        _check_thresholds(warn, critical, resolve)
        return Policy(
            every=self.every,
            warn=warn,
            critical=critical,
            resolve=resolve,
            hold=self.for_,
            keep_firing_for=self.keep_firing_for,
            datapoints=_read("datapoints", Datapoints.parse, self.datapoints),
            flapping=_read("flapping", Flapping.parse, self.flapping),
            missing=self.missing,
            forget=self.forget,
        )

    def _plan(self) -> tuple[Recipe | When, tuple[str, ...] | None]:
        """How the value is come by, and by which tags its series are told apart."""
        select = _told("query", read_query, self.query)
        return self._recipe(select), group_keys(select)

    def _recipe(self, select: Select) -> Recipe:
        if self.divided_by is not None and self.compare is not None:
            raise ValueError("divided_by: a ratio cannot be compared as well; leave one out")
        if self.min_samples < 0:
            raise ValueError("min_samples: is a number of points, 0 or more")
        if self.burn is not None:
            return self._burning(self.burn, select)
        first, second, combination = self._part(select), None, None
        if self.divided_by is not None:
            second, combination = self._divisor(first, self.divided_by), Combination.RATIO
        if self.compare is not None:
            second, combination = replace(first, ago=self.compare.to), self.compare.as_
        return Recipe(first, second, combination, self._samples(select), self.min_samples)

    def _burning(self, burn: Burn, select: Select) -> Recipe:
        if self.divided_by is None:
            raise ValueError("burn: needs divided_by, which counts all that can be bad")
        if burn.short >= self.over:
            raise ValueError("burn: short must be shorter than over")
        first, budget = self._part(select), 1 - burn.objective / _ALL_PERCENT
        second = self._divisor(first, self.divided_by)
        short = Recipe(first.over(burn.short), second.over(burn.short), Combination.RATIO, None, 0, 1 / budget)
        return Recipe(first, second, Combination.RATIO, self._samples(select), self.min_samples, 1 / budget, short)

    def _divisor(self, first: Part, query: str) -> Part:
        second = self._part(_told("divided_by", read_query, query))
        if first.keys is not None and (second.keys is None or not set(second.keys) <= set(first.keys)):
            raise ValueError("divided_by: must be grouped by the tags of `query`, or by some of them, or by none")
        return second

    def _samples(self, select: Select) -> Part | None:
        return self._part(count_of(select)) if self.min_samples else None

    def _part(self, select: Select) -> Part:
        question = Question(bound(select), self.bucket, self.over, self.every, select)
        return Part(question, keys=group_keys(select), counts=counts(select))

    def _words(self) -> Words:
        words = Words({name: getattr(self, name) for name in _TEMPLATES if getattr(self, name)})
        sample = self.policy.critical or self.policy.warn
        labels = None if self.grouped_by is None else {*self.grouped_by, *self.labels, *OWN_LABELS}
        words.check(labels, value=sample.bound if sample is not None else 0.0)
        return words


def _check_thresholds(warn: Threshold | None, critical: Threshold | None, resolve: Threshold | None) -> None:
    if warn is not None and critical is not None and warn.is_ordered and critical.is_ordered:
        if not critical.within(warn):
            raise ValueError(f'critical: "{critical}" must lie beyond warn "{warn}", so that it is always the worse')
        if warn.within(critical):
            raise ValueError(f'warn: "{warn}" is the same as critical and could never be seen; leave one out')
    for name, threshold in (("warn", warn), ("critical", critical)):
        if resolve is not None and threshold is not None and resolve.overlaps(threshold):
            raise ValueError(f'resolve: "{resolve}" must lie on the good side of {name} "{threshold}"')


def _read(key: str, parse: Callable[[str], T], text: str | None) -> T | None:
    return None if text is None else _told(key, parse, text)


def _told(key: str, parse: Callable[[str], T], text: str) -> T:
    try:
        return parse(text)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from error
