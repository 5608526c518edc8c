"""What is on the disk at the start becomes a log's books again, and its part of the ledger.

Only the last segment can have a torn tail: it is cut off, and what stays is synced before it is trusted, because a
killed process leaves lines in the page cache that were never made durable. Broken stretches before it are left to the
reader, which skips and counts them; a segment that is gone shows as a gap between two others.

The ledger is the last checkpoint and what the frames behind it tell. A destination is where its cursor file says or its
checkpoint, whichever is further: both are written only when it has everything before.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from collector.buffer.checkpoint import Checkpoint, prepare_checkpoint, read_checkpoint
from collector.buffer.cursor_file import CursorRecord, write_cursor
from collector.buffer.files import Files
from collector.buffer.layout import cursor_path, read_cursors
from collector.buffer.log import BucketLog, Cursor, Segment, segment_base, segment_name
from collector.buffer.stock import Stock, frames
from collector.buffer.walk import Frame, Gap, walk


@dataclass(slots=True)
class Recovered:
    """The books of a log, and how many bytes of a torn tail were cut off or are missing between segments.

    For the ledger: the `checkpoint`, what the door counted of the frames behind it (`shared`, by source), and for each
    destination what its cursor has `passed` since and what it is still to get (`held`). `new` destinations were not
    there before, `gone` ones are there no more; `damaged` where lines may have been lost on the disk.
    """

    log: BucketLog
    torn_bytes: int = 0
    missing_bytes: int = 0
    checkpoint: Checkpoint | None = None
    shared: dict[str, Counter[tuple[str, str]]] = field(default_factory=dict)
    passed: dict[str, Stock] = field(default_factory=dict)
    held: dict[str, Stock] = field(default_factory=dict)
    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    damaged: bool = False


def recover(files: Files, folder: Path, name: str, bucket: str, destinations: Iterable[str]) -> Recovered:
    """Read the folder of one log. Raises OSError when the disk does not let it."""
    log = BucketLog(name, bucket, folder)
    recovered = Recovered(log)
    prepare_checkpoint(files, folder, name)
    recovered.checkpoint = checkpoint = read_checkpoint(files, folder, name)
    recovered.torn_bytes = _find_segments(files, log)
    written = read_cursors(files, folder, name)
    offsets = _offsets(written, checkpoint)
    log.end = max([log.segments[-1].end if log.segments else 0, *offsets.values()])
    _place_cursors(files, recovered, written, offsets, tuple(destinations))
    log.lines_gone = checkpoint.lines_gone if checkpoint else 0
    low = min((offsets[one] for one in log.cursors if one in offsets), default=log.start)
    recovered.missing_bytes = _missing(log, low)
    recovered.damaged = bool(recovered.missing_bytes)
    _count_frames(files, recovered)
    return recovered


def _offsets(written: Mapping[str, CursorRecord], checkpoint: Checkpoint | None) -> dict[str, int]:
    """Destination -> how far it is, of all that were ever known."""
    offsets = {destination: record.offset for destination, record in written.items()}
    for destination, offset in checkpoint.cursors.items() if checkpoint else ():
        offsets[destination] = max(offset, offsets.get(destination, 0))
    return offsets


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
        log.segments.append(Segment(base, size, 0))
    return torn


def _trusted(files: Files, path: Path, size: int) -> int:
    """Cut a torn tail off the last segment and make the rest durable; returns how much that is."""
    end = size
    for found in walk(partial(files.read, path), 0, size):
        if isinstance(found, Gap) and found.end == size:
            end = found.start
    if end < size:
        files.truncate(path, end)
    else:
        files.sync(path)
    return end


def _place_cursors(
    files: Files,
    recovered: Recovered,
    written: Mapping[str, CursorRecord],
    offsets: Mapping[str, int],
    destinations: Sequence[str],
) -> None:
    """A destination without a cursor starts where the slowest one that is gone stood, else at the oldest line."""
    log = recovered.log
    recovered.gone = tuple(one for one in offsets if one not in destinations)
    recovered.new = tuple(one for one in destinations if one not in offsets)
    inherited = min((offsets[one] for one in recovered.gone), default=log.start)
    for destination in destinations:
        record = written.get(destination)
        offset = max(offsets.get(destination, inherited), log.start)
        turn = record.turn if record else 1
        if record is None:
            fresh = CursorRecord(destination, log.name, offset, turn)
            write_cursor(files, cursor_path(log.folder, destination), fresh)
        log.cursors[destination] = Cursor(offset, turn=turn, placed=destination in recovered.new)
    for destination in recovered.gone:
        files.remove(cursor_path(log.folder, destination))


def _count_frames(files: Files, recovered: Recovered) -> None:
    """Fill in every count: of the segments, of the cursors, and for the ledger."""
    log, checkpoint = recovered.log, recovered.checkpoint
    shared_from = checkpoint.offset if checkpoint else 0
    known = checkpoint.cursors if checkpoint else {}
    recovered.passed = {destination: Stock() for destination in log.cursors}
    recovered.held = {destination: Stock() for destination in log.cursors}
    for segment in log.segments:
        for offset, frame in frames(files, log.part(segment)):
            if frame is None:
                recovered.damaged = True
                log.lines_end = segment.end
                continue
            if offset >= shared_from:
                recovered.shared.setdefault(frame.source, Counter()).update(frame.terms)
            if frame.header.lines:
                segment.lines += frame.header.lines
                log.lines_end = segment.lines_end = offset + frame.header.size
                _count_for_cursors(recovered, offset, frame, known)
        log.lines += segment.lines
    for destination, cursor in log.cursors.items():
        cursor.oldest_ns = recovered.held[destination].first_ns
        if cursor.offset >= log.lines_end:
            cursor.offset = log.end


def _count_for_cursors(recovered: Recovered, offset: int, frame: Frame, known: Mapping[str, int]) -> None:
    for destination, cursor in recovered.log.cursors.items():
        if offset >= cursor.offset:
            recovered.held[destination].add(frame)
            continue
        cursor.lines += frame.header.lines
        if offset >= known.get(destination, 0):
            recovered.passed[destination].add(frame)


def _missing(log: BucketLog, low: int) -> int:
    """Bytes between segments that some destination has not got."""
    ends = [low, *(segment.end for segment in log.segments)]
    bases = [*(segment.base for segment in log.segments), log.end]
    gaps = (base - max(end, low) for end, base in zip(ends, bases, strict=True))
    return sum(gap for gap in gaps if gap > 0)
