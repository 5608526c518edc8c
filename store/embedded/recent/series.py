"""The tags of rows as numbers: each combination of tag values is a series, and a question puts each into a group.

Numbers are given once, in the order in which series are met, so whatever is kept by them stays good while more come.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from store.embedded.choice import Group

MOST_SERIES: Final = 30_000
"""In one table; a number takes two bytes."""

_UNMET: Final = -1
_HIGHEST: Final = 4_000_000
"""Of the file's numbers: two bytes each."""
_FEW_OF: Final = 4
"""Fewer than one in so many series are few."""

Numbers = npt.NDArray[np.int16]
Stored = npt.NDArray[np.int32]
"""Series as the file numbers them."""
Tags = tuple[str | None, ...]
"""The values of a series' tags in the order of the table's columns; None for a tag that it has not."""


class TooManySeries(Exception):
    """More than memory has numbers for."""


class SeriesNumbers:
    """Tags <-> numbers, of one table; the file's numbers, which are large where series come and go, have one each."""

    def __init__(self) -> None:
        self.known: list[Tags] = []
        self._numbers: dict[Tags, int] = {}
        self._of_file: Numbers = np.zeros(0, np.int16)
        """the file's number -> ours, _UNMET where it has not been met"""

    def unmet(self, parts: Sequence[Stored]) -> Stored:
        """Those of the file's numbers that nobody has told the tags of, each once. Raises TooManySeries."""
        highest = max((int(stored.max()) for stored in parts if len(stored)), default=-1)
        if highest >= _HIGHEST:
            raise TooManySeries
        if highest >= len(self._of_file):
            fresh = np.full(highest + 1 + highest // 4 - len(self._of_file), _UNMET, np.int16)
            self._of_file = np.concatenate([self._of_file, fresh])
        is_there = np.zeros(highest + 1, np.bool_)
        for stored in parts:
            is_there[stored] = True
        numbers = np.flatnonzero(is_there & (self._of_file[: highest + 1] == _UNMET)).astype(np.int32)
        if len(numbers) > MOST_SERIES:
            raise TooManySeries
        return numbers

    def meet(self, stored: int, tags: Tags) -> None:
        """What a number of the file stands for, for ever. Raises TooManySeries."""
        self._of_file[stored] = self._number(tags)

    def number(self, stored: Stored) -> Numbers:
        """Our numbers for those of the file, of which none is unmet."""
        return self._of_file[stored]

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
    meant: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    """of each series whether the question means it"""
    means_few: bool = False
    """whether it means but a small part of the series"""
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
        if len(index.known) > len(self.of_series):
            fresh = index.known[len(self.of_series) :]
            numbers = [self._number(tags) if chosen else 0 for tags, chosen in zip(fresh, choose(fresh), strict=True)]
            self.of_series = np.concatenate([self.of_series, np.array(numbers, np.intp)])
            self.meant = self.of_series > 0
            self.means_few = int(np.count_nonzero(self.meant)) * _FEW_OF < len(self.meant)

    def _number(self, tags: Tags) -> int:
        key = tuple("" if place is None else tags[place] or "" for place in self.places)
        number = self._numbers.get(key)
        if number is None:
            self.keys.append(key)
            number = self._numbers[key] = len(self.keys)
        return number
