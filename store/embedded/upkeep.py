"""Everything that the store does with its points by itself: age, rollups, quota, compaction. The store owns one of it.

It puts together the rooms that those are, starts their tasks, and answers for them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from store.contract import StoreStanding
from store.embedded.compaction.compaction import Compaction, count_no_move
from store.embedded.compaction.room import Room
from store.embedded.expiry import Change, Expiry
from store.embedded.quota import Quota, Relief
from store.embedded.retention import Ages, Bound, Retention
from store.embedded.rollups.definition import Rollup
from store.embedded.rollups.rolling import Rolling

if TYPE_CHECKING:
    from foundation.clock import Clock
    from foundation.lifecycle import Tasks
    from store.embedded.file import OpenFile

_RELIEVE_EVERY: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Course:
    """What is configured: how long points are kept, what is rolled up, how much of the disk may be taken."""

    retention: Retention
    expire_every: timedelta
    rollups: tuple[Rollup, ...]
    roll_every: timedelta
    quota_bytes: int
    drops_oldest: bool
    compact_every: timedelta


def count_nothing(_bucket: str, _lines: int) -> None:
    """Nobody counts."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Who is told bucket and points: of those that reached their retention, and of those dropped for the quota.

    `moved` is told what became of each move of compaction: bucket, outcome, points.
    """

    expired: Callable[[str, int], None] = count_nothing
    dropped: Callable[[str, int], None] = count_nothing
    moved: Callable[[str, str, int], None] = count_no_move


class Upkeep:
    """Keeps the points in order. `change` runs work in the writer's thread, `opened` gives the file."""

    def __init__(
        self,
        course: Course,
        path: Path,
        *,
        change: Change,
        opened: Callable[[], OpenFile],
        clock: Clock,
        counts: Counts,
    ) -> None:
        self._course = course
        self._clock = clock
        self.ages = Ages(course.retention, clock)
        self.rolling = Rolling(course.rollups, change, opened, self.ages, clock)
        self.expiry = Expiry(self.ages, change, counts.expired, self.rolling.held)
        self.quota = Quota(course.quota_bytes, path, clock)
        self.relief = Relief(self.quota, course.retention, course.rollups, change, counts.dropped)
        self.compaction = Compaction(change, opened, Room(path, self.quota), clock, counts.moved)

    def take_up(self, file: OpenFile) -> None:
        """The file has been opened; in the writer's thread, before anything is written."""
        self.ages.begin(*file.writer.believed(self._clock.now_ns()))
        self.rolling.refuse(file.refused)
        _ = self.quota.measure(file.writing)

    def start(self, tasks: Tasks) -> None:
        """Begin with what goes on by itself, until the tasks are stopped."""
        if self._course.retention.limited:
            _ = tasks.spawn(self.expiry.run(self._course.expire_every), "store.expiry")
        if self._course.rollups:
            _ = tasks.spawn(self.rolling.run(self._course.roll_every), "store.rollups")
        if self._course.drops_oldest and self._course.quota_bytes:
            _ = tasks.spawn(self.relief.run(_RELIEVE_EVERY), "store.quota")
        if self._course.compact_every:
            _ = tasks.spawn(self.compaction.run(self._course.compact_every), "store.compaction")

    def close(self) -> None:
        """Let the threads end, behind the tasks and behind the interruption of what they ask of the file."""
        self.rolling.close()
        self.compaction.close()

    def admit(self, file: OpenFile, bucket: str) -> Bound | None:
        """Before lines are written, in the writer's thread: where the bucket begins. Raises StoreFull."""
        self.quota.admit(file.writing)
        return self.ages.bound(bucket)

    def standing(self) -> StoreStanding:
        """How all of it stands."""
        problems = (self.quota.problem, self.ages.problem, self.compaction.problem)
        return StoreStanding(
            self.rolling.standings(),
            self.quota.used_bytes,
            self.quota.limit_bytes,
            tuple(problem for problem in problems if problem),
        )
