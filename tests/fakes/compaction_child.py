"""Puts a disordered file in order, and is killed at one moment: python -m tests.fakes.compaction_child FILE MOMENT.

MOMENT counts what the writer's thread is asked for: an even one kills in front of the work with that number, an odd one
behind it. The works of each move are to watch, to finish, and to checkpoint.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from foundation.clock import SystemClock
from store.embedded.compaction.compaction import Compaction
from store.embedded.compaction.room import Room
from store.embedded.file import OpenFile
from store.embedded.quota import Quota
from tests.fakes.disordered import open_plainly

T = TypeVar("T")


async def put_in_order(path: Path, moment: int) -> None:
    """One turn, which does not live to its end."""
    file, clock = open_plainly(path), SystemClock()
    moments = iter(range(1_000))

    def reach(now: int) -> None:
        if now == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    async def change(work: Callable[[OpenFile], T]) -> T:
        reach(next(moments))
        done = work(file)
        reach(next(moments))
        return done

    compaction = Compaction(change, lambda: file, Room(path, Quota(0, path, clock)), clock)
    _ = await compaction.turn()


if __name__ == "__main__":
    asyncio.run(put_in_order(Path(sys.argv[1]), int(sys.argv[2])))
