"""The seam between the product and whatever keeps its lines.

A store takes shipments of line protocol and answers InfluxQL. `Reader` alone is what alert rules, boards and people
need; `Writer` is what delivery needs; the collector holds a `Store`. All raise the errors of `store.errors`.

Concurrency: after `open()` returned, any number of tasks may call `query()` at once. `write()` is called by one task
per bucket at a time and in the order of positions. `close()` is called last, once, with no call in flight.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, overload

from foundation.batch import FieldType, Position, Refused, Shipment

FieldTypes = Mapping[str, Mapping[str, FieldType]]
"""measurement -> field -> type"""

Value = float | int | str | bool | None


@dataclass(frozen=True, slots=True, eq=False)
class Rows(Sequence[Sequence[Value]]):
    """Rows of a series that are kept as columns, all of one length: a row is made only where one is looked at."""

    columns: Sequence[Sequence[Value]]

    def __len__(self) -> int:
        return len(self.columns[0])

    @overload
    def __getitem__(self, index: int) -> Sequence[Value]: ...

    @overload
    def __getitem__(self, index: slice) -> Rows: ...

    def __getitem__(self, index: int | slice) -> Sequence[Value] | Rows:
        if isinstance(index, slice):
            return Rows([column[index] for column in self.columns])
        return [column[index] for column in self.columns]

    def __iter__(self) -> Iterator[Sequence[Value]]:
        return map(list, zip(*self.columns, strict=True))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(map(list, other))

    def __hash__(self) -> int:
        return hash(len(self))


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer. `columns[0]` is `time` (ns since 1970, integer) in answers to SELECT.

    `tags` is empty unless the query groups by tags. `values` are rows in the order of `columns`.
    """

    name: str
    columns: tuple[str, ...]
    values: Sequence[Sequence[Value]]
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class OneRowSeries(Sequence[Series]):
    """Series of one measurement with one row each, as columns: what aggregates by tags come to.

    For who reads many: a Series is made only where one is looked at. `groups` are the values of the tags `dimensions`
    of each series; `values` has a column for each of `columns`, the times first.
    """

    name: str
    columns: tuple[str, ...]
    dimensions: tuple[str, ...]
    groups: Sequence[tuple[str, ...]]
    values: Sequence[Sequence[Value]]

    def __len__(self) -> int:
        return len(self.groups)

    @overload
    def __getitem__(self, index: int) -> Series: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Series]: ...

    def __getitem__(self, index: int | slice) -> Series | Sequence[Series]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        tags = dict(zip(self.dimensions, self.groups[index], strict=True))
        return Series(self.name, self.columns, [[column[index] for column in self.values]], tags)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash((self.name, self.columns, self.dimensions))


@dataclass(frozen=True, slots=True)
class StatementResult:
    """The answer to one statement of a query: its series, or the error that InfluxDB would put there.

    `zone` is the name given by `tz()`, which only changes how RFC 3339 times are printed.
    """

    statement_id: int
    series: Sequence[Series] = ()
    error: str | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a shipment: lines stored, and those the store refused for good, each with its reason."""

    stored: int
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy of everything that a store holds, in a file of its own: bucket -> measurement -> points in it."""

    path: Path
    lines: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class RollupStanding:
    """How far a rollup is. `bucket` is the source's, `target` bucket/measurement, `definition` the whole of it as text.

    Every window that ends by `complete_until_ns` is in the target, and `lag_s` is how long ago the first began that is
    not (0 where all are); `pending_windows` counts those. Since the start: windows `rolled` for the first time, rolled
    `again`, and left as they are because points of theirs were deleted for their age (`frozen`); `failures`, and the
    `problem` that it has now, empty while it has none. A point of the source's `measurement` feeds it that has one of
    the fields `reads`; any point does where that is empty.
    """

    name: str
    bucket: str
    target: str
    definition: str
    complete_until_ns: int
    lag_s: float
    pending_windows: int
    rolled: int
    again: int
    frozen: int
    failures: int
    problem: str
    measurement: str = ""
    reads: tuple[str, ...] = ()

    def takes(self, place: str, fields: Collection[str]) -> bool:
        """Whether points with these fields feed it that stand in `place`, a bucket/measurement."""
        return place == f"{self.bucket}/{self.measurement}" and (
            not self.reads or not set(self.reads).isdisjoint(fields)
        )


@dataclass(frozen=True, slots=True)
class StoreStanding:
    """How a store is that keeps its points itself; one that leaves that to a server has nothing to tell.

    `used_bytes` of the disk are taken of the `quota_bytes` that may be (0: as many as there are). `problems` are words
    for what somebody has to look at.
    """

    rollups: tuple[RollupStanding, ...] = ()
    used_bytes: int = 0
    quota_bytes: int = 0
    problems: tuple[str, ...] = ()


class Reader(Protocol):
    """Answers InfluxQL."""

    async def query(self, influxql: str, db: str, *, deadline_s: float = 30.0) -> tuple[StatementResult, ...]:
        """Answer every statement of `influxql` against database (bucket) `db`.

        Errors of one statement stand in its result, as with InfluxDB; what does not parse at all raises
        QuerySyntaxError. Times in answers are integers in nanoseconds.
        """

    async def buckets(self) -> tuple[str, ...]:
        """The names of the buckets that exist, sorted."""


class Writer(Protocol):
    """Keeps lines."""

    async def write(self, shipment: Shipment, position: Position) -> Verdict:
        """Store the lines; `position` is where the bucket's log stands behind them.

        A store that keeps positions commits `position` together with the rows (exactly once), unless it refuses lines:
        then its position stays, so that whoever dies before those are dead letters brings them again; a shipment
        without lines moves it alone. Otherwise the write is idempotent: the same lines twice leave one point each.
        """

    async def position(self, log: str, bucket: str) -> int | None:
        """The offset last committed for this log and bucket, or None where the store keeps no positions."""

    async def field_types(self, bucket: str) -> FieldTypes:
        """Types of all fields that the bucket holds, to seed the collector's own pins."""


class Store(Reader, Writer, Protocol):
    """A reader and writer with a life. `makes_buckets`: a bucket comes into being with its first write."""

    name: str
    makes_buckets: bool

    async def open(self) -> None:
        """Connect or open files. A remote server that is away is no error here; a locked or newer file is."""

    async def close(self) -> None:
        """Release everything."""

    async def find_bucket(self, text: str) -> str | None:
        """The name of the bucket that `text` names by its id or its name; None where there is none.

        Raises StoreUnavailable.
        """

    async def make_bucket(self, bucket: str) -> None:
        """Let the bucket be there from now on, empty if it was not, so that it can be asked before it is written to.

        Raises StoreUnavailable, and BucketMissing where buckets are not made by writing and this one is not there.
        """

    async def copy(self) -> Copied:
        """Copy everything as of one moment, verified, while writes and queries go on; who asks removes the file.

        Raises StoreUnavailable, and CopyRefused where the lines are not this process's to copy.
        """

    def query_at_once(self, influxql: str, db: str) -> tuple[StatementResult, ...] | None:
        """What `query` would answer to statements that only read, if that takes no longer than waking a thread.

        None where it would, and always in a store that has to wait for a server. Called on the event loop.
        """

    def standing(self) -> StoreStanding:
        """How its rollups, its age limits and its disk stand. Costs nothing; nothing is told while it is not open."""
