"""GROUP BY time() as SQL: the start of the window that a row falls into."""

from __future__ import annotations

from influxql.literals import MIN_TIME
from influxql.window import Window


class NumberedStart(str):
    """A window's start, made of the window's `number`, by which rows had better be grouped.

    DuckDB knows between which numbers those of a table lie, and has a place ready for each; starts it has to look up.
    """

    __slots__ = ("number",)

    number: str

    @classmethod
    def of(cls, moved: int, interval: int) -> NumberedStart:
        """For rows of which none is older than `moved`."""
        number = f"({f'(time - {moved})' if moved else 'time'} // {interval})"
        start = cls(f"({number} * {interval}{f' + {moved}' if moved else ''})")
        start.number = number
        return start


def window_sql(window: Window, lower: int, upper: int) -> str:
    """The window's start for column `time` of rows within [lower, upper]. All numbers in it are our own."""
    # A window starts before the moments in it, and an offset moves both ways.
    moved_by = abs(window.offset)
    steps = window.zone_steps(lower - window.interval - moved_by, upper + moved_by)
    shifted = f"(time - {window.offset})" if window.offset else "time"
    if len(steps) == 1:
        moved = (window.offset - steps[0][1]) % window.interval
        second = MIN_TIME - (MIN_TIME - moved) % window.interval + window.interval
        if lower > moved:
            return NumberedStart.of(moved, window.interval)
        if lower >= second + moved:
            return _floor_by("time", f"(time - {moved})" if moved else "time", window.interval)
        # The first window of all begins before there is a number for it.
        start = _floor_by("time", f"(time % {window.interval} - {moved})", window.interval)
        return f"CASE WHEN time < {second} THEN {MIN_TIME} ELSE {start} END"
    return _unless_first(_zoned(window, shifted, steps), window, lower)


def _unless_first(start: str, window: Window, lower: int) -> str:
    """The start, or the first nanosecond for the window that begins before there is a number for it."""
    second = window.following(MIN_TIME)
    return start if lower >= second else f"CASE WHEN time < {second} THEN {MIN_TIME} ELSE {start} END"


def _zoned(window: Window, shifted: str, steps: list[tuple[int, int]]) -> str:
    zone = _zone_sql(shifted, steps)
    floor = f"({_floor_by(shifted, f'({shifted} + {zone})', window.interval)} + {window.offset})"
    change = f"({zone} - {_zone_sql(floor, steps)})"
    return f"({floor} + CASE WHEN abs({change}) < {window.interval} THEN {change} ELSE 0 END)"


def _floor_by(value: str, moment: str, interval: int) -> str:
    """`value` less the remainder of `moment`, which is never negative as SQL's own would be."""
    return f"({value} - ({moment} % {interval} + {interval}) % {interval})"


def _zone_sql(moment: str, steps: list[tuple[int, int]]) -> str:
    branches = " ".join(f"WHEN {moment} >= {start} THEN {offset}" for start, offset in reversed(steps[1:]))
    return f"(CASE {branches} ELSE {steps[0][1]} END)"
