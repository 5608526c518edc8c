"""The buffer's threads: one commits groups, a few read, move cursors and delete."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from collector.buffer.contract import BufferFailed

_READERS = 2
T = TypeVar("T")


class Threads:
    """Runs what touches the disk, so that the loop never waits for it."""

    def __init__(self) -> None:
        self._committing = ThreadPoolExecutor(1, thread_name_prefix="buffer-commit")
        self._reading = ThreadPoolExecutor(_READERS, thread_name_prefix="buffer-read")

    async def commit(self, task: Callable[[], T]) -> T:
        """Run on the one thread that owns the writers. Raises what the task raises."""
        return await asyncio.get_running_loop().run_in_executor(self._committing, task)

    async def read(self, task: Callable[[], T]) -> T:
        """Run beside it. Raises BufferFailed where the disk fails."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._reading, task)
        except OSError as error:
            raise BufferFailed(f"the buffer's disk failed: {error.strerror or error}") from error

    def shut_down(self) -> None:
        """Begin nothing new; what runs ends by itself."""
        self._committing.shutdown(wait=False)
        self._reading.shutdown(wait=False)
