"""Which row groups are worth moving: values alone, no file.

Compaction as of a log-structured merge tree: where too many groups lie across one moment, some of them are merged into
as many groups side by side. It begins late and then goes far, so that it does not begin again with the next group.
Where points come for all of the past, each is moved some five times until there are 200 groups; where they come for the
time of the last twenty groups, once or twice.

Where that is done, groups in which all series stand mixed are moved once, so that they stand series behind series.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log2
from operator import attrgetter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

MOST_ACROSS: Final = 4
"""So many groups may stay across one moment: each costs a question that is about it some tenths of a millisecond."""
_MOST_MIXED: Final = 3
"""So many mixed groups behind each other wait for the next: each move leaves a group that is not full."""
_MOST_GROUPS: Final = 64
"""Merged at once, where they have few rows each."""


@dataclass(frozen=True, slots=True)
class Group:
    """One row group: its first rowid, its rows, the first and last of their times in ns, the bytes of its blocks."""

    start: int
    rows: int
    first_ns: int
    last_ns: int
    size_bytes: int = 0

    @property
    def stop(self) -> int:
        """Behind its last rowid."""
        return self.start + self.rows


def count_rows(groups: Iterable[Group]) -> int:
    """All of theirs."""
    return sum(group.rows for group in groups)


def choose(groups: Sequence[Group], most_rows: int, *, begun: bool = False) -> tuple[Group, ...]:
    """The groups to merge next, in order of their rows; empty where it is not worth it, or, `begun`, where it is done.

    All lie across one moment, the widest of those that do, and have at most `most_rows` rows together.
    """
    across = most_across(groups)
    if len(across) <= max(MOST_ACROSS, 0 if begun else 2 + log2(max(1, len(groups)))):
        return ()
    chosen: list[Group] = []
    rows = 0
    for group in sorted(across, key=lambda one: one.first_ns - one.last_ns):
        if rows + group.rows <= most_rows and len(chosen) < _MOST_GROUPS:
            chosen.append(group)
            rows += group.rows
    # Two groups put side by side are one less across that moment; of one, nothing becomes better.
    return tuple(sorted(chosen, key=attrgetter("start"))) if len(chosen) > 1 else ()


def choose_mixed(
    groups: Sequence[Group], mixed: Collection[Group], most_rows: int, *, begun: bool = False
) -> tuple[Group, ...]:
    """The `mixed` groups to move next, behind each other in time, in order of their rows; empty as with `choose`."""
    least = 1 if begun else _MOST_MIXED
    whole = max((group.rows for group in groups), default=0)
    for stretch in _stretches(groups, mixed):
        chosen: list[Group] = []
        for group in stretch:
            if count_rows(chosen) + group.rows > most_rows:
                break
            chosen.append(group)
        # What is less than a group is put behind the rows that came last, and would be mixed with the next.
        if len(stretch) > least and count_rows(chosen) > whole:
            return tuple(sorted(chosen, key=attrgetter("start")))
    return ()


def _stretches(groups: Iterable[Group], mixed: Collection[Group]) -> list[list[Group]]:
    """Mixed groups with no other between them: rows of both sides of another would span its time."""
    found: list[list[Group]] = [[]]
    for group in sorted(groups, key=attrgetter("first_ns")):
        if group in mixed:
            found[-1].append(group)
        elif found[-1]:
            found.append([])
    return found


def most_across(groups: Iterable[Group]) -> tuple[Group, ...]:
    """The groups at the moment across which most of them lie; that they touch each other does not count."""
    # A group of one moment alone lies across nothing: however its rows stand, they cannot stand better.
    wide = [group for group in groups if group.first_ns < group.last_ns]
    ends = sorted((moment, begins, place) for place, one in enumerate(wide) for moment, begins in _ends(one))
    now: set[int] = set()
    most: frozenset[int] = frozenset()
    for _, begins, place in ends:
        if not begins:
            now.discard(place)
            continue
        now.add(place)
        if len(now) > len(most):
            most = frozenset(now)
    return tuple(wide[place] for place in sorted(most))


def _ends(group: Group) -> tuple[tuple[int, bool], tuple[int, bool]]:
    return (group.first_ns, True), (group.last_ns, False)
