"""No value outside the range that its field can have: a sensor that reports 85 degrees at power-up says nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Literal

from collector.check.memoryless import ByShape, Memoryless
from collector.verdict import Cause, Objection, Origin, Removal, Ruling
from foundation.line_protocol.line import FieldValue, Line, Unsigned


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """`min` and `max` are allowed themselves. `measurement` is a pattern.

    `then`: refuse the line, `clamp` the value to the nearer bound, or `drop_field`; a line without fields goes.
    """

    measurement: str = "*"
    field: str
    min: float | None = None
    max: float | None = None
    then: Literal["reject", "clamp", "drop_field"] = "reject"

    def __post_init__(self) -> None:
        """Refuse a range that holds nothing, or everything."""
        if self.min is None and self.max is None:
            raise ValueError("give `min`, `max` or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("`min` is greater than `max`")


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueRangeConfig:
    """Ranges of fields; the first that fits measurement and field counts."""

    ranges: tuple[Range, ...] = ()


class ValueRange(Memoryless, ByShape):
    """Looks at numbers alone; keeps nothing, so it is its own Checking."""

    name = "value_range"

    def __init__(self, config: ValueRangeConfig) -> None:
        self._ranges = config.ranges

    def begin(self, origin: Origin) -> ValueRange:  # noqa: ARG002 - the same for every body
        """Nothing to begin."""
        return self

    def judge(self, line: Line) -> Ruling:
        """Refuse the line, or let it pass without what is out of range."""
        fields: list[tuple[str, FieldValue]] = []
        changed = False
        for key, value in line.fields:
            found = None if isinstance(value, (bool, str)) else self._find(line, key)
            bound = None if found is None or isinstance(value, str) else _broken(value, found)
            if found is None or bound is None or isinstance(value, str):
                fields.append((key, value))
                continue
            if found.then == "reject":
                where = f'input field "{key}" on measurement "{line.measurement}"'
                return Objection(Cause.VALUE_RANGE, f"{where} is {value}, outside {_words(found)}")
            changed = True
            if found.then == "clamp":
                fields.append((key, _clamped(value, bound)))
        if not fields:
            return Removal("every field of the line is out of range")
        return replace(line, fields=tuple(fields)) if changed else None

    def settles(self, line: Line) -> bool:
        """Whether no field of it has a range."""
        return all(self._find(line, key) is None for key, _ in line.fields)

    def commit(self) -> None:
        """Nothing was learnt."""

    def _find(self, line: Line, key: str) -> Range | None:
        for one in self._ranges:
            if one.field == key and fnmatchcase(line.measurement, one.measurement):
                return one
        return None


def _broken(value: float, allowed: Range) -> float | None:
    """The bound that the value is beyond, or None."""
    if allowed.min is not None and value < allowed.min:
        return allowed.min
    return allowed.max if allowed.max is not None and value > allowed.max else None


def _clamped(value: float, bound: float) -> FieldValue:
    """The value of the same type that is nearest to the bound, on its right side."""
    if isinstance(value, float):
        return bound
    whole = math.ceil(bound) if value < bound else math.floor(bound)
    return Unsigned(whole) if isinstance(value, Unsigned) else whole


def _words(allowed: Range) -> str:
    if allowed.max is None:
        return f"its range (at least {allowed.min:g})"
    if allowed.min is None:
        return f"its range (at most {allowed.max:g})"
    return f"its range ({allowed.min:g} to {allowed.max:g})"
