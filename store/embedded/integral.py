"""integral(): the area under the points of one group, by trapezoids. Values only.

Points come in the order of the answer, so that with ORDER BY time DESC areas are negative, as InfluxDB's are. A window
that no point lies in has no row of its own: its area belongs to the window of the next point.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from influxql.ast import Call, DurationLiteral
from influxql.plan import Plan

Point = tuple[Any, ...]
_SECOND: Final = 1_000_000_000


def integrate(call: Call, points: Iterable[Point], plan: Plan) -> list[Point]:
    """(start, area) of each window of `points` (time, value); without windows one point at 0, as InfluxDB has it."""
    unit = call.args[1].value if len(call.args) > 1 and isinstance(call.args[1], DurationLiteral) else _SECOND
    present = (point for point in points if point[1] is not None)
    return list(_areas(present, plan, unit))


def _areas(points: Iterator[Point], plan: Plan, unit: int) -> Iterator[Point]:
    first = next(points, None)
    if first is None:
        return
    before, old = first[:2]
    start, end = _window(before, plan)
    area = 0.0
    for now, new, *_rest in points:
        if now == before:
            old = new
            continue
        if end is not None and (now <= end if plan.descending else now >= end):
            if before != end:
                edge = old + (new - old) * ((end - before) / (now - before))
                area += 0.5 * (edge + old) * ((end - before) / unit)
                before, old = end, edge
            yield start, area
            start, end = _window(now, plan)
            area = 0.0
        area += 0.5 * (new + old) * ((now - before) / unit)
        before, old = now, new
    if before != start:
        yield start, area


def _window(moment: int, plan: Plan) -> tuple[int, int | None]:
    """Where the window of a point begins and ends in the order of the answer."""
    if plan.window is None:
        return 0, None
    start = plan.window.start(moment)
    end = plan.window.following(start)
    return (end, start) if plan.descending else (start, end)
