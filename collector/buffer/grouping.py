"""Which of the waiting batches share a sync, and which of those share a frame. Pure."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from collector.buffer.frames import short
from collector.ledger import RECEIVED, Account, Terms
from foundation.batch import Batch

_FRAME_BYTES = 1 << 20
"""Small batches are put together up to this; a larger one is a frame of its own."""


Entry = tuple[Batch, Account | None]
"""A batch that waits for the disk, and what the door counted of its body; None: the batch is all that came."""


@dataclass(frozen=True, slots=True)
class Group:
    """What shares a sync: batches, and notes for the ledger (bucket -> source -> terms)."""

    entries: Sequence[Entry]
    notes: Mapping[str, Mapping[str, Terms]]


@dataclass(slots=True)
class Bundle:
    """Bodies of one bucket and source that become one frame, and the sum of their accounts."""

    bucket: str
    source: str
    bodies: list[bytes] = field(default_factory=list)
    lines: int = 0
    size_bytes: int = 0
    _received: int = 0
    _terms: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, entry: Entry) -> None:
        """Take a batch in."""
        batch, account = entry
        self.bodies.append(batch.body)
        self.lines += batch.lines
        self.size_bytes += len(batch.body)
        if account is None:
            self._received += batch.lines
        elif account.rejected or account.taken_out:
            self._terms.update(account.terms())
        else:
            self._received += account.received

    def terms(self) -> Counter[tuple[str, str]]:
        """What the door counted of all bodies."""
        return self._terms + Counter({(RECEIVED, ""): self._received})


def take_group(waiting: deque[Entry], most_bytes: int) -> int:
    """How many of the first waiting batches go into the next sync: about `most_bytes` of lines, at least one."""
    total = 0
    for count, (batch, _) in enumerate(waiting):
        total += len(batch.body)
        if total > most_bytes:
            return max(count, 1)
    return len(waiting)


def bundle(entries: Iterable[Entry]) -> Iterator[Bundle]:
    """Batches of one bucket and source put together, in their order; buckets and sources may interleave."""
    open_bundles: dict[tuple[str, str], Bundle] = {}
    for entry in entries:
        batch, _ = entry
        key = (batch.bucket, batch.source)
        current = open_bundles.get(key)
        if current is not None and current.size_bytes + len(batch.body) > _FRAME_BYTES:
            yield open_bundles.pop(key)
            current = None
        if current is None:
            current = open_bundles[key] = Bundle(batch.bucket, short(batch.source))
        current.add(entry)
    yield from open_bundles.values()
