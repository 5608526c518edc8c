"""Opens the file, owns the threads, and keeps the store contract: writes in one thread, queries in a few others."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeVar

import duckdb

from foundation.allocation import FreeMemory
from foundation.errors import ConfigError
from foundation.lifecycle import OnIncident, Tasks
from foundation.logs import logger
from influxql.ast import Change, Statement
from influxql.errors import QueryError
from influxql.standing import Standing, StandingTexts
from store.contract import Copied, FieldTypes, StatementResult, StoreStanding, Verdict
from store.embedded.ahead import Ahead
from store.embedded.answerers import Answerers
from store.embedded.copying import make_copy
from store.embedded.damage import Damage, reason_of
from store.embedded.deadline import Withdrawal
from store.embedded.file import OpenFile, open_file
from store.embedded.query import parse_query
from store.embedded.quota import WhenFull
from store.embedded.recent.memory import Outcome, Recent, count_no_question
from store.embedded.reserve import Buffers
from store.embedded.retention import Retention
from store.embedded.rollups.definition import RollupConfig, read_rollups
from store.embedded.sizes import read_size
from store.embedded.upkeep import Counts, Course, Upkeep
from store.errors import BodyRefused, BucketMissing, QueryLimitExceeded, StoreUnavailable

if TYPE_CHECKING:
    from foundation.batch import Position, Shipment
    from foundation.clock import Clock

T = TypeVar("T")

_log = logger("store.embedded")
_RETRY_S: Final = 5.0
_MOST_SPILLED: Final = "2GB"
"""What a query does not hold in memory goes to disk, but the disk is the lines' own."""
_RESERVE_BYTES: Final = 32_000_000
"""For percentiles by group over some ten million values; with more of it, those over five are asked twice or spill."""
_STANDING_BYTES: Final = 160_000_000
"""What writing at full rate wants: with less, DuckDB has given a file up in the midst of it."""
_NOT_OPEN: Final = "the embedded store is not open"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedConfig:
    """The store in this process. `path` is the DuckDB file (default: telemetry.duckdb in the state folder).

    `create_buckets`: a bucket comes into being with its first write. When DuckDB's log has grown to `checkpoint_at` it
    is worked into the file: more is faster, less is quicker to open after a crash. `threads` are DuckDB's own,
    as far as this process has so many cores; `queries` is how many are answered at once.

    `memory_limit` bounds what the store keeps in memory. Of it `recent_limit`, at most half, is for the newest rows of
    the tables that rules and boards ask again and again; empty, none are kept. The rest is for DuckDB's buffers; of
    it a reserve of 32MB, as far as 160MB are left, is for each commit, and for one statement at a time that lacks
    memory without. What does not fit goes to disk, but for what percentiles and the like gather: one over more than
    some ten million values in a question wants a higher limit. The program itself, lines and answers on their way take
    some 250 MB more.

    `retention` is how long each bucket keeps its points, as in `{telemetry: 90d, default: 0}`; `default` is for those
    not named, 0 is for ever. Older points are deleted every `expire_every`, and older lines are refused.

    `rollups` are rolled every `roll_every`: windows that are over, and again those that late lines touched.

    `quota` bounds what the file holds, as in 20GB; empty is no bound. `when_full` it is `refuse`, lines wait in the
    buffer until there is room; with `drop-oldest` the oldest day of the buckets without a retention is deleted.

    Every `compact_every` points that came late, or a few at a time, are put where they belong, in tables where that has
    become worth it; 0: never.
    """

    kind: Literal["embedded"] = "embedded"
    path: Path | None = None
    create_buckets: bool = True
    memory_limit: str = "320MB"
    checkpoint_at: str = "64MB"
    threads: int = 2
    queries: int = 4
    recent_limit: str = "96MB"
    retention: Mapping[str, timedelta] = field(default_factory=dict)
    expire_every: timedelta = timedelta(minutes=1)
    rollups: tuple[RollupConfig, ...] = ()
    roll_every: timedelta = timedelta(seconds=10)
    quota: str = ""
    when_full: WhenFull = "refuse"
    compact_every: timedelta = timedelta(minutes=1)

    def __post_init__(self) -> None:
        if self.threads < 1 or self.queries < 1:
            raise ValueError("threads and queries must be at least 1")
        if not self.expire_every:
            raise ValueError("expire_every must be longer than nothing, as in 1m")
        if not self.roll_every:
            raise ValueError("roll_every must be longer than nothing, as in 10s")
        for name in ("memory_limit", "checkpoint_at", *(["recent_limit"] if self.recent_limit else [])):
            _ = read_size(name, getattr(self, name))
        _ = self.course

    @property
    def recent_bytes(self) -> int:
        """The part of the memory that rows kept in it may take."""
        wished = read_size("recent_limit", self.recent_limit) if self.recent_limit else 0
        return min(wished, read_size("memory_limit", self.memory_limit) // 2)

    @property
    def buffers(self) -> Buffers:
        """The part that is left for DuckDB."""
        most = read_size("memory_limit", self.memory_limit) - self.recent_bytes
        return Buffers(min(most, max(most - _RESERVE_BYTES, _STANDING_BYTES)), most)

    @property
    def course(self) -> Course:
        """What the store does with its points by itself. Raises ValueError."""
        return Course(
            Retention(self.retention),
            self.expire_every,
            read_rollups(self.rollups),
            self.roll_every,
            read_size("quota", self.quota) if self.quota else 0,
            self.when_full == "drop-oldest",
            self.compact_every,
        )


def log_incident(name: str, error: BaseException | None) -> None:
    """Where nobody else is told that a task of the store ended."""
    _log.error("a task of the store ended", error=error, task=name)


def _count_cores() -> int:
    """Those that this process may use; where the system does not tell, all of the machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class EmbeddedStore:
    """The store contract on one DuckDB file. `counts` are told of points that it deletes by itself."""

    name = "embedded"

    def __init__(
        self,
        config: EmbeddedConfig,
        *,
        state: Path,
        clock: Clock,
        on_incident: OnIncident = log_incident,
        counts: Counts | None = None,
        on_question: Callable[[Outcome], None] = count_no_question,
    ) -> None:
        self.makes_buckets = config.create_buckets
        self._config = config
        self._path = config.path or state / "telemetry.duckdb"
        self._damage = Damage(self._path)
        self._clock = clock
        self._writing = ThreadPoolExecutor(1, "store-write")
        self._reading = Answerers(config.queries, "store-query")
        self._ahead = Ahead(self._reading)
        self._copying = ThreadPoolExecutor(1, "store-copy")
        self._on_question = on_question
        self._texts = StandingTexts()
        self._heaps = FreeMemory(clock)
        self._file: OpenFile | None = None
        self._wanted = False
        self._upkeep = Upkeep(
            config.course,
            self._path,
            change=self._change,
            opened=self._opened,
            clock=clock,
            counts=counts or Counts(),
        )
        self._tasks = Tasks(on_incident)

    async def open(self) -> None:
        """Open or make the file. Raises ConfigError when another process holds it, or when it is not ours or newer."""
        self._file = await self._in_writer(self._open_file)
        self._wanted = True
        if self._file.catalog.buckets():
            self._ahead.read(self._file.reader.look_ahead)
        self._upkeep.start(self._tasks)

    async def close(self) -> None:
        """Let a running write end, stop running queries, then close the file."""
        self._wanted = False
        await self._tasks.stop()
        await asyncio.to_thread(self._writing.shutdown)
        file, self._file = self._file, None
        self._ahead.stop()
        if file is not None:
            file.cursors.interrupt()
        await self._reading.close()
        await asyncio.to_thread(self._copying.shutdown, cancel_futures=True)
        await asyncio.to_thread(self._upkeep.close)
        if file is not None:
            file.close()

    async def write(self, shipment: Shipment, position: Position) -> Verdict:
        """Store the shipment and its position in one transaction that is on disk when this returns.

        Where lines are refused the position stays.

        Raises BucketMissing where buckets are not created by writing, StoreUnavailable when the disk does not take it,
        and BodyRefused when DuckDB does not take a value, so that the others can be stored without it.
        """
        try:
            return await self._change(lambda file: self._write(file, shipment, position))
        except duckdb.DataError as error:
            raise BodyRefused(f"the embedded store does not take a value: {error}") from error

    async def make_bucket(self, bucket: str) -> None:
        """See the contract; on disk when this returns."""
        if bucket not in await self.buckets():
            self._demand(self._opened(), bucket)
            await self._change(lambda file: file.writer.make_bucket(bucket))

    async def expire(self) -> int:
        """Delete now what is past its retention; how many lines that were. Raises StoreUnavailable."""
        return await self._upkeep.expiry.sweep()

    async def roll(self) -> int:
        """Roll now all windows that are over and marked; how many slices that took."""
        return await self._upkeep.rolling.turn()

    async def relieve(self) -> int:
        """Drop now the oldest days, while the quota is nearly used up; how many points that were."""
        return await self._upkeep.relief.relieve()

    async def compact(self) -> int:
        """Put now in order of time what is worth it; how many points were moved. Raises StoreUnavailable."""
        return await self._upkeep.compaction.turn()

    def standing(self) -> StoreStanding:
        """See the contract."""
        found = self._upkeep.standing()
        return replace(found, problems=(*found.problems, self._damage.problem)) if self._damage.problem else found

    async def copy(self) -> Copied:
        """See the contract; the file stands in `copies` beside the store's own. One is made at a time."""
        file, now_ns = self._opened(), self._clock.now_ns()
        with closing(file.cursors.make()) as cursor:
            work = asyncio.get_running_loop().run_in_executor(self._copying, make_copy, cursor, self._path, now_ns)
            try:
                return await asyncio.shield(work)
            except asyncio.CancelledError:
                cursor.interrupt()
                await asyncio.gather(work, return_exceptions=True)
                raise
            except StoreUnavailable as error:
                self._damage.note(error)
                raise

    @property
    def recent_bytes(self) -> int:
        """What the rows take that are kept in memory."""
        return 0 if self._file is None else self._file.recent.size_bytes

    async def position(self, log: str, bucket: str) -> int | None:
        """The offset committed with the last rows of this log and bucket, 0 when there are none."""
        return self._opened().writer.position(log, bucket)

    async def field_types(self, bucket: str) -> FieldTypes:
        """Types of all fields of the bucket; empty when there is no such bucket."""
        tables = self._opened().catalog.tables(bucket) or {}
        return {
            name: {key: column.type for key, column in table.fields.items() if column.type is not None}
            for name, table in tables.items()
        }

    async def buckets(self) -> tuple[str, ...]:
        """Names of the buckets, sorted."""
        return self._opened().catalog.buckets()

    async def find_bucket(self, text: str) -> str | None:
        """The bucket of that name: there are no ids here."""
        return text if text in await self.buckets() else None

    def query_at_once(self, influxql: str, db: str) -> tuple[StatementResult, ...] | None:
        """See the contract. Only what came before is known well enough."""
        standing = self._texts.find(influxql)
        if standing is None or self._file is None:
            return None
        return self._file.reader.answer_at_once(standing, db, self._clock.now_ns())

    async def query(self, influxql: str, db: str, *, deadline_s: float = 30.0) -> tuple[StatementResult, ...]:
        """Answer `influxql`; see the contract. Raises QuerySyntaxError, QueryLimitExceeded after the deadline, and
        StoreUnavailable when the file cannot be read.
        """
        now_ns = self._clock.now_ns()
        standing = self._texts.find(influxql)
        statements = () if standing else parse_query(influxql, self._texts.parse)
        standing = standing or self._texts.find(influxql)  # known by now, if it has no bounds
        if standing is not None:
            found = self._opened().reader.answer_at_once(standing, db, now_ns)
            if found is not None:
                return found
            statements = statements or standing.statements()
        if not any(isinstance(statement, Change) for statement in statements):
            return await self._answer(statements, db, now_ns, deadline_s, standing)
        results: list[StatementResult] = []
        for index, statement in enumerate(statements):
            # A statement that changes data runs in the writer's thread; those behind it see what it did.
            if isinstance(statement, Change):
                result = await self._delete(statement, db, now_ns)
            else:
                (result,) = await self._answer((statement,), db, now_ns, deadline_s)
            failed = result.error is not None
            behind = index + 1 < len(statements)
            error = "not executed" if failed and behind else result.error
            results.append(replace(result, statement_id=index, error=error))
            if failed:
                break
        return tuple(results)

    async def _delete(self, statement: Change, db: str, now_ns: int) -> StatementResult:
        try:
            await self._change(lambda file: file.writer.delete(db, statement, now_ns))
        except QueryError as error:
            return StatementResult(0, error=str(error))
        return StatementResult(0)

    async def _answer(
        self,
        statements: Sequence[Statement],
        db: str,
        now_ns: int,
        deadline_s: float,
        standing: Standing | None = None,
    ) -> tuple[StatementResult, ...]:
        reader, withdrawal, asked = self._opened().reader, Withdrawal(), self._clock.monotonic()

        def answer() -> tuple[StatementResult, ...]:
            left_s = deadline_s - (self._clock.monotonic() - asked)
            if left_s <= 0:
                raise QueryLimitExceeded(f"the query waited {deadline_s:g} s for others that were asked before it")
            return reader.answer(statements, db, now_ns, left_s, withdrawal, standing)

        try:
            return await self._reading.ask(answer)
        except asyncio.CancelledError:
            withdrawal.withdraw()
            raise
        except duckdb.Error as error:
            self._damage.note(error)
            reason = reason_of(self._path, error)
            raise StoreUnavailable(f"the embedded store cannot read: {reason}", retry_after_s=_RETRY_S) from error
        finally:
            if reader.is_wanting:
                self._ahead.read(reader.read_ahead)

    def _opened(self) -> OpenFile:
        if self._file is None:
            raise StoreUnavailable(_NOT_OPEN)
        return self._file

    async def _change(self, work: Callable[[OpenFile], T]) -> T:
        """`work` in the writer's thread. Raises StoreUnavailable, and DataError where a value is at fault."""
        if not self._wanted:
            raise StoreUnavailable(_NOT_OPEN)
        try:
            return await self._in_writer(lambda: self._with_file(work))
        except duckdb.DataError:
            raise
        except (duckdb.Error, ConfigError) as error:
            self._damage.note(error)
            reason = reason_of(self._path, error)
            raise StoreUnavailable(f"the embedded store cannot write: {reason}", retry_after_s=_RETRY_S) from error

    def _write(self, file: OpenFile, shipment: Shipment, position: Position) -> Verdict:
        self._demand(file, shipment.bucket)
        try:
            return file.writer.write(shipment, position, self._upkeep.admit(file, shipment.bucket))
        finally:
            file.reserve.settle()
            self._heaps.give_back()

    def _demand(self, file: OpenFile, bucket: str) -> None:
        if not self.makes_buckets and file.catalog.tables(bucket) is None:
            raise BucketMissing(f'bucket "{bucket}" not found')

    def _with_file(self, work: Callable[[OpenFile], T]) -> T:
        """In the writer's thread. DuckDB gives a database up when it cannot checkpoint, and wants it opened anew."""
        if self._file is None:
            self._file = self._open_file()
        try:
            return work(self._file)
        except duckdb.FatalException:
            file, self._file = self._file, None
            file.close()
            self._file = self._open_file()
            raise

    def _open_file(self) -> OpenFile:
        settings: dict[str, str | int | bool] = {
            # On a core that two share, handing work over costs a small question a fifth of its time.
            "threads": min(self._config.threads, _count_cores()),
            "wal_autocheckpoint": self._config.checkpoint_at,
            "autoinstall_known_extensions": False,
            "max_temp_directory_size": _MOST_SPILLED,
        }
        recent = Recent(self._config.recent_bytes, self._on_question)
        rollups, buffers = self._upkeep.rolling.rollups, self._config.buffers
        file = open_file(self._path, settings, self._clock, rollups, recent=recent, buffers=buffers)
        self._upkeep.take_up(file)
        return file

    async def _in_writer(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writing, work)
