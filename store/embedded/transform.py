"""Transformations of a row of points: derivative, difference, moving_average and their kin. Values only.

Points come in the order of the answer, so that with ORDER BY time DESC they run backwards, as InfluxDB's do. Of points
at the same time (from several series) only the first counts for those that compare two.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any, Final

from foundation.batch import FieldType
from influxql.arithmetic import wrap
from influxql.ast import Call, DurationLiteral, IntegerLiteral
from influxql.plan import Plan

Point = tuple[Any, ...]
_SECOND: Final = 1_000_000_000
_OF_TWO: Final = frozenset(("derivative", "non_negative_derivative", "difference", "non_negative_difference"))


def windows_before(call: Call) -> int:
    """How many windows before the range a transformation of an aggregate reads."""
    return 0 if call.name == "cumulative_sum" else 1


def transform(call: Call, points: Iterable[Point], plan: Plan, kind: FieldType | None) -> list[Point]:
    """The points that `call` makes of `points` (time, value); `kind` is the type of its answer."""
    present = [point for point in points if point[1] is not None]
    if call.name == "elapsed":
        return list(_elapsed(present, duration_of(call, 1)))
    counted = _advancing(present) if call.name in _OF_TWO else present
    return list(_TRANSFORMATIONS[call.name](call, counted, plan, kind))


def _advancing(points: list[Point]) -> list[Point]:
    return [point for index, point in enumerate(points) if not index or point[0] != points[index - 1][0]]


def duration_of(call: Call, default: int) -> int:
    """The unit that a call names, in nanoseconds."""
    second = call.args[1] if len(call.args) > 1 else None
    return second.value if isinstance(second, DurationLiteral) else default


def _derivative(call: Call, points: list[Point], plan: Plan, _: FieldType | None) -> Iterator[Point]:
    unit = duration_of(call, plan.window.interval if plan.window else _SECOND)
    for (before, old, *_rest), (now, new, *_more) in pairwise(points):
        slope = float(new - old) / (abs(now - before) / unit)
        if call.name == "derivative" or not slope < 0:
            yield now, slope


def _difference(call: Call, points: list[Point], _: Plan, kind: FieldType | None) -> Iterator[Point]:
    for (_before, old, *_rest), (now, new, *_more) in pairwise(points):
        if call.name == "difference" or not new < old:
            yield now, wrap(new - old, kind)


def _moving_average(call: Call, points: list[Point], _: Plan, _kind: FieldType | None) -> Iterator[Point]:
    size = call.args[1].value if isinstance(call.args[1], IntegerLiteral) else 2
    held: deque[float] = deque(maxlen=size)
    for time, value, *_rest in points:
        held.append(value)
        if len(held) == size:
            yield time, sum(held) / size


def _cumulative_sum(_call: Call, points: list[Point], _: Plan, kind: FieldType | None) -> Iterator[Point]:
    total: int | float = 0.0 if kind is FieldType.FLOAT else 0
    for time, value, *_rest in points:
        total = wrap(total + value, kind)
        yield time, total


def _elapsed(points: list[Point], unit: int) -> Iterator[Point]:
    for before, now in pairwise(points):
        gap = now[0] - before[0]
        yield now[0], (gap // unit if gap >= 0 else -(-gap // unit))


_TRANSFORMATIONS: Final[dict[str, Callable[[Call, list[Point], Plan, FieldType | None], Iterator[Point]]]] = {
    "derivative": _derivative,
    "non_negative_derivative": _derivative,
    "difference": _difference,
    "non_negative_difference": _difference,
    "moving_average": _moving_average,
    "cumulative_sum": _cumulative_sum,
}
