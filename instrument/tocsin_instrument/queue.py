"""Lines that wait to be sent, at most so many; what does not fit is dropped and counted.

Threads of the app put in, one thread takes out. The invariant: putting never waits.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(slots=True)
class Counts:
    """Lines since the start, by what became of them. `dropped`: memory was full, or the app ended first."""

    sent: int = 0
    refused: int = 0
    dropped: int = 0
    failed: int = 0
    """Points that could not be made of what came in."""


class Queue:
    """A bounded queue of lines. A newcomer is dropped when it is full: what waits longest tells how trouble began."""

    def __init__(self, most: int, counts: Counts) -> None:
        self._most = most
        self._counts = counts
        self._lines: deque[bytes] = deque()

    def __len__(self) -> int:
        return len(self._lines)

    def put(self, line: bytes) -> None:
        """Keep a line if there is room."""
        if len(self._lines) < self._most:
            self._lines.append(line)
        else:
            self._counts.dropped += 1

    def take(self, most: int) -> list[bytes]:
        """The oldest lines, at most so many; they no longer wait."""
        return [self._lines.popleft() for _ in range(min(most, len(self._lines)))]
