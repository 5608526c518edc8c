"""The values of many series side by side: as long as the same series answer, only the numbers are new. Pure.

`reading` makes a `Column` where each series has a number, `recipe` one of two; `alerting.watch` and `alerting.resting`
go on with it. The invariant: it is the mapping that a dict of the same would be; that two columns have the same series
is told by `series` being the same object, so that nobody compares a hundred thousand labels each second.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from alerting.alert import Labels


class Series:
    """The labels of series, no labels twice, in the order in which their numbers stand."""

    def __init__(self, labels: tuple[Labels, ...]) -> None:
        self.labels = labels

    @cached_property
    def places(self) -> Mapping[Labels, int]:
        """Where each of them stands."""
        return {labels: place for place, labels in enumerate(self.labels)}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Column(Mapping[Labels, float | None]):
    """`numbers` are those of `series`, in its order; none of them is NaN."""

    series: Series
    numbers: Sequence[float]

    def __getitem__(self, labels: Labels) -> float | None:
        return self.numbers[self.series.places[labels]]

    def __iter__(self) -> Iterator[Labels]:
        return iter(self.series.labels)

    def __len__(self) -> int:
        return len(self.numbers)

    def __repr__(self) -> str:
        return f"Column({dict(self)!r})"


def side_by_side(series: Series, numbers: Sequence[float | None]) -> Mapping[Labels, float | None]:
    """A column; or a dict where a value is null or NaN."""
    try:
        is_complete = not math.isnan(sum(numbers))  # type: ignore[arg-type]  # a null is found just so
    except TypeError:
        is_complete = False
    return Column(series, numbers) if is_complete else dict(zip(series.labels, numbers, strict=True))  # type: ignore[arg-type]  # complete
