"""promtool's notation for series: `1+2x3 _ 5x2 stale`. Pure; read by `cases`.

5        one sample                5x2      5 5 5, the first and two more
1+2x3    1 3 5 7                   9-2x3    9 7 5 3
_        no sample at that time    _x3      _ _ _
stale    the series ends
"""

from __future__ import annotations

import math
import re
from typing import Final, Literal

Sample = float | None | Literal["stale"]
"""A value, nothing at that time, or the end of the series"""

MOST_SAMPLES: Final = 100_000
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_ITEM = re.compile(rf"(?:(_)|({_NUMBER})(?:([+-])({_NUMBER[len('[+-]?') :]})(?=x))?)(?:x(\d+))?")


def read_samples(text: str) -> tuple[Sample, ...]:
    """The samples of a series, one an interval. Raises ValueError naming the item that is wrong."""
    samples: list[Sample] = []
    for word in text.split():
        samples += _item(word)
        if len(samples) > MOST_SAMPLES:
            raise ValueError(f"values: more than {MOST_SAMPLES} samples")
    return tuple(samples)


def _item(word: str) -> list[Sample]:
    if word == "stale":
        return ["stale"]
    match = _ITEM.fullmatch(word)
    if match is None:
        raise ValueError(f"values: {word!r} is not promtool's notation; write 5, 1+2x3, 5x2, _, _x3 or stale")
    blank, start, sign, change, times = match.groups()
    count = int(times or 0)
    if count > MOST_SAMPLES:
        raise ValueError(f"values: {word!r} is more than {MOST_SAMPLES} samples")
    if blank:
        return [None] * (count if times is not None else 1)
    delta = float(f"{sign}{change}") if change else 0.0
    values = [float(start) + delta * number for number in range(count + 1)]
    if not all(map(math.isfinite, values)):
        raise ValueError(f"values: {word!r} is too large for a float")
    return [*values]
