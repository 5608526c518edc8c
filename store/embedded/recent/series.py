"""The tags of rows as numbers: each combination of tag values is a series, and a question puts each into a group.

Numbers are given once, in the order in which series are met, so whatever is kept by them stays good while more come.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from store.embedded.points import Group

MOST_SERIES: Final = 30_000
"""In one table; a number takes two bytes."""

Numbers = npt.NDArray[np.int16]
Tags = tuple[str | None, ...]
"""The values of a series' tags in the order of the table's columns; None for a tag that it has not."""


class TooManySeries(Exception):
    """More than memory has numbers for."""


class SeriesNumbers:
    """Tags <-> numbers, of one table."""

    def __init__(self) -> None:
        self.known: list[Tags] = []
        self._numbers: dict[Tags, int] = {}

    def number(self, columns: Sequence[Any], count: int) -> Numbers:
        """The series of each of `count` rows; `columns` are Arrow's, one for each tag. Raises TooManySeries."""
        codes: npt.NDArray[np.int64] = np.zeros(count, np.int64)
        encoded = [column.combine_chunks().dictionary_encode(null_encoding="encode") for column in columns]
        for column in encoded:
            codes = codes * max(len(column.dictionary), 1) + column.indices.to_numpy()
            codes = np.unique(codes, return_inverse=True)[1]  # small again, whatever the number of tags
        _, examples, places = np.unique(codes, return_index=True, return_inverse=True)
        values = [column.take(examples).to_pylist() for column in encoded]
        met = list(zip(*values, strict=True)) if values else [()] * len(examples)
        return np.array([self._number(tags) for tags in met], np.int16)[places]

    def _number(self, tags: Tags) -> int:
        number = self._numbers.get(tags)
        if number is None:
            number = len(self.known)
            if number == MOST_SERIES:
                raise TooManySeries
            self.known.append(tags)
            self._numbers[tags] = number
        return number


@dataclass(slots=True)
class Grouping:
    """The group of each series, from 1; 0 is the group of those that the question does not mean.

    `places` are where the tags grouped by stand among a series' tags; None for one that the table does not have.
    """

    places: tuple[int | None, ...]
    keys: list[Group] = field(default_factory=list)
    """keys[number - 1] are the tag values of a group"""
    of_series: npt.NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, np.intp))
    _numbers: dict[Group, int] = field(default_factory=dict)
    _in_order: tuple[tuple[Group, ...], npt.NDArray[np.intp]] = field(
        default_factory=lambda: ((), np.zeros(0, np.intp))
    )

    def in_order(self, *, descending: bool) -> tuple[tuple[Group, ...], npt.NDArray[np.intp]]:
        """The keys sorted, and where each stands among `keys`; the same objects as long as no group comes."""
        if len(self._in_order[0]) < len(self.keys):
            by_key = sorted(range(len(self.keys)), key=self.keys.__getitem__)
            self._in_order = tuple(self.keys[place] for place in by_key), np.array(by_key, np.intp)
        groups, places = self._in_order
        return (groups[::-1], places[::-1]) if descending else (groups, places)

    @property
    def size(self) -> int:
        """How many groups there are, the one of the unwanted among them."""
        return len(self.keys) + 1

    def extend(self, index: SeriesNumbers, choose: Callable[[Sequence[Tags]], Sequence[bool]]) -> None:
        """Take up the series that came since the last time; `choose` tells which ones the question means."""
        fresh = index.known[len(self.of_series) :]
        if fresh:
            numbers = [self._number(tags) if chosen else 0 for tags, chosen in zip(fresh, choose(fresh), strict=True)]
            self.of_series = np.concatenate([self.of_series, np.array(numbers, np.intp)])

    def _number(self, tags: Tags) -> int:
        key = tuple("" if place is None else tags[place] or "" for place in self.places)
        number = self._numbers.get(key)
        if number is None:
            self.keys.append(key)
            number = self._numbers[key] = len(self.keys)
        return number
