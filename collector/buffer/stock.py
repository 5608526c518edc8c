"""What stands in a part of a log: its lines by source, and what cannot be read. Books and ledger count by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from collector.buffer.files import Files
from collector.buffer.walk import Frame, walk


@dataclass(slots=True)
class Stock:
    """Lines by source; `first_ns` is when the first of them were accepted; `damaged` where bytes could not be read."""

    lines: Counter[str] = field(default_factory=Counter)
    first_ns: int = 0
    damaged: bool = False

    def add(self, frame: Frame) -> None:
        """Count a frame."""
        if frame.header.lines:
            self.lines[frame.source] += frame.header.lines
            self.first_ns = self.first_ns or frame.header.accepted_ns

    def join(self, behind: Stock) -> None:
        """Take in the stock of the part that follows."""
        self.lines.update(behind.lines)
        self.first_ns = self.first_ns or behind.first_ns
        self.damaged = self.damaged or behind.damaged


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes `start` to `end` of a log stand in the file at `path`, which begins at the log's offset `base`."""

    path: Path
    base: int
    start: int
    end: int


def frames(files: Files, part: Part) -> Iterator[tuple[int, Frame | None]]:
    """Every frame of the part and its offset in the log; None where one was broken or the file is gone."""
    try:
        for found in walk(partial(files.read, part.path), part.start - part.base, part.end - part.base):
            yield part.base + found.start, found if isinstance(found, Frame) else None
    except FileNotFoundError:
        yield part.start, None


def take_stock(files: Files, parts: Sequence[Part], *, only_first: bool = False) -> Stock:
    """Count what stands in these parts, or look for the first line alone. Raises OSError."""
    stock = Stock()
    for part in parts:
        for _, frame in frames(files, part):
            if frame is None:
                stock.damaged = True
            else:
                stock.add(frame)
            if only_first and stock.lines:
                return stock
    return stock
