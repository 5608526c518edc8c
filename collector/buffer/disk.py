"""The buffer on the local disk: the books on the loop, group commit on one thread, reading and cursors on others.

Concurrency: see the contract. Books (`BucketLog`) are touched on the event loop only, writers on the commit thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from collector.buffer.accounting import Accounting
from collector.buffer.commit import RETRY_AFTER_S, Failed, GroupWriter, Outcome, Written
from collector.buffer.contract import Backlog, BufferFailed, Parcel, Setback
from collector.buffer.cursors import Cursors
from collector.buffer.files import DiskFiles, Files
from collector.buffer.group_commit import GroupCommit
from collector.buffer.grouping import Group
from collector.buffer.layout import prepare, read_log
from collector.buffer.lock import FolderLock
from collector.buffer.log import BucketLog, Segment
from collector.buffer.reading import Stretch, read_stretch
from collector.buffer.recovery import Recovered, recover
from collector.buffer.threads import Threads
from collector.ledger import Account, Brought, Ledger, Terms
from collector.metrics import BufferMetrics
from foundation.batch import Batch, Position, Shipment
from foundation.clock import Clock
from foundation.differences import FIXED
from foundation.errors import ConfigError
from foundation.lifecycle import OnIncident, Tasks
from foundation.logs import logger

_log = logger("collector.buffer")
_CLOSE_GRACE_S = 3.0
_REFUSAL_COUNTS_S = 30.0
"""After so long without a try nobody knows, so readiness says yes again and the next batch finds out."""
_NOTES_KEPT_S = 0.5
"""While a full disk or quota refuses notes for the ledger, they are kept beside the log this often."""
_FULL = 0.9
"""Above this part of the quota optional destinations have to make room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskConfig:
    """`quota_bytes` bounds all segments together; when it is reached, intake answers 503 until delivery made room.

    A segment is closed at `segment_bytes`; at most `group_bytes` of lines share a sync; at most `waiting_bytes` of
    lines wait for one.

    Behind a store that says itself how far it is (the embedded one), `keep_bytes` of each bucket's delivered lines are
    kept until there is need of the room: a store that lost its last rows gets them again.
    """

    kind: Literal["disk"] = field(default="disk", metadata=FIXED)
    quota_bytes: int = 4 << 30
    segment_bytes: int = field(default=64 << 20, metadata=FIXED)
    group_bytes: int = 8 << 20
    waiting_bytes: int = 64 << 20
    keep_bytes: int = 64 << 20

    def __post_init__(self) -> None:
        """Refuse sizes that cannot work."""
        if min(self.quota_bytes, self.segment_bytes, self.group_bytes, self.waiting_bytes) <= 0:
            raise ValueError("the buffer's sizes are numbers of bytes greater than zero")
        if self.keep_bytes < 0:
            raise ValueError("keep_bytes is a number of bytes, 0 to keep nothing")

    @property
    def kept_bytes(self) -> int:
        """What is kept, which is a small part of the quota."""
        return min(self.keep_bytes, self.quota_bytes // 8)


class DiskBuffer:
    """See `collector.buffer.contract.Buffer`. `folder` is this buffer's own; `destinations` are all who read it."""

    def __init__(  # noqa: PLR0913 - everything that the composition root has to connect it with
        self,
        config: DiskConfig,
        folder: Path,
        destinations: Sequence[str],
        *,
        clock: Clock,
        metrics: BufferMetrics,
        on_incident: OnIncident,
        files: Files | None = None,
        ledger: Ledger | None = None,
        optional: Collection[str] = (),
    ) -> None:
        self._config = config
        self._folder = folder
        self._destinations = tuple(destinations)
        self._clock = clock
        self._metrics = metrics
        self._files = files or DiskFiles()
        self._ledger = ledger or Ledger()
        self._accounting = Accounting(self._ledger, self._destinations)
        self._lock = FolderLock(folder)
        segment_bytes = max(1, min(config.segment_bytes, config.quota_bytes // 4))
        self._writer = GroupWriter(self._files, folder, segment_bytes, self._destinations)
        self._tasks = Tasks(on_incident)
        self._threads = Threads()
        self._queue = GroupCommit(self._commit_group, self._ledger, config, clock=clock, metrics=metrics)
        self._cursors = Cursors(
            self._files,
            self._threads,
            self._accounting,
            metrics,
            optional=optional,
            used=self._use,
            keep_bytes=config.kept_bytes,
        )
        self._optional = frozenset(optional)
        self._logs: dict[str, BucketLog] = {}
        self._used_bytes = 0
        self._growth: dict[str | None, asyncio.Event] = {}
        self._refusing: dict[str, str] = {}
        self._refused: tuple[str, float] | None = None
        self._notes_kept = 0.0
        self._open = False

    async def open(self) -> None:
        """Recover what is on disk. Raises ConfigError when another process holds the directory."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock.take()
        try:
            recovered = await self._threads.commit(self._recover)
        except OSError as error:
            self._lock.release()
            raise ConfigError(f"{self._folder}: the buffer cannot be read: {error}") from error
        except ConfigError:
            self._lock.release()
            raise
        for one in recovered:
            self._writer.adopt(one.log)
            await self._take_up(one)
        for log in self._logs.values():
            await self._cursors.release(log, heard=False)
        self._metrics.quota_bytes.set(self._config.quota_bytes)
        self._open = True
        self._queue.start(self._tasks)

    def adopt(self, config: DiskConfig) -> None:
        """Take in by `config` from the next batch on; above a smaller quota nothing until delivery made room."""
        self._config = self._queue.bounds = config
        self._cursors.keep_bytes = config.kept_bytes
        self._metrics.quota_bytes.set(config.quota_bytes)

    async def close(self) -> None:
        """Finish the running group commit and release the directory."""
        if self._open:
            self._open = False
            try:
                async with asyncio.timeout(_CLOSE_GRACE_S):
                    await self._queue.finish()
                    await self._threads.commit(self._writer.close)
            except TimeoutError:
                _log.error("the disk did not finish in time; what waited was not acknowledged")
            await self._tasks.stop()
        self._threads.shut_down()
        self._lock.release()

    async def append(self, batch: Batch, account: Account | None = None) -> None:
        """Return when the batch is durable. Raises BufferFull or BufferFailed, and then nothing was taken."""
        if not self._open:
            self._metrics.failures.labels("closing").inc()
            raise BufferFailed("the collector is stopping", retry_after_s=RETRY_AFTER_S)
        await self._queue.enter(batch, account)

    def note(self, bucket: str, source: str, account: Account) -> None:
        """Enter an account of which no batch is left into the ledger; durable with the next group commit."""
        self._ledger.note(bucket, source, account)
        if self._open:
            self._queue.expect_notes()

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
        ahead = after.offset if after is not None and after.log == log.name else 0
        before = max(log.cursors[destination].offset, ahead)
        while (segment := log.segment_at(before)) is not None:
            start = max(before - segment.base, 0)
            task = partial(read_stretch, self._files, log.path(segment), start, segment.size_bytes, most_bytes)
            stretch = await self._threads.read(task)
            behind = Position(log.name, bucket, segment.base + stretch.end)
            self._count_lost(log, segment, stretch)
            self._cursors.ahead(log, destination).enter(before, behind.offset, stretch.stock)
            if stretch.members:
                shipment = Shipment(bucket, stretch.members, stretch.lines)
                return Parcel(shipment, Position(log.name, bucket, before), behind, tuple(stretch.origins))
            if before == log.cursors[destination].offset:
                await self.commit(destination, behind)
            before = max(behind.offset, log.cursors[destination].offset)
        return None

    async def commit(self, destination: str, position: Position, brought: Brought | None = None) -> None:
        """The destination has everything before `position`, durably. Raises BufferFailed."""
        log = self._logs.get(position.bucket)
        if log is not None and log.name == position.log:
            await self._cursors.commit(log, destination, position.offset, brought)

    async def seek(self, destination: str, position: Position) -> Setback | None:
        """Set the cursor to what the destination itself says it has; see the contract."""
        log = self._logs.get(position.bucket)
        if log is None or log.name != position.log:
            return None
        if position.offset > log.end:
            _log.warning("the store is ahead of the buffer; going on behind it", bucket=log.bucket)
            await self._threads.commit(partial(self._writer.seal, [log.bucket], position.offset))
            log.extended(position.offset)
        return await self._cursors.seek(log, destination, position.offset)

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

    async def _take_up(self, recovered: Recovered) -> None:
        log = recovered.log
        self._use(log.size_bytes)
        await self._cursors.take_up(recovered)
        self._logs[log.bucket] = log
        self._metrics.skipped_bytes.labels("torn").inc(recovered.torn_bytes)
        if recovered.missing_bytes:
            self._metrics.skipped_bytes.labels("missing").inc(recovered.missing_bytes)
            _log.error("a piece of the buffer is gone", bucket=log.bucket, missing_bytes=recovered.missing_bytes)

    async def _commit_group(self, group: Group) -> Mapping[str, Outcome]:
        if self._used_bytes * 2 >= self._config.quota_bytes:
            try:
                await self._make_room(sum(len(batch.body) for batch, _ in group.entries))
            except BufferFailed as error:
                _log.warning("no room could be made", cause=error)
        room = self._config.quota_bytes - self._used_bytes
        task = partial(self._writer.write, group, self._clock.now_ns(), room)
        outcomes = await self._threads.commit(task)
        for bucket, outcome in outcomes.items():
            if outcome.made is not None:
                await self._take_up(outcome.made)
            if isinstance(outcome, Failed):
                self._refuse(bucket, outcome)
            else:
                self._enter(bucket, outcome)
        await self._keep_notes({bucket: notes for bucket, notes in group.notes.items() if bucket in self._logs})
        return outcomes

    def _refuse(self, bucket: str, outcome: Failed) -> None:
        if self._refusing.get(bucket) != outcome.reason:
            _log.error("the buffer takes nothing; senders are told to come back", bucket=bucket, cause=outcome.error)
        self._refusing[bucket] = outcome.reason
        self._refused = (outcome.reason, self._clock.monotonic())

    def _enter(self, bucket: str, outcome: Written) -> None:
        self._refused = None
        if self._refusing.pop(bucket, ""):
            _log.info("the buffer takes lines again", bucket=bucket)
        self._logs[bucket].appended(outcome.appended)
        self._accounting.entered(bucket, outcome.counted)
        self._ledger.settle_notes(bucket, durable=True)
        self._use(outcome.appended.added_bytes)
        if outcome.appended.lines:
            self._metrics.accepted_lines.labels(bucket).inc(outcome.appended.lines)
            for who in (bucket, None):
                if event := self._growth.pop(who, None):
                    event.set()

    async def _keep_notes(self, refused: Mapping[str, Mapping[str, Terms]]) -> None:
        """Notes that the log could not take are kept beside it; where that fails too, they are tried again."""
        if not refused or self._clock.monotonic() - self._notes_kept < _NOTES_KEPT_S:
            return
        self._notes_kept = self._clock.monotonic()
        for bucket, notes in refused.items():
            try:
                await self._cursors.keep_notes(self._logs[bucket], notes)
            except BufferFailed as error:
                _log.warning("the ledger cannot be written; it is tried again", bucket=bucket, cause=error)
            else:
                self._ledger.settle_notes(bucket, durable=True)

    async def _make_room(self, wanted_bytes: int) -> None:
        """When space gets scarce: what everybody has read goes, then what only optional destinations have not."""
        quota_bytes, logs = self._config.quota_bytes, tuple(self._logs.values())
        for log in logs:
            await self._cursors.make_room(log)
        done = [log for log in logs if log.segments and log.delivered]
        if done:
            await self._threads.commit(partial(self._writer.seal, [log.bucket for log in done]))
            for log in done:
                await self._cursors.make_room(log, last_too=True)
        scarce = self._used_bytes + wanted_bytes - int(quota_bytes * _FULL)
        if scarce > 0 and self._optional:
            scarce = await self._cursors.skip(logs, scarce)
            idle = [log for log in logs if self._cursors.waits_for_optional_only(log)] if scarce > 0 else []
            if idle:
                await self._threads.commit(partial(self._writer.seal, [log.bucket for log in idle]))
                _ = await self._cursors.skip(idle, scarce, last_too=True)

    def _use(self, added_bytes: int) -> None:
        self._used_bytes += added_bytes
        self._metrics.used_bytes.set(self._used_bytes)

    def _count_lost(self, log: BucketLog, segment: Segment, stretch: Stretch) -> None:
        if not (stretch.broken_bytes or stretch.missing_bytes):
            return
        self._metrics.skipped_bytes.labels("broken").inc(stretch.broken_bytes)
        self._metrics.skipped_bytes.labels("missing").inc(stretch.missing_bytes)
        _log.error("a piece of the buffer cannot be read; going on behind it", path=log.path(segment))
