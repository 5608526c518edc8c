"""How a rule's value is made of answers: of one question, a ratio of two, a comparison with before. Pure.

`rule` makes a `Recipe` as it is read; `alerting.inquiry` asks its parts and has them combined. Rules whose recipes are
equal share the answer. The invariant: what cannot be computed (a zero below the line, a series that was not there, too
few samples) is a null, so a gap, and the rule's policy for gaps decides; it is never a number that was made up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from types import MappingProxyType
from typing import Protocol

from alerting.alert import Labels
from alerting.rules.column import Column, side_by_side
from alerting.rules.query import Question

Values = Mapping[Labels, float | None]
"""The labels of each series -> its value; None is a null."""


class Operation(Protocol):
    """Makes one value of two; `apart_s` is the time between their windows in seconds. None where there is none."""

    def __call__(self, first: float, second: float, /, *, apart_s: float) -> float | None:
        """The value."""


class Combination(StrEnum):
    """What is made of the values of two parts, `first` and `second`."""

    RATIO = "ratio"
    """first / second"""
    DIFFERENCE = "difference"
    """first - second"""
    PERCENT = "percent"
    """by how many percent first is above second"""
    RATE = "rate"
    """(first - second) for each second between their windows"""


@dataclass(frozen=True, slots=True)
class Part:
    """A question, asked for a window that ends `ago` before the evaluation.

    `keys` are the tags that tell its series apart, None where the data decides. `counts`: its value is a count or a
    sum, so that a series without any row has the value 0.
    """

    question: Question
    ago: timedelta = timedelta(0)
    keys: tuple[str, ...] | None = None
    counts: bool = False

    def over(self, span: timedelta) -> Part:
        """The same for a window of another length."""
        return replace(self, question=replace(self.question, over=span))

    def at(self, moment: datetime) -> datetime:
        """The end of the window for an evaluation at `moment`."""
        return moment - self.ago


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to ask and what to make of it. `second` and `combination` go together, as do `samples` and `least`.

    A series of which `samples` counts fewer than `least` has no value. Values are multiplied by `scale`; with `also`,
    the smaller one of both recipes counts, where there are both.
    """

    first: Part
    second: Part | None = None
    combination: Combination | None = None
    samples: Part | None = None
    least: int = 0
    scale: float = 1.0
    also: Recipe | None = None

    @property
    def parts(self) -> tuple[Part, ...]:
        """What is asked, in the order of the answers."""
        own = tuple(part for part in (self.first, self.second, self.samples) if part is not None)
        return own if self.also is None else (*own, *self.also.parts)

    @property
    def every(self) -> timedelta:
        """How often it is asked."""
        return self.first.question.every

    @property
    def name(self) -> str:
        """Names it in logs: the beginning of its query."""
        return self.first.question.parts[0]

    def combine(self, answers: Sequence[Values]) -> Values:
        """The value of each series, from the answers to `parts` in their order."""
        rest = iter(answers)
        values = next(rest)
        if self.second is not None and self.combination is not None:
            apart_s = (self.second.ago - self.first.ago).total_seconds()
            operation = partial(_OPERATIONS[self.combination], apart_s=apart_s)
            values = _combined(self.first, values, self.second, next(rest), operation)
        if self.samples is not None:
            values = dict(_trusted(values, self.samples, next(rest), self.least))
        if self.scale != 1.0:
            values = {labels: None if value is None else value * self.scale for labels, value in values.items()}
        return values if self.also is None else dict(_lesser(values, self.also.combine(tuple(rest))))


def _combined(
    first: Part,
    values: Values,
    second: Part,
    others: Values,
    operation: Callable[[float, float], float | None],
) -> Values:
    if (
        isinstance(values, Column)
        and isinstance(others, Column)
        and others.series is values.series
        and first.keys == second.keys
    ):
        numbers = [operation(value, other) for value, other in zip(values.numbers, others.numbers, strict=True)]
        return side_by_side(values.series, numbers)
    return dict(_paired(first, values, second, others, operation))


def _paired(
    first: Part,
    values: Values,
    second: Part,
    others: Values,
    operation: Callable[[float, float], float | None],
) -> Iterator[tuple[Labels, float | None]]:
    """Series that `first` lacks count as 0 where it counts and both tell the same series apart."""
    missing = (
        [labels for labels in others if labels not in values] if first.counts and first.keys == second.keys else []
    )
    for labels in (*values, *missing):
        value = values.get(labels, 0.0)
        other = others.get(_restricted(labels, second.keys), 0.0 if second.counts else None)
        yield labels, None if value is None or other is None else operation(value, other)


def _trusted(values: Values, samples: Part, counts: Values, least: int) -> Iterator[tuple[Labels, float | None]]:
    for labels, value in values.items():
        yield labels, value if (counts.get(_restricted(labels, samples.keys)) or 0.0) >= least else None


def _lesser(values: Values, others: Values) -> Iterator[tuple[Labels, float | None]]:
    for labels, value in values.items():
        other = others.get(labels)
        yield labels, None if value is None or other is None else min(value, other)


def _restricted(labels: Labels, keys: tuple[str, ...] | None) -> Labels:
    return labels if keys is None else tuple((name, value) for name, value in labels if name in keys)


def _ratio(first: float, second: float, *, apart_s: float) -> float | None:
    del apart_s
    return first / second if second else None


def _difference(first: float, second: float, *, apart_s: float) -> float | None:
    del apart_s
    return first - second


def _percent(first: float, second: float, *, apart_s: float) -> float | None:
    del apart_s
    return (first - second) / abs(second) * 100 if second else None


def _rate(first: float, second: float, *, apart_s: float) -> float | None:
    return (first - second) / apart_s if apart_s else None


_OPERATIONS: Mapping[Combination, Operation] = MappingProxyType(
    {
        Combination.RATIO: _ratio,
        Combination.DIFFERENCE: _difference,
        Combination.PERCENT: _percent,
        Combination.RATE: _rate,
    }
)
