"""One bucket's parcels on their way to one destination, for as long as a place is held.

While one parcel is written, the next is read from the disk and the last is settled (the cursor moved), so the store
never waits for us. A parcel with refused lines is settled before the next is written: a store that keeps positions must
not be moved past lines that are no dead letters yet. Writes follow one another: two lines of one series reach the store
in the order in which they came, and cursors move in that order too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from collector.buffer.contract import Parcel
from foundation.batch import Position, Refused

T = TypeVar("T")


class Steps(Protocol):
    """What is done with a bucket's parcels."""

    async def read(self, after: Position | None) -> Parcel | None:
        """The next parcel, or the one behind `after`."""

    async def write(self, parcel: Parcel) -> Sequence[Refused]:
        """Store it; the lines that are refused for good."""

    async def settle(self, parcel: Parcel, refused: Sequence[Refused]) -> None:
        """Nothing more is to be done for the parcel but to write that down."""

    def has_more(self, parcel: Parcel) -> bool:
        """Whether reading should go on behind `parcel` at once."""


@dataclass(slots=True)
class Passage:
    """Runs the steps; `name` is that of its tasks."""

    steps: Steps
    name: str
    _ahead: asyncio.Task[Parcel | None] | None = None
    _behind: asyncio.Task[None] | None = None

    async def run(self) -> Parcel | None:
        """Bring parcels until there is no more, or no need to go on at once. The last one that was brought.

        What a step raises ends it: parcels behind the one that failed are read again. Returns without a pause when
        there was nothing to read.
        """
        last: Parcel | None = None
        try:
            parcel = await self.steps.read(None)
            while parcel is not None:
                last = parcel
                parcel = await self._bring(parcel)
            await self._settled()
        except Exception:
            self._leave(self._ahead)
            await self._settled()
            raise
        except BaseException:
            self._leave(self._ahead)
            self._leave(self._behind)
            raise
        return last

    async def _bring(self, parcel: Parcel) -> Parcel | None:
        """Write one, and have it settled beside whatever comes next. The next one, if reading was to go on."""
        steps = self.steps
        ahead = self._ahead = self._start(steps.read(parcel.behind), "read") if steps.has_more(parcel) else None
        refused = await steps.write(parcel)
        await self._settled()
        self._behind = self._start(steps.settle(parcel, refused), "settle")
        if refused:
            await self._settled()
        return None if ahead is None else await ahead

    async def _settled(self) -> None:
        if self._behind is not None:
            behind, self._behind = self._behind, None
            await behind

    def _start(self, step: Coroutine[Any, Any, T], what: str) -> asyncio.Task[T]:
        return asyncio.create_task(step, name=f"{self.name}.{what}")

    @staticmethod
    def _leave(task: asyncio.Task[Any] | None) -> None:
        """Cancel it; whatever it would have said is of no use to anybody."""
        if task is not None:
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            task.cancel()
