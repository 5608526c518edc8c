"""Runs SQLite jobs on the spot, so that virtual time stands still while the file works."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from alerting.memory.writer import Prepare, Writer

T = TypeVar("T")


class InlineWriter(Writer):
    """One transaction a job, in the caller's thread. `faults` are raised by the next jobs instead of running them."""

    def __init__(self, path: Path, prepare: Prepare) -> None:
        super().__init__(path, prepare)
        self._connection: sqlite3.Connection | None = None
        self.faults: list[sqlite3.Error] = []

    async def start(self) -> None:
        self._connection = sqlite3.connect(self._path, isolation_level=None)
        self._prepare(self._connection)

    async def run(self, job: Callable[[sqlite3.Connection], T]) -> T:
        assert self._connection is not None
        await asyncio.sleep(0)
        if self.faults:
            raise self.faults.pop(0)
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            result = job(self._connection)
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
        return result

    async def stop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
