"""Lines that wait to be sent, at most so many and so large; what does not fit is dropped and counted.

Threads of the app put in, one thread takes out. The invariants: putting never waits for the network, and what was taken
counts until it is let go of, so that memory is bounded whatever is under way.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass
class Counts:
    """Lines since the start, by what became of them. `dropped`: memory was full, or the app ended first."""

    sent: int = 0
    refused: int = 0
    dropped: int = 0
    failed: int = 0
    """Points that could not be made of what came in."""


class Queue:
    """A bounded queue of lines. A newcomer is dropped when it is full: what waits longest tells how trouble began."""

    def __init__(self, most_lines: int, most_bytes: int, counts: Counts) -> None:
        self._most_lines, self._most_bytes, self._counts = most_lines, most_bytes, counts
        self._lock = threading.Lock()
        self._lines: deque[bytes] = deque()
        self._held_lines = self._held_bytes = 0

    def __len__(self) -> int:
        """Lines that wait and are not taken."""
        return len(self._lines)

    @property
    def held(self) -> int:
        """Lines that wait, and those that were taken and not let go of."""
        return self._held_lines

    def put(self, line: bytes) -> None:
        """Keep a line if there is room."""
        with self._lock:
            if self._held_lines < self._most_lines and self._held_bytes + len(line) <= self._most_bytes:
                self._lines.append(line)
                self._held_lines += 1
                self._held_bytes += len(line)
            else:
                self._counts.dropped += 1

    def fail(self) -> None:
        """Count a point of which no line could be made."""
        with self._lock:
            self._counts.failed += 1

    def take(self, most_lines: int, most_bytes: int) -> list[bytes]:
        """The oldest lines, at most so many and together so large, and one at least; they still count as held."""
        taken: list[bytes] = []
        with self._lock:
            while self._lines and len(taken) < most_lines and (not taken or len(self._lines[0]) <= most_bytes):
                taken.append(self._lines.popleft())
                most_bytes -= len(taken[-1])
        return taken

    def let_go(self, lines: Sequence[bytes]) -> None:
        """Lines that were taken are sent, or given up: their room is free."""
        with self._lock:
            self._held_lines -= len(lines)
            self._held_bytes -= sum(map(len, lines))
