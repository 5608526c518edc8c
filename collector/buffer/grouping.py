"""Which of the waiting batches share a sync, and which of those share a frame. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from foundation.batch import Batch

_FRAME_BYTES = 1 << 20
"""Small batches are put together up to this; a larger one is a frame of its own."""


@dataclass(slots=True)
class Bundle:
    """Bodies of one bucket and source that become one frame."""

    bucket: str
    source: str
    bodies: list[bytes] = field(default_factory=list)
    lines: int = 0
    size_bytes: int = 0

    def add(self, batch: Batch) -> None:
        """Take a batch in."""
        self.bodies.append(batch.body)
        self.lines += batch.lines
        self.size_bytes += len(batch.body)


def take_group(waiting: deque[Batch], most_bytes: int) -> int:
    """How many of the first waiting batches go into the next sync: about `most_bytes` of lines, at least one."""
    total = 0
    for count, batch in enumerate(waiting):
        total += len(batch.body)
        if total > most_bytes:
            return max(count, 1)
    return len(waiting)


def bundle(batches: Iterable[Batch]) -> Iterator[Bundle]:
    """Batches of one bucket and source put together, in their order; buckets and sources may interleave."""
    open_bundles: dict[tuple[str, str], Bundle] = {}
    for batch in batches:
        key = (batch.bucket, batch.source)
        current = open_bundles.get(key)
        if current is not None and current.size_bytes + len(batch.body) > _FRAME_BYTES:
            yield open_bundles.pop(key)
            current = None
        if current is None:
            current = open_bundles[key] = Bundle(*key)
        current.add(batch)
    yield from open_bundles.values()
