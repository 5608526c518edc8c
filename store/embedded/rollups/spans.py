"""A set of moments as spans, sorted and apart: which windows of a rollup are to be rolled. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

Span = tuple[int, int]
"""[first, last) in ns since 1970"""

MOST_SPANS: Final = 256
"""Beyond it the nearest are joined: to roll a window that nothing has touched changes nothing."""


@dataclass(frozen=True, slots=True)
class Spans:
    """Disjoint spans that do not meet each other, in order."""

    spans: tuple[Span, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.spans)

    @property
    def first(self) -> int | None:
        """The earliest moment in it."""
        return self.spans[0][0] if self.spans else None

    def covers(self, first: int, last: int) -> bool:
        """Whether all of [first, last) is in it."""
        return any(start <= first and last <= stop for start, stop in self.spans)

    def add(self, more: Iterable[Span]) -> Spans:
        """It and `more`."""
        joined: list[Span] = []
        for first, last in sorted((*self.spans, *more)):
            if first >= last:
                continue
            if joined and first <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
            else:
                joined.append((first, last))
        return Spans(_bounded(joined))

    def without(self, first: int, last: int) -> Spans:
        """It but for [first, last)."""
        if first >= last:
            return self
        left: list[Span] = []
        for start, stop in self.spans:
            left += [(start, min(stop, first)), (max(start, last), stop)]
        return Spans(tuple(span for span in left if span[0] < span[1]))

    def within(self, first: int, last: int) -> Spans:
        """What of it is in [first, last)."""
        cut = ((max(start, first), min(stop, last)) for start, stop in self.spans)
        return Spans(tuple(span for span in cut if span[0] < span[1]))

    def newest(self, before: int) -> Span | None:
        """The latest span of it that begins before that moment, cut there."""
        found = [(start, min(stop, before)) for start, stop in self.spans if start < before]
        return found[-1] if found else None


def _bounded(spans: list[Span]) -> tuple[Span, ...]:
    surplus = len(spans) - MOST_SPANS
    if surplus <= 0:
        return tuple(spans)
    gaps = sorted((after[0] - before[1], index) for index, (before, after) in enumerate(pairwise(spans)))
    closed = {index for _, index in gaps[:surplus]}
    kept = [spans[0]]
    for index, span in enumerate(spans[1:]):
        if index in closed:
            kept[-1] = (kept[-1][0], span[1])
        else:
            kept.append(span)
    return tuple(kept)
