"""The buffer on the local disk: group commit on one thread, reading and cursors on others; the books on the loop.

Appends wait in a queue. One task takes all that wait, has them compressed, written and synced together, and lets all
waiters go at once: the running sync is the window in which the next group gathers. Nobody returns before his sync.

Concurrency: see the contract. Books (`BucketLog`) are touched on the event loop only, writers on the commit thread.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

from collector.buffer.commit import RETRY_AFTER_S, Failed, GroupWriter, Outcome, Written
from collector.buffer.contract import Backlog, BufferFailed, BufferFull, Parcel
from collector.buffer.cursor_file import CursorRecord, write_cursor
from collector.buffer.files import DiskFiles, Files
from collector.buffer.grouping import take_group
from collector.buffer.layout import cursor_path, prepare, read_log
from collector.buffer.lock import FolderLock
from collector.buffer.log import BucketLog, Mark, Segment
from collector.buffer.reading import Stretch, read_stretch
from collector.buffer.recovery import Recovered, accepted_at, lines_before, recover
from collector.metrics import BufferMetrics
from foundation.batch import Batch, Position, Shipment
from foundation.clock import Clock
from foundation.differences import FIXED
from foundation.errors import ConfigError
from foundation.lifecycle import OnIncident, Tasks
from foundation.logs import logger

_log = logger("collector.buffer")
_CLOSE_GRACE_S = 3.0
_READERS = 2
_REFUSAL_COUNTS_S = 30.0
"""After so long without a try nobody knows, so readiness says yes again and the next batch finds out."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskConfig:
    """`quota_bytes` bounds all segments together; when it is reached, intake answers 503 until delivery made room.

    A segment is closed at `segment_bytes`; at most `group_bytes` of lines share a sync; at most `waiting_bytes` of
    lines wait for one.
    """

    kind: Literal["disk"] = field(default="disk", metadata=FIXED)
    quota_bytes: int = 4 << 30
    segment_bytes: int = field(default=64 << 20, metadata=FIXED)
    group_bytes: int = 8 << 20
    waiting_bytes: int = 64 << 20

    def __post_init__(self) -> None:
        """Refuse sizes that cannot work."""
        if min(self.quota_bytes, self.segment_bytes, self.group_bytes, self.waiting_bytes) <= 0:
            raise ValueError("the buffer's sizes are numbers of bytes greater than zero")


class DiskBuffer:
    """See `collector.buffer.contract.Buffer`. `folder` is this buffer's own; `destinations` are all who read it."""

    def __init__(
        self,
        config: DiskConfig,
        folder: Path,
        destinations: Sequence[str],
        *,
        clock: Clock,
        metrics: BufferMetrics,
        on_incident: OnIncident,
        files: Files | None = None,
    ) -> None:
        self._config = config
        self._folder = folder
        self._destinations = tuple(destinations)
        self._clock = clock
        self._metrics = metrics
        self._files = files or DiskFiles()
        self._lock = FolderLock(folder)
        segment_bytes = max(1, min(config.segment_bytes, config.quota_bytes // 4))
        self._writer = GroupWriter(self._files, folder, segment_bytes, self._destinations)
        self._tasks = Tasks(on_incident)
        self._commit_thread = ThreadPoolExecutor(1, thread_name_prefix="buffer-commit")
        self._read_threads = ThreadPoolExecutor(_READERS, thread_name_prefix="buffer-read")
        self._logs: dict[str, BucketLog] = {}
        self._waiting: deque[Batch] = deque()
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._waiting_bytes = 0
        self._used_bytes = 0
        self._wanted = asyncio.Event()
        self._idle = asyncio.Event()
        self._growth: dict[str | None, asyncio.Event] = {}
        self._refusing: dict[str, str] = {}
        self._refused: tuple[str, float] | None = None
        self._marks: dict[tuple[str, str], dict[int, Mark]] = {}
        self._committing: asyncio.Task[None] | None = None
        self._open = False

    async def open(self) -> None:
        """Recover what is on disk. Raises ConfigError when another process holds the directory."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock.take()
        try:
            recovered = await self._on(self._commit_thread, self._recover)
        except OSError as error:
            self._lock.release()
            raise ConfigError(f"{self._folder}: the buffer cannot be read: {error}") from error
        except ConfigError:
            self._lock.release()
            raise
        for one in recovered:
            self._take_up(one)
        for log in self._logs.values():
            await self._release(log)
        self._metrics.quota_bytes.set(self._config.quota_bytes)
        self._open = True
        self._idle.set()
        self._committing = self._tasks.spawn(self._commit_for_ever(), "buffer.commit")

    def adopt(self, config: DiskConfig) -> None:
        """Take in by `config` from the next batch on; above a smaller quota nothing until delivery made room."""
        self._config = config
        self._metrics.quota_bytes.set(config.quota_bytes)

    async def close(self) -> None:
        """Finish the running group commit and release the directory."""
        if self._open:
            self._open = False
            try:
                async with asyncio.timeout(_CLOSE_GRACE_S):
                    await self._idle.wait()
                    await self._on(self._commit_thread, self._writer.close)
            except TimeoutError:
                _log.error("the disk did not finish in time; what waited was not acknowledged")
            await self._tasks.stop()
        self._commit_thread.shutdown(wait=False)
        self._read_threads.shutdown(wait=False)
        self._lock.release()

    async def append(self, batch: Batch) -> None:
        """Return when the batch is durable. Raises BufferFull or BufferFailed, and then nothing was taken."""
        if not self._open:
            self._metrics.failures.labels("closing").inc()
            raise BufferFailed("the collector is stopping", retry_after_s=RETRY_AFTER_S)
        if self._waiting_bytes >= self._config.waiting_bytes:
            self._metrics.failures.labels("overload").inc()
            raise BufferFull("too many lines wait for the disk", retry_after_s=RETRY_AFTER_S)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(batch)
        self._waiters.append(done)
        self._waiting_bytes += len(batch.body)
        self._idle.clear()
        self._wanted.set()
        await done

    def refusing(self) -> str:
        """Why the latest group of batches was refused, if one was in the last half minute; empty while all is well."""
        reason, since = self._refused or ("", 0.0)
        return reason if self._clock.monotonic() - since < _REFUSAL_COUNTS_S else ""

    def buckets(self) -> tuple[str, ...]:
        """Buckets that have a log, sorted."""
        return tuple(sorted(self._logs))

    def log(self, bucket: str) -> str:
        """The name of the bucket's log. Raises KeyError where there is none."""
        return self._logs[bucket].name

    async def read(
        self, destination: str, bucket: str, *, most_bytes: int, after: Position | None = None
    ) -> Parcel | None:
        """The next lines for the destination, whole frames; None when it has all. Raises BufferFailed."""
        log = self._logs.get(bucket)
        if log is None:
            return None
        cursor = log.cursors[destination]
        ahead = after.offset if after is not None and after.log == log.name else 0
        before = max(cursor.offset, ahead)
        marks = self._marks.setdefault((destination, bucket), {})
        while (segment := log.segment_at(before)) is not None:
            mark = Mark(cursor.lines, cursor.oldest_ns) if before == cursor.offset else marks.get(before)
            start = max(before - segment.base, 0)
            task = partial(read_stretch, self._files, log.path(segment), start, segment.size_bytes, most_bytes)
            stretch = await self._try(self._read_threads, task)
            behind = Position(log.name, bucket, segment.base + stretch.end)
            self._count_lost(log, segment, stretch)
            if mark is not None:
                marks[before] = Mark(mark.lines, stretch.origins[0].accepted_ns if stretch.origins else mark.oldest_ns)
                marks[behind.offset] = Mark(mark.lines + stretch.lines)
            if stretch.members:
                shipment = Shipment(bucket, stretch.members, stretch.lines)
                return Parcel(shipment, Position(log.name, bucket, before), behind, tuple(stretch.origins))
            if before == cursor.offset:
                await self.commit(destination, behind)
            before = behind.offset
        return None

    async def commit(self, destination: str, position: Position) -> None:
        """The destination has everything before `position`, durably. Raises BufferFailed."""
        log = self._logs.get(position.bucket)
        if log is None or log.name != position.log or log.cursors[destination].offset >= position.offset:
            return
        await self._move(log, destination, position.offset)
        await self._release(log)

    async def seek(self, destination: str, position: Position) -> None:
        """Set the cursor to what the destination itself says it has; see the contract."""
        log = self._logs.get(position.bucket)
        if log is None or log.name != position.log:
            return
        if position.offset > log.end:
            _log.warning("the store is ahead of the buffer; going on behind it", bucket=log.bucket)
            await self._on(self._commit_thread, partial(self._writer.seal, [log.bucket], position.offset))
            log.extended(position.offset)
        offset = max(position.offset, log.start)
        if offset != log.cursors[destination].offset:
            await self._move(log, destination, offset)
            await self._release(log)

    async def grown(self, bucket: str | None = None) -> None:
        """Return when something was appended (to `bucket`, or anywhere) that was not there at the call."""
        await self._growth.setdefault(bucket, asyncio.Event()).wait()

    def backlog(self, destination: str, bucket: str | None = None) -> Backlog:
        """What the destination lacks, in one bucket or in all."""
        logs = self._logs.values() if bucket is None else filter(None, [self._logs.get(bucket)])
        parts = [log.backlog(destination) for log in logs]
        oldest = min((part.oldest_ns for part in parts if part.oldest_ns), default=0)
        return Backlog(sum(part.lines for part in parts), sum(part.size_bytes for part in parts), oldest)

    def _recover(self) -> list[Recovered]:
        prepare(self._files, self._folder)
        recovered: list[Recovered] = []
        for name in self._files.names(self._folder / "logs"):
            path = self._folder / "logs" / name
            known = read_log(self._files, path)
            if known is None:
                _log.warning("a log without its name; it is taken up when its bucket is written to", folder=path)
                continue
            recovered.append(recover(self._files, path, *known, self._destinations))
        return recovered

    def _take_up(self, recovered: Recovered) -> None:
        log = recovered.log
        self._logs[log.bucket] = log
        self._use(log.size_bytes)
        self._writer.adopt(log)
        self._metrics.skipped_bytes.labels("torn").inc(recovered.torn_bytes)
        if recovered.missing_bytes:
            self._metrics.skipped_bytes.labels("missing").inc(recovered.missing_bytes)
            _log.error("a piece of the buffer is gone", bucket=log.bucket, missing_bytes=recovered.missing_bytes)

    async def _commit_for_ever(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while self._waiting:
                await self._commit_group()
            self._idle.set()

    async def _commit_group(self) -> None:
        count = take_group(self._waiting, self._config.group_bytes)
        batches = [self._waiting.popleft() for _ in range(count)]
        waiters = [self._waiters.popleft() for _ in range(count)]
        self._waiting_bytes -= sum(len(batch.body) for batch in batches)
        began = self._clock.monotonic()
        try:
            await self._make_room()
            room = self._config.quota_bytes - self._used_bytes
            task = partial(self._writer.write, batches, self._clock.now_ns(), room)
            outcomes = await self._on(self._commit_thread, task)
        except Exception as error:  # noqa: BLE001 - whoever waits must be answered, whatever went wrong
            _log.error("a group of batches could not be committed", error=error)
            failed = BufferFailed("the buffer failed", retry_after_s=RETRY_AFTER_S)
            outcomes = {batch.bucket: Failed(failed, "io_error") for batch in batches}
        self._metrics.commit_seconds.observe(self._clock.monotonic() - began)
        for bucket, outcome in outcomes.items():
            self._enter(bucket, outcome)
        for batch, waiter in zip(batches, waiters, strict=True):
            self._answer(waiter, outcomes[batch.bucket])

    def _enter(self, bucket: str, outcome: Outcome) -> None:
        if outcome.made is not None:
            self._logs[bucket] = outcome.made
            self._use(outcome.made.size_bytes)
        if isinstance(outcome, Failed):
            if self._refusing.get(bucket) != outcome.reason:
                _log.error(
                    "the buffer takes nothing; senders are told to come back", bucket=bucket, cause=outcome.error
                )
            self._refusing[bucket] = outcome.reason
            self._refused = (outcome.reason, self._clock.monotonic())
            return
        self._refused = None
        if self._refusing.pop(bucket, ""):
            _log.info("the buffer takes lines again", bucket=bucket)
        self._logs[bucket].appended(outcome.appended)
        self._use(outcome.appended.added_bytes)
        self._metrics.accepted_lines.labels(bucket).inc(outcome.appended.lines)
        for who in (bucket, None):
            if event := self._growth.pop(who, None):
                event.set()

    def _answer(self, waiter: asyncio.Future[None], outcome: Outcome) -> None:
        if isinstance(outcome, Failed):
            self._metrics.failures.labels(outcome.reason).inc()
        if waiter.done():
            return
        if isinstance(outcome, Written):
            waiter.set_result(None)
        else:
            waiter.set_exception(type(outcome.error)(str(outcome.error), retry_after_s=outcome.error.retry_after_s))

    async def _make_room(self) -> None:
        """Close segments that everybody has read to the end, so that they can go, when space gets scarce."""
        if self._used_bytes * 2 < self._config.quota_bytes:
            return
        done = [log for log in self._logs.values() if log.segments and log.delivered]
        if done:
            await self._on(self._commit_thread, partial(self._writer.seal, [log.bucket for log in done]))
            for log in done:
                await self._release(log, last_too=True)

    async def _move(self, log: BucketLog, destination: str, offset: int) -> None:
        marks = self._marks.get((destination, log.bucket), {})
        mark = marks.get(offset)
        if mark is None:
            mark = Mark(*await self._try(self._read_threads, partial(lines_before, self._files, log, offset)))
        elif offset < log.end and not mark.oldest_ns:
            found_ns = await self._try(self._read_threads, partial(accepted_at, self._files, log, offset))
            mark = Mark(mark.lines, found_ns)
        record = CursorRecord(destination, log.name, offset, log.cursors[destination].turn + 1)
        task = partial(write_cursor, self._files, cursor_path(log.folder, destination), record)
        await self._try(self._read_threads, task)
        for passed in [one for one in marks if one <= offset]:
            del marks[passed]
        log.moved(destination, offset, mark.lines, mark.oldest_ns)

    async def _release(self, log: BucketLog, *, last_too: bool = False) -> None:
        for segment in log.release(last_too=last_too):
            await self._delete(log, segment)

    async def _delete(self, log: BucketLog, segment: Segment) -> None:
        try:
            await self._on(self._read_threads, partial(self._files.remove, log.path(segment)))
        except OSError as error:
            _log.warning("a delivered segment could not be deleted", path=log.path(segment), error=error)
        self._use(-segment.size_bytes)

    def _use(self, added_bytes: int) -> None:
        self._used_bytes += added_bytes
        self._metrics.used_bytes.set(self._used_bytes)

    def _count_lost(self, log: BucketLog, segment: Segment, stretch: Stretch) -> None:
        if not (stretch.broken_bytes or stretch.missing_bytes):
            return
        self._metrics.skipped_bytes.labels("broken").inc(stretch.broken_bytes)
        self._metrics.skipped_bytes.labels("missing").inc(stretch.missing_bytes)
        _log.error("a piece of the buffer cannot be read; going on behind it", path=log.path(segment))

    async def _try(self, thread: ThreadPoolExecutor, task: Callable[[], T]) -> T:
        try:
            return await self._on(thread, task)
        except OSError as error:
            raise BufferFailed(f"the buffer's disk failed: {error.strerror or error}") from error

    @staticmethod
    async def _on(thread: ThreadPoolExecutor, task: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(thread, task)
