"""The task that puts points where they belong: it looks through all tables now and then, move after move.

They belong to their time, and there to their series.

A shipment waits for the end of one move at most, some hundredths of a second, and for the checkpoint behind it, which
gives the room back; questions wait for nothing. Between two moves it rests as long as the last one took.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeVar

import duckdb

from foundation.logs import logger
from store.embedded.compaction.disorder import MOST_ACROSS, count_rows
from store.embedded.compaction.groups import end_of
from store.embedded.compaction.mixture import Mixture
from store.embedded.compaction.moving import Extent, Move, Prospect
from store.embedded.schema import points_of
from store.errors import StoreUnavailable

if TYPE_CHECKING:
    from foundation.clock import Clock
    from store.embedded.compaction.room import Room
    from store.embedded.expiry import Change
    from store.embedded.file import OpenFile
    from store.embedded.schema import Table

T = TypeVar("T")

_log = logger("store.embedded.compaction")

GROUP_ROWS: Final = 122_880
"""DuckDB's row group."""
_MOVE_GROUPS: Final = 8
_LEAST_GROUPS: Final = 3
_MOVE_VALUES: Final = 16_000_000
"""Of at most a million points: about half a second. Where they have many columns it is fewer points."""
_SORTED_VALUES: Final = 8_000_000
"""At once, since DuckDB sorts them whole, with all their columns: some hundred MB of its memory."""
_PAUSE_S: Final = 0.05
_MOST_MOVED: Final = 6
"""How often one turn moves all rows of a table, at the most; a billion points in no order at all need it five times."""


class Outcome(StrEnum):
    """What became of a move."""

    DONE = "done"
    OVERTAKEN = "overtaken"
    """The writer changed what was being moved; the next turn tries again."""
    HELD = "held"
    """Questions under way keep an earlier move's room from being given back: it would take its room twice."""
    NO_ROOM = "no_room"
    FAILED = "failed"


def count_no_move(_bucket: str, _outcome: str, _rows: int) -> None:
    """Nobody counts."""


@dataclass(frozen=True, slots=True)
class _Step:
    """A look at a table and what came of it: no outcome where it is in order; how many rows were moved or were not."""

    prospect: Prospect
    outcome: Outcome | None = None
    rows: int = 0


class Compaction:
    """Puts tables in order. `on_move` is told bucket, outcome and rows; `group_rows` is how many a row group holds."""

    def __init__(
        self,
        change: Change,
        opened: Callable[[], OpenFile],
        room: Room,
        clock: Clock,
        on_move: Callable[[str, str, int], None] = count_no_move,
        group_rows: int = GROUP_ROWS,
    ) -> None:
        self._change = change
        self._opened = opened
        self._room = room
        self._clock = clock
        self._on_move = on_move
        self._group_rows = group_rows
        self._ends: dict[str, int] = {}
        """relation -> where its rowids ended when it was in order"""
        self._mixtures: dict[str, Mixture] = {}
        self._turning = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, "store-compact")
        self.problem = ""
        """Why points stayed where they are in the last turn; empty where nothing kept them."""
        self._problems: list[str] = []

    async def run(self, every: timedelta) -> None:
        """Look through all tables at each `every`, for ever; what cannot be done now is done by a later turn."""
        while True:
            await asyncio.sleep(every.total_seconds())
            try:
                _ = await self.turn()
            except (StoreUnavailable, duckdb.Error) as error:
                _log.warning("the store could not look for points to put in order", cause=error)

    async def turn(self) -> int:
        """Put in order all that is worth it now; how many rows were moved. One turn at a time.

        Raises StoreUnavailable, and duckdb.Error where a table cannot be looked at.
        """
        async with self._turning:
            self._problems.clear()
            catalog = self._opened().catalog
            tables = [
                (bucket, table) for bucket in catalog.buckets() for table in (catalog.tables(bucket) or {}).values()
            ]
            moved = sum([await self._order(bucket, table) for bucket, table in tables])
            self.problem = self._problems[0] if self._problems else ""
            return moved

    def close(self) -> None:
        """Let the thread end; what it does must have been stopped."""
        self._thread.shutdown(cancel_futures=True)

    async def _order(self, bucket: str, table: Table) -> int:
        """One table, move after move, until it is in order; how many rows were moved."""
        relation = table.relation
        if not await self._in_thread(lambda: self._has_grown(relation)):
            return 0
        moved, most = 0, 0
        while True:
            started = self._clock.monotonic()
            step = await self._step(table, begun=moved > 0)
            if step.outcome is not None:
                self._on_move(bucket, step.outcome, step.rows)
                if step.outcome is not Outcome.DONE:
                    return moved
                moved += step.rows
            most = most or step.prospect.rows * _MOST_MOVED
            if step.outcome is None or moved >= most:
                break
            await asyncio.sleep(max(_PAUSE_S, self._clock.monotonic() - started))
        self._ends[relation] = step.prospect.end
        if moved:
            _log.info("points were put in order", bucket=bucket, points=moved)
        return moved

    def _has_grown(self, relation: str) -> bool:
        """Whether there is enough that nobody has looked at."""
        known = self._ends.get(relation)
        fresh = self._group_rows * (MOST_ACROSS if known is None else 1)
        with closing(self._opened().cursors.make()) as cursor:
            try:
                return end_of(cursor, points_of(relation), known or 0) > fresh + (known or 0)
            except duckdb.CatalogException:
                return False

    async def _step(self, table: Table, *, begun: bool) -> _Step:
        """One move, or none."""
        file = self._opened()
        touched = await self._change(lambda one: one.writer.watch(table.relation))
        mixture = self._mixtures.setdefault(table.relation, Mixture())
        move = Move(file.cursors.make(), touched, mixture, self._extent(table))
        prospect = Prospect()
        try:
            prospect = await self._in_thread(lambda: move.look(begun=begun))
            if not prospect.groups:
                return _Step(prospect)
            if prospect.held_bytes > prospect.size_bytes:
                await self._change(lambda one: one.writer.checkpoint())
                return _Step(prospect, Outcome.HELD, count_rows(prospect.groups))
            lack = self._room.lack(prospect.size_bytes)
            if lack:
                return self._give_up(prospect, Outcome.NO_ROOM, lack)
            rows = await self._in_thread(move.copy)
            # A file that was opened anew since has another writer, which told `touched` nothing.
            done = await self._change(lambda one: one is file and move.finish(one.writing))
        except duckdb.CatalogException:
            # The table was dropped before it was looked at.
            return _Step(prospect)
        except (duckdb.Error, StoreUnavailable) as error:
            return self._give_up(prospect, Outcome.FAILED, str(error).splitlines()[0])
        except BaseException:
            move.stop()
            raise
        finally:
            await asyncio.to_thread(move.close)
        if done:
            await self._change(lambda one: one.writer.checkpoint())
        return _Step(prospect, Outcome.DONE if done else Outcome.OVERTAKEN, rows)

    def _extent(self, table: Table) -> Extent:
        width = 1 + len(table.columns)
        groups = min(_MOVE_GROUPS, max(_LEAST_GROUPS, _MOVE_VALUES // (self._group_rows * width)))
        slices = -(-self._group_rows * width // _SORTED_VALUES)
        return Extent(self._group_rows * groups, _SORTED_VALUES // width, self._group_rows // slices)

    def _give_up(self, prospect: Prospect, outcome: Outcome, why: str) -> _Step:
        problem = f"points cannot be put in order: {why}"
        if problem != self.problem:
            _log.warning("points stay where they are, in no order; each turn tries again", reason=why)
        self._problems.append(problem)
        return _Step(prospect, outcome, count_rows(prospect.groups))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
