"""Which values a rule can have at all, as far as its query proves it: a count is 0 or more, a share of counts as well.
Pure; `alerting.findings` asks it.

The invariant: a range never leaves out a value that can come. Where nothing is proven it is every number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from alerting.rules.query import read_query
from alerting.rules.recipe import Combination
from alerting.rules.rule import Rule
from alerting.rules.threshold import Threshold, plain
from alerting.rules.when import When
from influxql.ast import Binary, Call, Expr, IntegerLiteral, NumberLiteral, Paren, Select, SubQuery

_NOT_BELOW_ZERO = frozenset({"abs", "sqrt", "exp", "stddev", "spread"})


@dataclass(frozen=True, slots=True)
class Range:
    """The values from `low` to `high`, both among them; with `is_whole` only whole numbers."""

    low: float = -math.inf
    high: float = math.inf
    is_whole: bool = False

    def reaches(self, threshold: Threshold) -> bool:
        """Whether one of the values reaches the threshold."""
        return any(threshold.holds(value) for value in self._probes(threshold.bound))

    def is_within(self, threshold: Threshold) -> bool:
        """Whether all of them do."""
        return all(threshold.holds(value) for value in self._probes(threshold.bound))

    def _probes(self, bound: float) -> tuple[float, ...]:
        """Enough values of the range to tell how it lies to a half-line or point at `bound`: its ends, the bound, and
        the next values on both sides of that.
        """
        near: tuple[float, ...]
        if self.is_whole:
            near = (math.floor(bound) - 1.0, float(math.floor(bound)), float(math.ceil(bound)), math.ceil(bound) + 1.0)
        else:
            near = (math.nextafter(bound, -math.inf), bound, math.nextafter(bound, math.inf))
        return (self.low, self.high, *(value for value in near if self.low <= value <= self.high))

    def __str__(self) -> str:
        kind = "a whole number, " if self.is_whole else ""
        if math.isinf(self.high):
            return f"{kind}{plain(self.low)} or more" if not math.isinf(self.low) else f"{kind}any"
        if math.isinf(self.low):
            return f"{kind}{plain(self.high)} or less"
        return f"{kind}{plain(self.low)} to {plain(self.high)}"


_FROM_ZERO = Range(0.0)
_COUNT = Range(0.0, is_whole=True)
_TRUTH = Range(0.0, 1.0, is_whole=True)


def range_of(rule: Rule) -> Range:
    """The values that a series of the rule can have; a gap is no value."""
    recipe = rule.recipe
    if isinstance(recipe, When):
        return _TRUTH
    select = read_query(rule.query)
    first = _of(select.fields[0].expr)
    if recipe.combination is None:
        return _seen(select, first)
    second = first if rule.divided_by is None else _of(read_query(rule.divided_by).fields[0].expr)
    found = _combined(recipe.combination, first, second)
    return replace(found, low=found.low * recipe.scale, high=found.high * recipe.scale)


def is_seen_count(rule: Rule) -> bool:
    """Whether the value is a plain count, which is never 0: where there is nothing to count there is no value."""
    return range_of(rule) == Range(1.0, is_whole=True)


def _seen(select: Select, found: Range) -> Range:
    """A count of points is of one at least: the store answers nothing where there are none."""
    over_points = not any(isinstance(source, SubQuery) for source in select.sources)
    return replace(found, low=1.0) if over_points and _is_count(select.fields[0].expr) else found


def _is_count(expr: Expr) -> bool:
    return isinstance(expr, Call) and expr.name.lower() == "count"


def _combined(combination: Combination, first: Range, second: Range) -> Range:
    not_below = first.low >= 0 and second.low >= 0
    match combination:
        case Combination.RATIO if not_below:
            return _FROM_ZERO
        case Combination.PERCENT if not_below:
            return Range(-100.0)
        case Combination.DIFFERENCE:
            return _less(first, second)
        case _:
            return Range()


def _of(expr: Expr) -> Range:
    match expr:
        case Paren(inner):
            return _of(inner)
        case IntegerLiteral(value):
            return Range(float(value), float(value), is_whole=True)
        case NumberLiteral(value):
            return Range(value, value)
        case Call(name, _) if name.lower() == "count":
            return _COUNT
        case Call(name, _) if name.lower() in _NOT_BELOW_ZERO:
            return _FROM_ZERO
        case Binary(sign, left, right):
            return _computed(sign, _of(left), _of(right))
        case _:
            return Range()


def _computed(sign: str, left: Range, right: Range) -> Range:
    whole = left.is_whole and right.is_whole
    match sign:
        case "+":
            return Range(left.low + right.low, left.high + right.high, whole)
        case "-":
            return _less(left, right)
        case "*" if left.low >= 0 and right.low >= 0:
            return Range(left.low * right.low, math.inf, whole)
        case "/" if left.low >= 0 and right.low >= 0:
            return _FROM_ZERO
        case _:
            return Range()


def _less(left: Range, right: Range) -> Range:
    return Range(left.low - right.high, left.high - right.low, left.is_whole and right.is_whole)
