"""Statements that are answered at once share DuckDB's buffers: one that lacks room beside others is answered again.

The reader calls this around each statement. Those that lacked room are answered one after the other, each behind those
that were under way and with the reserve besides; others go on beside it. So a statement is refused for want of memory
only where it would not have enough of it alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Final, TypeVar

import duckdb

from store.embedded.reserve import Reserve

T = TypeVar("T")

_LOOK_S: Final = 0.05
"""How often who waits looks whether there is still time."""


class Crowd:
    """The statements that are under way. Used by any thread."""

    def __init__(self, reserve: Reserve | None = None) -> None:
        """`reserve`: what those have besides that are answered again."""
        self._reserve = reserve
        self._changed = threading.Condition()
        self._present: set[object] = set()
        self._arrived = 0
        self._is_taken = False
        """whether somebody is being answered again"""

    def answer(self, once: Callable[[], T], check: Callable[[], None]) -> T:
        """What `once` answers; where memory was short beside others, what it answers at another time.

        `check` raises when there is no time left. Raises OutOfMemoryException where `once` did so alone.
        """
        try:
            return self._answer(once)
        except duckdb.OutOfMemoryException:
            check()
        with self._turn(check):
            while True:
                arrived, was_alone = self._await_others(check)
                try:
                    with nullcontext() if self._reserve is None else self._reserve.drawn():
                        return self._answer(once)
                except duckdb.OutOfMemoryException:
                    check()
                    if was_alone and self._arrived == arrived + 1:
                        raise

    def _answer(self, once: Callable[[], T]) -> T:
        """Among those that are under way."""
        me = object()
        with self._changed:
            self._present.add(me)
            self._arrived += 1
        try:
            return once()
        finally:
            with self._changed:
                self._present.remove(me)
                self._changed.notify_all()
            if self._reserve is not None:
                self._reserve.settle()

    @contextmanager
    def _turn(self, check: Callable[[], None]) -> Iterator[None]:
        with self._changed:
            self._wait(lambda: not self._is_taken, check)
            self._is_taken = True
        try:
            yield
        finally:
            with self._changed:
                self._is_taken = False
                self._changed.notify_all()

    def _await_others(self, check: Callable[[], None]) -> tuple[int, bool]:
        """Wait for those under way; how many ever came until now, and whether nobody is left."""
        with self._changed:
            others = set(self._present)
            self._wait(lambda: self._present.isdisjoint(others), check)
            return self._arrived, not self._present

    def _wait(self, done: Callable[[], bool], check: Callable[[], None]) -> None:
        """Under the lock."""
        while not self._changed.wait_for(done, _LOOK_S):
            check()
