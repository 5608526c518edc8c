"""DuckDB's memory beyond its standing buffers, which one statement at a time gets where it lacked memory.

What stands in buffers is never given back while there is anything to read, so they are kept as small as writing at
full rate and boards need; few questions need more. `crowd` draws the reserve for whom it answers again. The writer has
it for each commit: one that lacks memory leaves half of its rows to be seen (DuckDB 2.0). The invariant: it is set back
as soon as nobody has it and what is in use allows. DuckDB lowers its limit by letting cached blocks go, and refuses
where others hold too much just then: it is tried again behind each statement and each write until it is done.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import duckdb


@dataclass(frozen=True, slots=True)
class Buffers:
    """DuckDB's memory limit in bytes: `standing`, at which the file is opened, and `most`, the reserve drawn."""

    standing: int
    most: int


class Reserve:
    """Used by any thread; drawn by one at a time, beside whom others may have it for a moment."""

    def __init__(self, connect: Callable[[], duckdb.DuckDBPyConnection], buffers: Buffers) -> None:
        """`connect` makes a cursor."""
        self._connect = connect
        self._buffers = buffers
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._holders = 0
        self._is_raised = False

    @contextmanager
    def drawn(self) -> Iterator[None]:
        """Have it until the end of the block, when nobody else draws it any more."""
        with self._turn, self.lent():
            yield

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Have it until the end of the block, without a wait: for what is soon over."""
        if self._buffers.most <= self._buffers.standing:
            yield
            return
        with self._lock:
            if not self._is_raised:
                self._limit(self._buffers.most)
                self._is_raised = True
            self._holders += 1
        try:
            yield
        finally:
            with self._lock:
                self._holders -= 1
            self.settle()

    def settle(self) -> None:
        """Set it back where that is due. A file that is closed, or given up by DuckDB, has nothing to set back."""
        if not self._is_due():
            return
        with self._lock:
            if self._is_due():
                try:
                    self._limit(self._buffers.standing)
                except duckdb.OutOfMemoryException:
                    return
                except duckdb.Error:
                    pass
                self._is_raised = False

    def _is_due(self) -> bool:
        return self._is_raised and not self._holders

    def _limit(self, size_bytes: int) -> None:
        with closing(self._connect()) as cursor:
            cursor.execute(f"SET GLOBAL memory_limit = '{size_bytes}B'")
