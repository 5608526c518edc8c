"""What is on the disk at the start becomes a log's books again.

Only the last segment can have a torn tail: it is cut off, and what stays is synced before it is trusted, because a
killed process leaves lines in the page cache that were never made durable. Broken stretches before it are left to the
reader, which skips and counts them; a segment that is gone shows as a gap between two others.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from collector.buffer.cursor_file import CursorRecord, write_cursor
from collector.buffer.files import Files
from collector.buffer.frames import HEADER, parse
from collector.buffer.layout import cursor_path, read_cursors
from collector.buffer.log import BucketLog, Cursor, Segment, segment_base, segment_name
from collector.buffer.walk import Frame, Gap, walk


@dataclass(frozen=True, slots=True)
class Recovered:
    """The books of a log, how many bytes of a torn tail were cut off, and how many are missing between segments."""

    log: BucketLog
    torn_bytes: int
    missing_bytes: int


def recover(files: Files, folder: Path, name: str, bucket: str, destinations: Iterable[str]) -> Recovered:
    """Read the folder of one log. Raises OSError when the disk does not let it."""
    log = BucketLog(name, bucket, folder)
    torn = _find_segments(files, log)
    written = read_cursors(files, folder, name)
    log.end = max([log.segments[-1].end if log.segments else 0, *(record.offset for record in written.values())])
    _place_cursors(files, log, written, tuple(destinations))
    low = min((written[one].offset for one in log.cursors if one in written), default=log.start)
    for cursor in log.cursors.values():
        cursor.lines, cursor.oldest_ns = lines_before(files, log, cursor.offset)
    return Recovered(log, torn, _missing(log, low))


def lines_before(files: Files, log: BucketLog, offset: int) -> tuple[int, int]:
    """How many lines stand before `offset`, and when the frame there was accepted (0 at the end)."""
    segment = log.segment_at(offset)
    if segment is None:
        return log.lines, 0
    count = log.lines_before(segment)
    read = partial(files.read, log.path(segment))
    for found in walk(read, 0, segment.size_bytes, whole=False):
        if isinstance(found, Frame):
            if segment.base + found.start >= offset:
                return count, found.header.accepted_ns
            count += found.header.lines
    return count, 0


def accepted_at(files: Files, log: BucketLog, offset: int) -> int:
    """When the frame at `offset` was accepted; 0 at the end or where the frame is broken."""
    segment = log.segment_at(offset)
    if segment is None:
        return 0
    header = parse(files.read(log.path(segment), max(offset - segment.base, 0), HEADER.size))
    return header.accepted_ns if header else 0


def _find_segments(files: Files, log: BucketLog) -> int:
    bases = [base for base in map(segment_base, files.names(log.folder)) if base is not None]
    torn = 0
    for base, following in itertools.zip_longest(bases, bases[1:]):
        path = log.folder / segment_name(base)
        size = files.size(path)
        if following is None:
            whole = _trusted(files, path, size)
            torn = size - whole
            size = whole
        else:
            size = min(size, following - base)
        if size == 0:
            files.remove(path)
            continue
        lines = sum(
            found.header.lines
            for found in walk(partial(files.read, path), 0, size, whole=False)
            if isinstance(found, Frame)
        )
        log.segments.append(Segment(base, size, lines))
        log.lines += lines
    return torn


def _trusted(files: Files, path: Path, size: int) -> int:
    """Cut a torn tail off the last segment and make the rest durable; returns how much that is."""
    end = size
    for found in walk(partial(files.read, path), 0, size, whole=True):
        if isinstance(found, Gap) and found.end == size:
            end = found.start
    if end < size:
        files.truncate(path, end)
    else:
        files.sync(path)
    return end


def _place_cursors(
    files: Files, log: BucketLog, written: Mapping[str, CursorRecord], destinations: tuple[str, ...]
) -> None:
    """A destination without a cursor starts where the slowest one that is gone stood, else at the oldest line."""
    gone = [destination for destination in written if destination not in destinations]
    inherited = min((written[destination].offset for destination in gone), default=log.start)
    for destination in destinations:
        record = written.get(destination)
        offset, turn = (record.offset, record.turn) if record else (inherited, 1)
        offset = max(offset, log.start)
        if record is None:
            fresh = CursorRecord(destination, log.name, offset, turn)
            write_cursor(files, cursor_path(log.folder, destination), fresh)
        log.cursors[destination] = Cursor(offset, turn=turn)
    for destination in gone:
        files.remove(cursor_path(log.folder, destination))


def _missing(log: BucketLog, low: int) -> int:
    """Bytes between segments that some destination has not got."""
    ends = [low, *(segment.end for segment in log.segments)]
    bases = [*(segment.base for segment in log.segments), log.end]
    gaps = (base - max(end, low) for end, base in zip(ends, bases, strict=True))
    return sum(gap for gap in gaps if gap > 0)
