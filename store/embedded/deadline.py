"""Stops what connections do: after a time, or when whoever asked does not wait any more.

A reader makes a `Deadline` for each question and checks it between two SELECTs. The invariant: nothing is interrupted
once the question is answered, so that what comes next on the same connection is left alone.
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
    """Lets whoever asked take the question back, from any thread: then what its connections do is stopped."""

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

    def watch(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Stop this connection too, from here on."""
        with self._lock:
            self._connections.append(connection)

    def leave(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Leave it alone again."""
        with self._lock:
            self._connections.remove(connection)


class Deadline:
    """Stops what connections do after `limit_s` seconds, and says so to whoever asks between two SELECTs.

    It counts from the moment it is made, and begins to act with the first connection that it watches: what is answered
    without one is only told, when it asks. `withdrawal`: who asked may end it earlier. `timekeeper`: who counts for
    others too.
    """

    def __init__(
        self, limit_s: float, withdrawal: Withdrawal | None = None, timekeeper: Timekeeper | None = None
    ) -> None:
        self._timekeeper = timekeeper or Timekeeper(lingers_s=0)
        self._limit_s = limit_s
        self._until = self._timekeeper.now() + limit_s
        self._limit: Limit | None = None
        self._lock = threading.Lock()
        self._connections: list[duckdb.DuckDBPyConnection] = []
        self._has_passed = False
        self._withdrawal = withdrawal or Withdrawal()

    def check(self) -> None:
        """Raise QueryLimitExceeded once the time is over, StoreUnavailable once nobody waits."""
        if self._timekeeper.now() >= self._until:
            self._has_passed = True
        if self._has_passed or self._withdrawal.withdrawn:
            raise self.interrupted()

    def interrupted(self) -> QueryLimitExceeded | StoreUnavailable:
        """The error for a query that was stopped: by its deadline, or by whoever closes the store."""
        if self._has_passed:
            return QueryLimitExceeded(f"the query was stopped after {self._limit_s:.3g} s; narrow its time range")
        why = "nobody waits for it" if self._withdrawal.withdrawn else "the store is closing"
        return StoreUnavailable(f"the query was stopped: {why}")

    def watch(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Stop what this connection does, until it is left or the question is answered. Raises as `check` does."""
        with self._lock:
            self._connections.append(connection)
        self._withdrawal.watch(connection)
        if self._limit is None:
            self._limit = self._timekeeper.limit(self._until, self._stop)
        self.check()  # who took the question back, or its time, may have come before the connection was known

    def leave(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Leave this connection alone again."""
        self._withdrawal.leave(connection)
        with self._lock:
            self._connections.remove(connection)

    @contextmanager
    def watching(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Stop what this connection does as well, to the end of the block."""
        self.watch(connection)
        try:
            yield
        finally:
            self.leave(connection)

    def end(self) -> None:
        """The question is answered: nothing is stopped any more."""
        if self._limit is not None:
            self._timekeeper.forget(self._limit)
        for connection in tuple(self._connections):
            self.leave(connection)

    def _stop(self) -> None:
        with self._lock:
            self._has_passed = True
            for connection in self._connections:
                connection.interrupt()


@dataclass(slots=True, eq=False)
class Limit:
    """What is done when a time is over; nothing any more once it is forgotten."""

    act: Callable[[], None] | None


class Timekeeper:
    """Does something when a time is over, for any number of questions at once. Safe for threads.

    One thread for all: to start one and wait for its end costs more than most answers do. It begins when it is needed
    and ends when it was not for `lingers_s` seconds.
    """

    def __init__(self, clock: Clock | None = None, *, lingers_s: float = 10.0) -> None:
        """Without a `clock`, by the machine's."""
        self._clock = clock or SystemClock()
        self._lingers_s = lingers_s
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, Limit]] = []
        self._count = 0
        self._is_counting = False

    def now(self) -> float:
        """The time by which it counts, in seconds."""
        return self._clock.monotonic()

    def limit(self, until: float, act: Callable[[], None]) -> Limit:
        """`act` is called from another thread at `until`, by `now`; never once the limit is forgotten."""
        limit = Limit(act)
        with self._changed:
            self._count += 1
            heapq.heappush(self._due, (until, self._count, limit))
            if not self._is_counting:
                self._is_counting = True
                threading.Thread(target=self._count_down, name="query deadlines", daemon=True).start()
            elif self._due[0][2] is limit:
                self._changed.notify()
        return limit

    def forget(self, limit: Limit) -> None:
        """What it limits is over."""
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
