"""The task that rolls what is due, newest first, slice after slice; and how far each rollup is.

A slice is aggregated in a thread of its own, and only its rows are put into the target by the writer's thread, so a
shipment waits for one such replacement at most. What fails is tried again with growing pauses; the others go on.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from foundation.backoff import Backoff
from foundation.logs import logger
from influxql.literals import MIN_TIME
from store.contract import RollupStanding
from store.embedded.rollups.marks import Slice, count_windows
from store.embedded.rollups.reading import Rolled, roll
from store.errors import StoreUnavailable

if TYPE_CHECKING:
    from foundation.clock import Clock
    from store.embedded.expiry import Change
    from store.embedded.file import OpenFile
    from store.embedded.retention import Ages
    from store.embedded.rollups.definition import Rollup
    from store.embedded.rollups.replacing import Replaced
    from store.embedded.rollups.spans import Spans

_log = logger("store.embedded.rollups")
_PAUSE_S: Final = 0.05
"""Behind a slice of more rows than a few, for the writer's other work."""
_FEW: Final = 1_000
_BACKOFF: Final = Backoff(first_s=5.0, most_s=300.0)
_FIRST_WINDOWS: Final = 64
_SECOND: Final = 1_000_000_000


@dataclass(slots=True)
class _Course:
    """How a rollup goes. `windows`: how many its next slice takes. `refused`: it does not run at all."""

    windows: int = _FIRST_WINDOWS
    rolled: int = 0
    again: int = 0
    failures: int = 0
    failed_in_a_row: int = 0
    problem: str = ""
    refused: bool = False
    not_before: float = field(default=float("-inf"))


class Rolling:
    """Rolls the configured rollups; each stands behind those that feed it."""

    def __init__(
        self,
        rollups: Sequence[Rollup],
        change: Change,
        opened: Callable[[], OpenFile],
        ages: Ages,
        clock: Clock,
    ) -> None:
        self.rollups = rollups
        self._change = change
        self._opened = opened
        self._ages = ages
        self._clock = clock
        self._courses = {rollup.name: _Course() for rollup in rollups}
        self._turning = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, "store-roll")

    def refuse(self, reasons: Mapping[str, str]) -> None:
        """These must not run, for the reasons given; all others may."""
        for name, course in self._courses.items():
            course.refused = name in reasons
            if course.refused:
                course.problem = reasons[name]
                _log.error("a rollup does not run", rollup=name, reason=course.problem)

    async def run(self, every: timedelta) -> None:
        """Roll what is due now and at each `every`, for ever."""
        while True:
            _ = await self.turn()
            await asyncio.sleep(every.total_seconds())

    async def turn(self) -> int:
        """Roll all that is due now, the rollups in turns; how many slices that took. One turn at a time."""
        slices = 0
        async with self._turning:
            while more := sum([await self._try(rollup) for rollup in self.rollups]):
                slices += more
        return slices

    def close(self) -> None:
        """Let the thread end; what it does must have been stopped."""
        self._thread.shutdown(cancel_futures=True)

    def held(self, bucket: str) -> int | None:
        """The earliest moment of the bucket that a rollup still has to read; those that fail hold nothing."""
        found = [
            first
            for rollup in self.rollups
            if rollup.source.bucket == bucket and not self._courses[rollup.name].problem
            if (first := self._pending(rollup).first) is not None
        ]
        return min(found, default=None)

    def standings(self) -> tuple[RollupStanding, ...]:
        """How far each is; none while the file is not open."""
        try:
            _ = self._opened()
        except StoreUnavailable:
            return ()
        return tuple(self._standing(rollup) for rollup in self.rollups)

    def _standing(self, rollup: Rollup) -> RollupStanding:
        course, now_ns = self._courses[rollup.name], self._clock.now_ns()
        due = rollup.window.start(now_ns)
        pending = self._pending(rollup).within(MIN_TIME, due)
        first = pending.first
        return RollupStanding(
            rollup.name,
            rollup.source.bucket,
            str(rollup.target),
            rollup.definition,
            complete_until_ns=due if first is None else first,
            lag_s=0.0 if first is None else (now_ns - first) / _SECOND,
            pending_windows=count_windows(rollup, pending),
            rolled=course.rolled,
            again=course.again,
            frozen=self._opened().writer.marks.frozen[rollup.name],
            failures=course.failures,
            problem=course.problem,
            measurement=rollup.source.measurement,
            reads=rollup.reads,
        )

    def _pending(self, rollup: Rollup) -> Spans:
        return self._opened().writer.marks.pending[rollup.name]

    async def _try(self, rollup: Rollup) -> bool:
        """One slice; whether there may be more."""
        course = self._courses[rollup.name]
        if course.refused or course.not_before > self._clock.monotonic():
            return False
        try:
            more = await self._step(rollup, course)
        except Exception as error:  # noqa: BLE001 - whatever one rollup fails by is told as its problem; the others go on
            self._note_failure(rollup, course, error)
            return False
        if course.problem:
            _log.info("a rollup goes on", rollup=rollup.name)
        course.problem, course.failed_in_a_row = "", 0
        return more

    def _note_failure(self, rollup: Rollup, course: _Course, error: Exception) -> None:
        problem = str(error).splitlines()[0]
        if problem != course.problem:
            _log.warning("a rollup could not be rolled; it is tried again", rollup=rollup.name, reason=problem)
        course.problem = problem
        course.failures += 1
        wait = _BACKOFF.delay_s(course.failed_in_a_row, random.random())  # noqa: S311 - spreads retries, keeps no secret
        course.failed_in_a_row += 1
        course.not_before = self._clock.monotonic() + wait

    async def _step(self, rollup: Rollup, course: _Course) -> bool:
        now_ns = self._clock.now_ns()
        bound = self._ages.bound(rollup.target.bucket)
        due, least = rollup.window.start(now_ns), MIN_TIME if bound is None else bound.first_ns
        slice_ = await self._change(lambda file: file.writer.begin_roll(rollup, due, least))
        if slice_ is None:
            return False
        loop = asyncio.get_running_loop()
        rolled = await loop.run_in_executor(self._thread, self._roll, slice_, course.windows, now_ns)
        course.windows = rolled.windows
        replaced: Replaced | None = await self._change(lambda file: file.writer.end_roll(slice_, rolled))
        if replaced is not None:
            course.rolled += replaced.fresh
            course.again += replaced.again
        await asyncio.sleep(_PAUSE_S if rolled.count > _FEW else 0)
        return True

    def _roll(self, slice_: Slice, windows: int, now_ns: int) -> Rolled:
        file = self._opened()
        with closing(file.cursors.make()) as cursor:
            return roll(cursor, file.catalog.tables, slice_, windows, now_ns)
