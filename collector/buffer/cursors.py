"""Moves cursors, keeps the ledger in step with them, and deletes what every destination is past.

What is written down, and when: a cursor that passes delivered lines is written to its file, and the frames tell the
rest. Everything that frames do not tell (dead, skipped, lost or returned lines, and what stood in segments that are to
be deleted) goes into the log's checkpoint before. Only then do books and ledger move, both at once.

Concurrency: whatever moves a cursor of a log holds that log's lock, so checkpoints are written one after another.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from functools import partial

from collector.buffer.accounting import Accounting, Change
from collector.buffer.checkpoint import NoCheckpoint, write_checkpoint
from collector.buffer.contract import BufferFailed, Setback
from collector.buffer.cursor_file import CursorRecord, write_cursor
from collector.buffer.files import Files
from collector.buffer.layout import cursor_path
from collector.buffer.log import BucketLog, Segment
from collector.buffer.reading import Ahead
from collector.buffer.recovery import Recovered
from collector.buffer.stock import Stock, take_stock
from collector.buffer.threads import Threads
from collector.ledger import DELIVERED, LOST, SKIPPED, Brought, Terms
from collector.metrics import BufferMetrics
from foundation.logs import logger

_log = logger("collector.buffer")


class Cursors:
    """The cursors of all logs. `used` is told how many bytes more are used.

    `keep_bytes` of each log are kept behind a destination that says itself where it is, until there is no room.
    """

    def __init__(
        self,
        files: Files,
        threads: Threads,
        accounting: Accounting,
        metrics: BufferMetrics,
        *,
        optional: Collection[str],
        used: Callable[[int], None],
        keep_bytes: int = 0,
    ) -> None:
        self.keep_bytes = keep_bytes
        self._files = files
        self._threads = threads
        self._accounting = accounting
        self._metrics = metrics
        self._optional = frozenset(optional)
        self._used = used
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._turns: dict[str, int] = {}
        self._ahead: defaultdict[tuple[str, str], Ahead] = defaultdict(Ahead)

    def ahead(self, log: BucketLog, destination: str) -> Ahead:
        """What was read behind the destination's cursor."""
        return self._ahead[log.bucket, destination]

    async def take_up(self, recovered: Recovered) -> None:
        """Enter a log that was found, or made, into the ledger."""
        log = recovered.log
        self._turns[log.bucket] = recovered.checkpoint.turn if recovered.checkpoint else 0
        for destination in recovered.gone:
            _log.warning("a destination is no longer configured; its cursor is dropped", destination=destination)
        if self._accounting.restore(recovered):
            async with self._locks[log.bucket]:
                try:
                    await self._write_down(log)
                except BufferFailed as error:
                    _log.warning("the ledger cannot be written", bucket=log.bucket, cause=error)

    async def commit(self, log: BucketLog, destination: str, offset: int, brought: Brought | None) -> None:
        """The destination has everything before `offset`. Raises BufferFailed."""
        async with self._locks[log.bucket]:
            if log.cursors[destination].offset >= offset:
                return
            await self._pass(log, destination, offset, brought, DELIVERED)
        await self.release(log)

    async def seek(self, log: BucketLog, destination: str, offset: int) -> Setback | None:
        """Stand where the destination says; lines before count as delivered, lines behind are to be delivered again.

        What it had confirmed and lacks is returned.
        """
        async with self._locks[log.bucket]:
            cursor, says = log.cursors[destination], offset
            offset, before, placed = max(says, log.start), cursor.offset, cursor.placed
            cursor.told, cursor.placed = True, False
            lines = 0
            if offset > before:
                await self._pass(log, destination, offset, None, DELIVERED)
            elif offset < before:
                stock = await self._stock(log, offset, before)
                lines = sum(stock.lines.values())
                change = self._accounting.giving_back(log.bucket, destination, stock)
                await self._write_down(log, moving=(destination, offset, change))
                await self._stand(log, destination, offset, change, -lines, stock.first_ns)
            gone_bytes = max(min(log.start, log.lines_gone) - says, 0)
        await self.release(log)
        return Setback(lines, gone_bytes, cursor.oldest_ns) if not placed and (lines or gone_bytes) else None

    async def keep_notes(self, log: BucketLog, notes: Mapping[str, Terms]) -> None:
        """Make notes durable beside the log, whose quota or disk is full. Raises BufferFailed."""
        async with self._locks[log.bucket]:
            await self._write_down(log, notes=notes)

    async def release(self, log: BucketLog, *, heard: bool = True) -> None:
        """Delete the segments that every destination is past, but what is kept for one that may go back; before they
        were `heard`, that may be any.
        """
        await self._release(log, 0 if heard and not log.told else self.keep_bytes)

    async def make_room(self, log: BucketLog, *, last_too: bool = False) -> None:
        """Delete the segments that every destination is past, and keep none."""
        await self._release(log, 0, last_too=last_too)

    async def _release(self, log: BucketLog, keep_bytes: int, *, last_too: bool = False) -> None:
        """What the segments told of the ledger is written down before they go.

        On a full disk without a checkpoint to overwrite they go all the same: room is worth more than history.
        """
        if not log.done(keep_bytes=keep_bytes, last_too=last_too):
            return
        async with self._locks[log.bucket]:
            gone = log.done(keep_bytes=keep_bytes, last_too=last_too)
            if not gone:
                return
            log.part_with(gone)
            try:
                await self._write_down(log)
            except BufferFailed as error:
                _log.warning("the ledger cannot be written before segments go", bucket=log.bucket, cause=error)
                if not isinstance(error.__cause__, NoCheckpoint):
                    return
            log.released(gone)
            for segment in gone:
                await self._delete(log, segment)

    async def skip(self, logs: Collection[BucketLog], wanted_bytes: int, *, last_too: bool = False) -> int:
        """Move optional destinations past the oldest segments that nobody else needs, until that much is free.

        Returns what is still wanted. `last_too`: no segment is written to any more.
        """
        while wanted_bytes > 0:
            stuck = [log for log in logs if self._held_by_optional_only(log, last_too=last_too)]
            if not stuck:
                break
            log = min(stuck, key=self._waiting_since)
            wanted_bytes -= log.segments[0].size_bytes
            await self._skip_segment(log, log.segments[0])
            await self.make_room(log, last_too=last_too)
        return wanted_bytes

    def waits_for_optional_only(self, log: BucketLog) -> bool:
        """Whether there are lines in it that only optional destinations lack."""
        behind = [one for one, cursor in log.cursors.items() if cursor.offset < log.lines_end]
        return bool(log.segments and behind) and self._optional.issuperset(behind)

    async def _skip_segment(self, log: BucketLog, segment: Segment) -> None:
        async with self._locks[log.bucket]:
            behind = [one for one, cursor in log.cursors.items() if cursor.offset < segment.end]
            for destination in self._optional.intersection(behind):
                change = await self._pass(log, destination, segment.end, None, SKIPPED)
                lines = change.lines(SKIPPED)
                self._metrics.skipped_lines.labels(destination, log.bucket).inc(lines)
                _log.warning(
                    "the buffer is full: an optional destination skips lines",
                    destination=destination,
                    bucket=log.bucket,
                    lines=lines,
                )

    def _held_by_optional_only(self, log: BucketLog, *, last_too: bool) -> bool:
        """Whether the oldest segment could go but for optional destinations."""
        if not log.segments or (len(log.segments) == 1 and not last_too):
            return False
        behind = [one for one, cursor in log.cursors.items() if cursor.offset < log.segments[0].end]
        return bool(behind) and self._optional.issuperset(behind)

    def _waiting_since(self, log: BucketLog) -> int:
        return min(log.cursors[one].oldest_ns for one in self._optional & log.cursors.keys())

    async def _pass(self, log: BucketLog, destination: str, offset: int, brought: Brought | None, term: str) -> Change:
        begin = log.cursors[destination].offset
        ahead = self.ahead(log, destination)
        stock = ahead.between(begin, offset) or await self._stock(log, begin, offset)
        change = self._accounting.passing(log.bucket, stock, brought, term)
        if stock.damaged:
            held = self._accounting.held(log.bucket, destination)
            rest = await self._stock(log, offset, log.end)
            self._accounting.losing(log.bucket, change, held, rest)
            self._metrics.lost_lines.labels(destination, log.bucket).inc(change.lines(LOST))
        first_ns = ahead.first_ns(offset)
        if not first_ns and offset < log.lines_end:
            first_ns = (await self._stock(log, offset, log.end, only_first=True)).first_ns
        if not change.told_by_frames:
            await self._write_down(log, moving=(destination, offset, change))
        lines = sum(stock.lines.values()) + change.lines(LOST)
        await self._stand(log, destination, offset, change, lines, first_ns)
        ahead.forget(offset)
        return change

    async def _stand(
        self, log: BucketLog, destination: str, offset: int, change: Change, lines: int, oldest_ns: int
    ) -> None:
        record = CursorRecord(destination, log.name, offset, log.cursors[destination].turn + 1)
        path = cursor_path(log.folder, destination)
        await self._threads.read(partial(write_cursor, self._files, path, record))
        log.moved(destination, offset, lines, oldest_ns)
        self._accounting.apply(log.bucket, destination, change)

    async def _stock(self, log: BucketLog, begin: int, end: int, *, only_first: bool = False) -> Stock:
        task = partial(take_stock, self._files, log.parts(begin, end), only_first=only_first)
        return await self._threads.read(task)

    async def _write_down(
        self,
        log: BucketLog,
        *,
        moving: tuple[str, int, Change] | None = None,
        notes: Mapping[str, Terms] | None = None,
    ) -> None:
        checkpoint = self._accounting.checkpoint(log, self._turns[log.bucket] + 1, moving=moving, notes=notes)
        await self._threads.read(partial(write_checkpoint, self._files, log.folder, checkpoint))
        self._turns[log.bucket] = checkpoint.turn

    async def _delete(self, log: BucketLog, segment: Segment) -> None:
        try:
            await self._threads.read(partial(self._files.remove, log.path(segment)))
        except BufferFailed as error:
            _log.warning("a delivered segment could not be deleted", path=log.path(segment), error=error)
        self._used(-segment.size_bytes)
