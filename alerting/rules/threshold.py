"""A threshold: `> 300`. Which values reach it, and how two thresholds lie to each other. Pure.

`rule` reads thresholds from YAML text; `state` asks whether a value holds. NaN never holds.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}

_FORM = re.compile(r"\s*(>=|<=|==|!=|>|<)\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*")


@dataclass(frozen=True, slots=True)
class Threshold:
    """An operator of `OPERATORS` and the number on its right."""

    sign: str
    bound: float

    @classmethod
    def parse(cls, text: str) -> Threshold:
        """Read `"> 300"`. Raises ValueError that says which form is expected."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise ValueError(f'{text!r} is no threshold; write an operator and a number, as in "> 300" or "<= 0.5"')
        return cls(match[1], float(match[2]))

    def holds(self, value: float) -> bool:
        """Whether `value` reaches the threshold."""
        return value == value and OPERATORS[self.sign](value, self.bound)  # noqa: PLR0124 - false for NaN alone

    @property
    def is_ordered(self) -> bool:
        """Whether there is a worse direction; `==` and `!=` have none."""
        return self.sign not in ("==", "!=")

    def overlaps(self, other: Threshold) -> bool:
        """Whether some value reaches both."""
        return any(self.holds(value) and other.holds(value) for value in _probes(self, other))

    def within(self, other: Threshold) -> bool:
        """Whether every value that reaches this one reaches the other too."""
        return all(other.holds(value) for value in _probes(self, other) if self.holds(value))

    def __str__(self) -> str:
        return f"{self.sign} {plain(self.bound)}"


def plain(number: float) -> str:
    """A number as people write it: `300`, not `300.0`; otherwise the shortest text that reads back the same."""
    whole = abs(number) < 1e15 and number == int(number)  # noqa: PLR2004 - floats above it do not hold every integer
    return str(int(number)) if whole else repr(float(number))


def _probes(one: Threshold, two: Threshold) -> tuple[float, ...]:
    """Enough values to tell how two half-lines or points lie: both bounds, between them, and beyond each end."""
    low, high = sorted((one.bound, two.bound))
    reach = max(1.0, abs(low), abs(high))
    return (low - reach, low, (low + high) / 2, high, high + reach)
