"""Empty windows: which ones there are, and what fill() puts into them. Values only, no database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from typing import Any

from foundation.batch import FieldType
from influxql.ast import Fill, FillKind
from influxql.plan import Plan
from store.embedded.session import guard_rows

Point = tuple[Any, ...]


def fill_windows(
    points: list[Point], plan: Plan, fill: Fill, kind: FieldType | None, *, most: int | None
) -> list[Point]:
    """The points of one group (windows in the order of the answer) with a point for every empty window between.

    Where the plan has no lower bound the group's first point is where its windows start. `most`: how many windows are
    wanted at all.
    """
    if plan.window is None or fill.kind is FillKind.NONE or not points:
        return points
    starts = _starts(points, plan, most)
    found = {point[0]: point for point in points}
    blank = (None,) * (len(points[0]) - 2)
    if fill.kind is FillKind.PREVIOUS:
        return list(_previous(starts, found, blank))
    if fill.kind is FillKind.LINEAR:
        return list(_linear(starts, found, blank, kind))
    value = None if fill.kind is FillKind.NULL else fill_value(fill, kind)
    return [found.get(start) or (start, value, *blank) for start in starts]


def fill_value(fill: Fill, kind: FieldType | None) -> float | int | str | bool | None:
    """The number of fill(number) as a value of the column: '' for text, false for booleans, unsigned ones wrapped."""
    match kind:
        case FieldType.STRING:
            return ""
        case FieldType.BOOLEAN:
            return False
        case FieldType.INTEGER:
            return _word(fill.value or 0, 2**63)
        case FieldType.UNSIGNED:
            return _word(fill.value or 0, 2**64) % 2**64
        case FieldType.FLOAT:
            return float(fill.value or 0)
        case _:
            return fill.value


def _word(value: float, end: int) -> int:
    """The number cut to a whole one; the least word where it is less than that, or `end` and more, as InfluxDB's."""
    whole = int(value)
    return whole if -(2**63) <= whole < end else -(2**63)


def _starts(points: list[Point], plan: Plan, most: int | None) -> Sequence[int]:
    """The starts of the windows in the order of the answer."""
    window, lower, upper = plan.window, plan.bounds.lower, plan.bounds.upper
    if window is None or upper is None:
        return [point[0] for point in points]
    earliest = points[-1][0] if plan.descending else points[0][0]
    first = earliest if lower is None else lower
    wanted = None if plan.descending else most
    if window.zone is not UTC or window.cut_off(first):
        guard_rows(wanted or (upper - first) // window.interval)
    starts = window.starts(first, upper, wanted)
    cut = (starts[::-1] if plan.descending else starts)[:most]
    guard_rows(len(cut))
    return cut


def _previous(starts: Iterable[int], found: dict[int, Point], blank: Point) -> Iterator[Point]:
    value = None
    for start in starts:
        point = found.get(start)
        if point is None:
            yield (start, value, *blank)
        else:
            value = point[1]
            yield point


def _linear(starts: Iterable[int], found: dict[int, Point], blank: Point, kind: FieldType | None) -> Iterator[Point]:
    listed = list(starts)
    known = [start for start in listed if start in found]
    following = iter(known)
    ahead = next(following, None)
    behind: int | None = None
    for start in listed:
        if start == ahead:
            behind, ahead = start, next(following, None)
            yield found[start]
        else:
            yield (start, _between(start, found, behind, ahead, kind), *blank)


def _between(
    start: int, found: dict[int, Point], behind: int | None, ahead: int | None, kind: FieldType | None
) -> float | int | None:
    if behind is None or ahead is None or kind in (FieldType.STRING, FieldType.BOOLEAN):
        return None
    low, high = found[behind][1], found[ahead][1]
    if low is None or high is None:
        return None
    value = low + (high - low) * ((start - behind) / (ahead - behind))
    return int(value) if kind in (FieldType.INTEGER, FieldType.UNSIGNED) else float(value)
