"""What the writer does to a table while rows of it are being moved. It notes every transaction before its commit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from store.embedded.recent.changes import EVER

if TYPE_CHECKING:
    from store.embedded.recent.changes import Changes

_MOST_TIMES: Final = 1_000_000


@dataclass(slots=True)
class Touched:
    """The rows of `relation` that may be others than they were: those of these times, and those before a moment.

    `beyond_count`: they are too many to tell, or all.
    """

    relation: str
    before_ns: int = EVER
    beyond_count: bool = False
    _times: list[Any] = field(default_factory=list)
    _count: int = 0

    def note(self, changes: Changes) -> None:
        """A transaction is about to be committed."""
        if self.beyond_count:
            return
        done = changes.of(self.relation)
        self.before_ns = max(self.before_ns, done.before_ns)
        self._times += done.times
        self._count += sum(map(len, done.times))
        if done.is_open or self._count > _MOST_TIMES:
            self.release()

    def release(self) -> None:
        """Nobody asks any more; nothing more is kept."""
        self.beyond_count = True
        self._times.clear()

    def within(self, first_ns: int, last_ns: int) -> pa.Table:
        """The times of [first, last], each once, as a table with the column `time`."""
        chunks = [chunk for times in self._times for chunk in getattr(times, "chunks", [times])]
        times = pc.unique(pa.chunked_array(chunks, pa.int64()))
        inside = pc.and_(pc.greater_equal(times, first_ns), pc.less_equal(times, last_ns))
        return pa.table({"time": pc.filter(times, inside)})
