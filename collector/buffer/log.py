"""The books of one bucket's log: which segments there are, where it ends, how far each destination is. No I/O.

The shell in `disk` tells it what became durable or was delivered; it says what to read next and what may be deleted.
Invariant: segments are in order of their base and never overlap; `end` is behind the last durable frame; a cursor never
stands behind `end`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from collector.buffer.contract import Backlog
from collector.buffer.stock import Part

SEGMENT_SUFFIX = ".seg"


@dataclass(slots=True)
class Segment:
    """A file of frames. `base` is the log's offset of its first byte, `size_bytes` what of it is durable, `lines_end`
    the offset behind its last line (0 where it has none).
    """

    base: int
    size_bytes: int
    lines: int
    lines_end: int = 0

    @property
    def end(self) -> int:
        """The log's offset behind its last durable byte."""
        return self.base + self.size_bytes


@dataclass(slots=True)
class Cursor:
    """How far a destination is: everything before `offset` is delivered.

    `lines` counts the log's lines before it, `oldest_ns` is when the frame at it was accepted (0 at the end),
    `turn` how often it was written down. `placed`: where another one stood, by us alone, since its destination is new.
    `told`: the destination itself says where it is.
    """

    offset: int
    lines: int = 0
    oldest_ns: int = 0
    turn: int = 0
    placed: bool = False
    told: bool = False


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
    """The books themselves. `lines` counts all lines since the start, `newest_ns` is when the last were accepted.

    Between `lines_end` and `end` there is no line: only what the door counted of bodies that had none left. Before
    `lines_gone` there were lines in segments that are deleted.
    """

    name: str
    bucket: str
    folder: Path
    segments: list[Segment] = field(default_factory=list)
    cursors: dict[str, Cursor] = field(default_factory=dict)
    end: int = 0
    lines_end: int = 0
    lines_gone: int = 0
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
    def told(self) -> bool:
        """Whether a destination says itself where it is, and so may go back."""
        return any(cursor.told for cursor in self.cursors.values())

    @property
    def delivered(self) -> bool:
        """Whether every destination has everything."""
        return all(cursor.offset >= self.lines_end for cursor in self.cursors.values())

    def path(self, segment: Segment) -> Path:
        """The file of a segment."""
        return self.folder / segment_name(segment.base)

    def part(self, segment: Segment, start: int = 0, end: int | None = None) -> Part:
        """A segment, or what of it stands between two offsets of the log."""
        end = segment.end if end is None else min(end, segment.end)
        return Part(self.path(segment), segment.base, max(start, segment.base), end)

    def parts(self, start: int, end: int) -> list[Part]:
        """What stands between two offsets of the log."""
        touched = (segment for segment in self.segments if segment.base < end and segment.end > start)
        return [self.part(segment, start, end) for segment in touched]

    def appended(self, what: Appended) -> None:
        """Enter what a group commit wrote. Nobody is behind frames without a line."""
        if not self.segments or self.segments[-1].base != what.base:
            self.segments.append(Segment(what.base, 0, 0))
        last = self.segments[-1]
        waiting = [cursor for cursor in self.cursors.values() if cursor.offset >= self.end]
        last.size_bytes = what.size_bytes
        last.lines += what.lines
        self.lines += what.lines
        self.end = last.end
        for cursor in waiting:
            if what.lines:
                cursor.oldest_ns = what.accepted_ns
            else:
                cursor.offset = self.end
        if what.lines:
            self.newest_ns = what.accepted_ns
            self.lines_end = last.lines_end = self.end

    def segment_at(self, offset: int) -> Segment | None:
        """The segment in which the next frame at or behind `offset` stands; None at the end."""
        return next((segment for segment in self.segments if offset < segment.end), None)

    def moved(self, destination: str, offset: int, lines: int, oldest_ns: int) -> None:
        """Enter that a destination has everything before `offset`, and `lines` more (or fewer) than before.

        `oldest_ns` is 0 when the frame there was appended only just now.
        """
        cursor = self.cursors[destination]
        cursor.turn += 1
        cursor.lines += lines
        at_end = offset >= self.lines_end
        cursor.offset = max(offset, self.end) if at_end else offset
        cursor.oldest_ns = 0 if at_end else oldest_ns or self.newest_ns
        if at_end:
            cursor.lines = self.lines

    def extended(self, end: int) -> None:
        """The log goes on at `end`, behind its present end: nothing was or will be written in between."""
        self.end = max(self.end, end)

    def done(self, *, keep_bytes: int = 0, last_too: bool = False) -> list[Segment]:
        """The segments that every destination is past by `keep_bytes`; the last one, which is written to, only when
        asked for.
        """
        if not self.cursors:
            return []
        low = min(cursor.offset for cursor in self.cursors.values()) - keep_bytes
        closed = self.segments if last_too else self.segments[:-1]
        return [segment for segment in closed if segment.end <= low]

    def part_with(self, gone: Sequence[Segment]) -> None:
        """Enter that lines of these segments will not be there any more; before that is written down."""
        self.lines_gone = max(self.lines_gone, *(segment.lines_end for segment in gone))

    def released(self, gone: Sequence[Segment]) -> None:
        """Take the first segments out of the books: they are deleted."""
        bases = {segment.base for segment in gone}
        self.segments = [segment for segment in self.segments if segment.base not in bases]

    def backlog(self, destination: str) -> Backlog:
        """What the destination has not got yet."""
        cursor = self.cursors.get(destination)
        if cursor is None or cursor.offset >= self.lines_end:
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
