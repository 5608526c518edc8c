"""Stops what a connection does: after a time, or when whoever asked does not wait any more.

A reader makes a `Deadline` for each question and checks it between two SELECTs. The invariant: nothing is interrupted
once the question is answered, so that the next one on the same connection is left alone.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foundation.clock import SystemClock
from store.errors import QueryLimitExceeded, StoreUnavailable

if TYPE_CHECKING:
    import duckdb

    from foundation.clock import Clock


class Withdrawal:
    """Lets whoever asked take the question back, from any thread: then what its connection does is stopped."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connections: list[duckdb.DuckDBPyConnection] = []
        self.withdrawn = False

    def withdraw(self) -> None:
        """Nobody waits for the answer any more."""
        with self._lock:
            self.withdrawn = True
            for connection in self._connections:
                connection.interrupt()

    @contextmanager
    def watching(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """A connection that answers, to the end of the block."""
        with self._lock:
            self._connections.append(connection)
        try:
            yield
        finally:
            with self._lock:
                self._connections.remove(connection)


class Deadline:
    """Stops what connections do after `limit_s` seconds, and says so to whoever asks between two SELECTs.

    `withdrawal`: who asked may end it earlier.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, limit_s: float, withdrawal: Withdrawal | None = None
    ) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._connections: list[duckdb.DuckDBPyConnection] = []
        self._limit_s = limit_s
        self._passed = threading.Event()
        self._withdrawal = withdrawal or Withdrawal()

    def check(self) -> None:
        """Raise QueryLimitExceeded once the time is over, StoreUnavailable once nobody waits."""
        if self._passed.is_set() or self._withdrawal.withdrawn:
            raise self.interrupted()

    def interrupted(self) -> QueryLimitExceeded | StoreUnavailable:
        """The error for a query that was stopped: by its deadline, or by whoever closes the store."""
        if self._passed.is_set():
            return QueryLimitExceeded(f"the query was stopped after {self._limit_s:.3g} s; narrow its time range")
        why = "nobody waits for it" if self._withdrawal.withdrawn else "the store is closing"
        return StoreUnavailable(f"the query was stopped: {why}")

    @contextmanager
    def running(self, timekeeper: Timekeeper | None = None) -> Iterator[None]:
        """Count from here to the end of the block. `timekeeper` is who counts for others too."""
        with (
            (timekeeper or Timekeeper(lingers_s=0)).limiting(self._limit_s, self._stop),
            self.watching(self._connection),
        ):
            yield

    @contextmanager
    def watching(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Stop what this connection does as well, to the end of the block, which lies within that of `running`."""
        with self._lock:
            self._connections.append(connection)
        try:
            with self._withdrawal.watching(connection):
                yield
        finally:
            with self._lock:
                self._connections.remove(connection)

    def _stop(self) -> None:
        with self._lock:
            self._passed.set()
            for connection in self._connections:
                connection.interrupt()


@dataclass(slots=True, eq=False)
class _Limit:
    """What is done when a time is over; nothing any more once the block is left."""

    act: Callable[[], None] | None


class Timekeeper:
    """Does something when a time is over, for any number of blocks at once. Safe for threads.

    One thread for all: to start one and wait for its end costs more than most answers do. It begins when it is needed
    and ends when it was not for `lingers_s` seconds.
    """

    def __init__(self, clock: Clock | None = None, *, lingers_s: float = 10.0) -> None:
        """Without a `clock`, by the machine's."""
        self._clock = clock or SystemClock()
        self._lingers_s = lingers_s
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, _Limit]] = []
        self._count = 0
        self._is_counting = False

    @contextmanager
    def limiting(self, limit_s: float, act: Callable[[], None]) -> Iterator[None]:
        """`act` is called from another thread where the block lasts longer than `limit_s`; never once it is left."""
        limit = _Limit(act)
        with self._changed:
            self._count += 1
            heapq.heappush(self._due, (self._clock.monotonic() + limit_s, self._count, limit))
            if not self._is_counting:
                self._is_counting = True
                threading.Thread(target=self._count_down, name="query deadlines", daemon=True).start()
            elif self._due[0][2] is limit:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                limit.act = None
                if not self._lingers_s:
                    self._changed.notify()

    def _count_down(self) -> None:
        with self._changed:
            while self._due or self._changed.wait_for(lambda: self._due, self._lingers_s):
                at, _, limit = self._due[0]
                left_s = at - self._clock.monotonic()
                if limit.act is not None and left_s > 0:
                    self._changed.wait(left_s)
                    continue
                heapq.heappop(self._due)
                if limit.act is not None:
                    limit.act()
            self._is_counting = False
