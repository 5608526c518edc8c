"""A store in memory, held to the same contract as the real ones where delivery looks: writes, positions, refusals."""

from collections import deque
from collections.abc import Callable, Mapping

from foundation.batch import FieldType, Position, Refused, Shipment
from foundation.line_protocol.split import split_lines
from store.contract import Copied, FieldTypes, StatementResult, StoreStanding, Verdict
from store.errors import BodyRefused, BucketMissing, CopyRefused


class MemoryStore:
    """Keeps lines by bucket in the order written.

    `failures` are raised by the next writes, one each. `refuses` gives a reason for a line to be refused by itself;
    `poison` makes a body that holds such a line refused whole. `keeps_positions`: as the embedded store does.
    """

    def __init__(self, name: str = "memory", *, keeps_positions: bool = False) -> None:
        self.name = name
        self.makes_buckets = True
        self.lines: dict[str, list[bytes]] = {}
        self.writes: list[tuple[int, int]] = []
        self.failures: deque[Exception] = deque()
        self.missing: set[str] = set()
        self.refuses: Callable[[bytes], str | None] = lambda _line: None
        self.poison: Callable[[bytes], bool] = lambda _line: False
        self.most_lines: int | None = None
        self.types: dict[str, dict[str, dict[str, FieldType]]] = {}
        self.positions: dict[tuple[str, str], int] = {}
        self.queries: list[tuple[str, str, float]] = []
        self.opened = self.closed = 0
        self._keeps_positions = keeps_positions

    async def open(self) -> None:
        self.opened += 1

    async def close(self) -> None:
        self.closed += 1

    async def write(self, shipment: Shipment, position: Position) -> Verdict:
        if self.failures:
            raise self.failures.popleft()
        if shipment.bucket in self.missing:
            raise BucketMissing(f"bucket {shipment.bucket} not found")
        lines = [line for _, line in split_lines(shipment.unpack())]
        assert len(lines) == shipment.lines
        if self.most_lines is not None and len(lines) > self.most_lines:
            raise BodyRefused("the body is too large", too_large=True)
        if any(map(self.poison, lines)):
            raise BodyRefused("unable to parse")
        refused = tuple(Refused(line, reason) for line in lines if (reason := self.refuses(line)))
        bad = {one.line for one in refused}
        self.lines.setdefault(shipment.bucket, []).extend(line for line in lines if line not in bad)
        self.writes.append((len(lines), position.offset))
        if self._keeps_positions and not refused:
            self.positions[position.log, position.bucket] = position.offset
        return Verdict(len(lines) - len(refused), refused)

    async def find_bucket(self, text: str) -> str | None:
        return text if text in self.lines else None

    async def make_bucket(self, bucket: str) -> None:
        if bucket in self.missing:
            raise BucketMissing(f"bucket {bucket} not found")
        self.lines.setdefault(bucket, [])

    async def copy(self) -> Copied:
        raise CopyRefused("lines in memory have no file")

    def standing(self) -> StoreStanding:
        return StoreStanding()

    async def position(self, log: str, bucket: str) -> int | None:
        return self.positions.get((log, bucket), 0 if self._keeps_positions else None)

    async def field_types(self, bucket: str) -> FieldTypes:
        types: Mapping[str, Mapping[str, FieldType]] = self.types.get(bucket, {})
        return types

    def query_at_once(self, _influxql: str, _db: str) -> tuple[StatementResult, ...] | None:
        return None

    async def query(self, influxql: str, db: str, *, deadline_s: float = 30.0) -> tuple[StatementResult, ...]:
        self.queries.append((influxql, db, deadline_s))
        return (StatementResult(0),)

    async def buckets(self) -> tuple[str, ...]:
        return tuple(sorted(self.lines))
