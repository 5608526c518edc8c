"""Reads one stretch of a segment for a destination: whole, checked frames, joined for delivery."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from collector.buffer.contract import Origin
from collector.buffer.files import Files
from collector.buffer.stock import Stock
from collector.buffer.walk import Frame, walk

_MOST_RATIO = 32
"""Lines that compress far better than telemetry does must not swell to something a store chokes on."""


@dataclass(slots=True)
class Stretch:
    """What was read: gzip members, their lines and origins, where reading stopped, and what could not be read."""

    end: int
    members: bytes = b""
    lines: int = 0
    origins: list[Origin] = field(default_factory=list)
    broken_bytes: int = 0
    missing_bytes: int = 0
    stock: Stock = field(default_factory=Stock)


def read_stretch(files: Files, path: Path, start: int, end: int, most_bytes: int) -> Stretch:
    """Frames of the segment at `path` from `start`, about `most_bytes` of members; offsets are the segment's.

    Raises OSError when the disk does not let it; a segment that is gone is not an error but missing.
    """
    stretch = Stretch(start)
    members: list[memoryview | bytes] = []
    size = unpacked = 0
    try:
        for found in walk(partial(files.read, path), start, end, window=most_bytes):
            stretch.end = found.end
            if isinstance(found, Frame):
                stretch.stock.add(found)
                header = found.header
                if header.lines:
                    members.append(found.member)
                    size += len(found.member)
                    unpacked += header.unpacked_bytes
                    stretch.lines += header.lines
                    origin = Origin(found.source, header.accepted_ns, header.unpacked_bytes, header.lines)
                    stretch.origins.append(origin)
            else:
                stretch.broken_bytes += found.end - found.start
                stretch.stock.damaged = True
            if size >= most_bytes or unpacked >= most_bytes * _MOST_RATIO:
                break
    except FileNotFoundError:
        return Stretch(end, missing_bytes=end - start, stock=Stock(damaged=True))
    stretch.members = b"".join(members)
    return stretch


class Ahead:
    """The stock of what was read behind a cursor that has not come there, so that it need not be counted again."""

    def __init__(self) -> None:
        self._stretches: dict[int, tuple[int, Stock]] = {}

    def enter(self, begin: int, end: int, stock: Stock) -> None:
        """Reading at the log's offset `begin` went to `end`."""
        self._stretches[begin] = (end, stock)

    def between(self, begin: int, end: int) -> Stock | None:
        """What stands between two offsets; None where that was not read in whole stretches."""
        total, at = Stock(), begin
        while at < end:
            at, stock = self._stretches.get(at, (end + 1, total))
            if at > end:
                return None
            total.join(stock)
        return total

    def first_ns(self, at: int) -> int:
        """When the first line at `at` was accepted; 0 when that is not known."""
        _, stock = self._stretches.get(at, (0, None))
        return stock.first_ns if stock else 0

    def forget(self, before: int) -> None:
        """The cursor has come to `before`."""
        self._stretches = {begin: known for begin, known in self._stretches.items() if begin >= before}
