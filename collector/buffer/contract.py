"""What intake and delivery know of a buffer.

Concurrency: all methods are called from one event loop. Any number of tasks may `append` at once (they share a group
commit); for each (destination, bucket) one task reads and commits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from collector.ledger import Account, Brought
from foundation.batch import Batch, Position, Shipment
from foundation.errors import Transient


class BufferFull(Transient):
    """The quota or the disk is full: answer 503 with Retry-After. Nothing was taken."""


class BufferFailed(Transient):
    """Writing or syncing failed: the batch must not be acknowledged. Answer 503 with Retry-After."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What a destination has not got yet: lines, bytes on disk, and when the oldest was accepted (ns, 0 if none)."""

    lines: int = 0
    size_bytes: int = 0
    oldest_ns: int = 0


@dataclass(frozen=True, slots=True)
class Setback:
    """A destination stands before what it had confirmed: its file was damaged, or an older one was put in its place.

    `lines` are to be delivered again. `gone_bytes` of the log held lines and are deleted: `gone_until_ns` is when the
    first line behind them was accepted, 0 where there is none.
    """

    lines: int
    gone_bytes: int = 0
    gone_until_ns: int = 0


@dataclass(frozen=True, slots=True)
class Origin:
    """Where `lines` of a shipment, `size_bytes` when unpacked, came from: `source`, accepted at `accepted_ns`."""

    source: str
    accepted_ns: int
    size_bytes: int
    lines: int = 0


@dataclass(frozen=True, slots=True)
class Parcel:
    """A shipment, where the log stood before it and stands behind it, and the origins of its lines in their order."""

    shipment: Shipment
    before: Position
    behind: Position
    origins: tuple[Origin, ...] = ()


class Buffer(Protocol):
    """An append-only log per bucket with one cursor per destination and bucket.

    Made with the names of all destinations, and which of them are optional: where space gets scarce and nobody else
    holds the oldest lines back, the buffer moves the cursor of an optional destination past them by itself, and counts
    them as skipped. What such a destination had read by then may be committed all the same.
    """

    async def open(self) -> None:
        """Recover what is on disk. Raises ConfigError when another process holds the directory."""

    async def close(self) -> None:
        """Finish the running group commit and release the directory."""

    async def append(self, batch: Batch, account: Account | None = None) -> None:
        """Return when the batch is durable. Raises BufferFull or BufferFailed, and then nothing was taken.

        `account` is what the door counted of the body that the batch is left of; it enters the ledger with the batch
        or not at all. Without one the batch is all that came.
        """

    def note(self, bucket: str, source: str, account: Account) -> None:
        """Enter an account of which no batch is left into the ledger; durable with the next group commit."""

    def buckets(self) -> tuple[str, ...]:
        """Buckets that have a log, sorted."""

    def log(self, bucket: str) -> str:
        """The name of the bucket's log: random, made with the log, so a position can never be used with another."""

    async def read(
        self, destination: str, bucket: str, *, most_bytes: int, after: Position | None = None
    ) -> Parcel | None:
        """The next lines for the destination, whole frames, about `most_bytes` of members; None when it has all.

        With `after`, where a parcel ended that is not committed yet, the lines behind that: reading runs ahead of
        delivery. Frames that are broken are skipped and counted. Raises BufferFailed when the disk cannot be read for
        now.
        """

    async def commit(self, destination: str, position: Position, brought: Brought | None = None) -> None:
        """The destination has everything before `position`, durably. What every destination has may be deleted.

        `brought` is what became of the lines passed, for the ledger, which moves with the cursor; without it they were
        all delivered.
        A cursor that stands behind `position` already stays there. Raises BufferFailed when that could not be written
        down; the cursor then stands where it stood.
        """

    async def seek(self, destination: str, position: Position) -> Setback | None:
        """Set the cursor to what the destination itself says it has (at start). Never moves it backwards past a
        deleted frame; raises nothing for an unknown log. A position behind the end moves the end there, so that no
        later line is taken for one the destination has already.

        What it had confirmed and lacks now is returned. For a destination that says where it is, delivered segments are
        kept for a while, so that there is something to go back to.
        """

    async def grown(self, bucket: str | None = None) -> None:
        """Return when something was appended (to `bucket`, or anywhere) that was not there at the call."""

    def backlog(self, destination: str, bucket: str | None = None) -> Backlog:
        """What the destination lacks, in one bucket or in all."""
