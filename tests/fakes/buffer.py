"""A buffer in memory: what intake needs of the contract, and failures on demand."""

from collections import deque

from collector.buffer.contract import Backlog, Parcel
from collector.ledger import BUFFERED, Account, Brought, Ledger
from foundation.batch import Batch, Position


class MemoryBuffer:
    """Keeps batches in the order in which they were acknowledged. `failures` are raised by the next appends."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.failures: deque[Exception] = deque()
        self.ledger = Ledger()

    def lines(self, bucket: str = "telemetry") -> list[str]:
        """Everything acknowledged for the bucket, one text a row."""
        return b"".join(one.body for one in self.batches if one.bucket == bucket).decode().splitlines()

    async def open(self) -> None:
        """Nothing to recover."""

    async def close(self) -> None:
        """Nothing to release."""

    async def append(self, batch: Batch, account: Account | None = None) -> None:
        if self.failures:
            raise self.failures.popleft()
        assert batch.body.endswith(b"\n")
        self.batches.append(batch)
        lines = (account or Account(batch.lines)).terms()
        self.ledger.enter(batch.bucket, batch.source, lines)
        self.ledger.count(batch.bucket, batch.source, BUFFERED, batch.lines, destination="memory")

    def note(self, bucket: str, source: str, account: Account) -> None:
        self.ledger.note(bucket, source, account)

    def buckets(self) -> tuple[str, ...]:
        return tuple(sorted({one.bucket for one in self.batches}))

    def log(self, bucket: str) -> str:
        return f"log of {bucket}"

    async def read(
        self, destination: str, bucket: str, *, most_bytes: int, after: Position | None = None
    ) -> Parcel | None:
        raise AssertionError(f"intake never reads: {destination}, {bucket}, {most_bytes}, {after}")

    async def commit(self, destination: str, position: Position, brought: Brought | None = None) -> None:
        raise AssertionError(f"intake never commits: {destination}, {position}, {brought}")

    async def seek(self, destination: str, position: Position) -> None:
        raise AssertionError(f"intake never seeks: {destination}, {position}")

    async def grown(self, bucket: str | None = None) -> None:
        raise AssertionError(f"intake never waits for growth: {bucket}")

    def backlog(self, destination: str, bucket: str | None = None) -> Backlog:
        assert destination == "memory"
        return Backlog(lines=sum(one.lines for one in self.batches if bucket in (None, one.bucket)))
