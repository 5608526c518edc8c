"""The books of one bucket's log: which segments there are, where it ends, how far each destination is. No I/O.

The shell in `disk` tells it what became durable or was delivered; it says what to read next and what may be deleted.
Invariant: segments are in order of their base and never overlap; `end` is behind the last durable frame; a cursor never
stands behind `end`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from collector.buffer.contract import Backlog

SEGMENT_SUFFIX = ".seg"


@dataclass(slots=True)
class Segment:
    """A file of frames. `base` is the log's offset of its first byte, `size_bytes` what of it is durable."""

    base: int
    size_bytes: int
    lines: int

    @property
    def end(self) -> int:
        """The log's offset behind its last durable byte."""
        return self.base + self.size_bytes


@dataclass(slots=True)
class Cursor:
    """How far a destination is: everything before `offset` is delivered.

    `lines` counts the log's lines before it, `oldest_ns` is when the frame at it was accepted (0 at the end),
    `turn` how often it was written down.
    """

    offset: int
    lines: int = 0
    oldest_ns: int = 0
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Mark:
    """What reading learnt of a place in the log that a cursor has not come to: the lines before it, and when the frame
    there was accepted (0 when that is not known).
    """

    lines: int
    oldest_ns: int = 0


@dataclass(frozen=True, slots=True)
class Appended:
    """What one group commit made durable in one log: the segment it went to and its size now."""

    base: int
    size_bytes: int
    added_bytes: int
    lines: int
    accepted_ns: int


@dataclass(slots=True)
class BucketLog:
    """The books themselves. `lines` counts all lines since the start, `newest_ns` is when the last were accepted."""

    name: str
    bucket: str
    folder: Path
    segments: list[Segment] = field(default_factory=list)
    cursors: dict[str, Cursor] = field(default_factory=dict)
    end: int = 0
    lines: int = 0
    newest_ns: int = 0

    @property
    def size_bytes(self) -> int:
        """Bytes in all segments."""
        return sum(segment.size_bytes for segment in self.segments)

    @property
    def start(self) -> int:
        """Where the oldest kept frame begins."""
        return self.segments[0].base if self.segments else self.end

    @property
    def delivered(self) -> bool:
        """Whether every destination has everything."""
        return all(cursor.offset >= self.end for cursor in self.cursors.values())

    def path(self, segment: Segment) -> Path:
        """The file of a segment."""
        return self.folder / segment_name(segment.base)

    def appended(self, what: Appended) -> None:
        """Enter what a group commit wrote."""
        if not self.segments or self.segments[-1].base != what.base:
            self.segments.append(Segment(what.base, 0, 0))
        last = self.segments[-1]
        for cursor in self.cursors.values():
            if cursor.offset >= self.end:
                cursor.oldest_ns = what.accepted_ns
        last.size_bytes = what.size_bytes
        last.lines += what.lines
        self.lines += what.lines
        self.end = last.end
        self.newest_ns = what.accepted_ns

    def segment_at(self, offset: int) -> Segment | None:
        """The segment in which the next frame at or behind `offset` stands; None at the end."""
        return next((segment for segment in self.segments if offset < segment.end), None)

    def lines_before(self, segment: Segment) -> int:
        """How many lines stand in the segments before this one, in the counting of the cursors."""
        behind = sum(other.lines for other in self.segments if other.base >= segment.base)
        return self.lines - behind

    def moved(self, destination: str, offset: int, lines: int, oldest_ns: int) -> None:
        """Enter that a destination has everything before `offset`.

        `oldest_ns` is 0 when the frame there was appended only just now.
        """
        cursor = self.cursors[destination]
        cursor.offset = offset
        cursor.turn += 1
        at_end = offset >= self.end
        cursor.lines = self.lines if at_end else lines
        cursor.oldest_ns = 0 if at_end else oldest_ns or self.newest_ns

    def extended(self, end: int) -> None:
        """The log goes on at `end`, behind its present end: nothing was or will be written in between."""
        self.end = max(self.end, end)

    def release(self, *, last_too: bool = False) -> list[Segment]:
        """Take out of the books, and return, the segments that every destination is past.

        The last one, which is written to, goes only when asked for (it has to be closed first).
        """
        if not self.cursors:
            return []
        low = min(cursor.offset for cursor in self.cursors.values())
        kept = self.segments if last_too else self.segments[:-1]
        gone = [segment for segment in kept if segment.end <= low]
        self.segments = self.segments[len(gone) :]
        return gone

    def backlog(self, destination: str) -> Backlog:
        """What the destination has not got yet."""
        cursor = self.cursors.get(destination)
        if cursor is None or cursor.offset >= self.end:
            return Backlog()
        size = sum(
            segment.end - max(segment.base, cursor.offset) for segment in self.segments if segment.end > cursor.offset
        )
        return Backlog(max(self.lines - cursor.lines, 0), size, cursor.oldest_ns)


def segment_name(base: int) -> str:
    """The file of the segment whose first byte has the log's offset `base`; names sort as offsets do."""
    return f"{base:020d}{SEGMENT_SUFFIX}"


def segment_base(name: str) -> int | None:
    """The offset in a segment's file name, None for any other file."""
    stem = name.removesuffix(SEGMENT_SUFFIX)
    return int(stem) if stem != name and stem.isdigit() else None
