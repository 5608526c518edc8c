"""The ledger of one log as it stood at some offset, on disk: what the frames that are still there do not tell.

Two files, written in turn. In place, because delivered segments must be able to go when the disk is full, and before
they go what they told is kept here; in turn, because a write that is cut short spoils one file and the other still
holds the state before. A file grows while there is space; where there is none, sources are put into one row until what
there is to tell fits.
"""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
from isal import isal_zlib

from collector.buffer.files import Files, write_whole
from collector.ledger import CARRIED, OTHERS, RECEIVED, REJECTED, TAKEN_OUT, Row

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
_NAMES = ("ledger.0", "ledger.1")
_LEAST_BYTES = 4096
_CRC_BYTES = 9
"""Eight hex digits and a newline."""


class NoCheckpoint(OSError):
    """The disk is full, and the file that should be written in place is not there."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The terms of the log named `log` as they stood.

    What all destinations share holds for all frames before `offset`, a destination's own terms for all before its
    `cursors` entry. `turn` counts the writes, from 1. `lines_gone` is behind the last line that is deleted.
    """

    log: str
    turn: int
    offset: int
    cursors: Mapping[str, int]
    rows: Mapping[str, Row]
    lines_gone: int = 0


def prepare_checkpoint(files: Files, folder: Path, log: str) -> None:
    """Have both files, so that a checkpoint can be written to a full disk too; on one that is full already, later.

    Raises OSError.
    """
    there = files.names(folder)
    empty = _seal(_encode(Checkpoint(log, 0, 0, {}, {})), _LEAST_BYTES)
    for name in _NAMES:
        if name not in there:
            try:
                write_whole(files, folder / name, empty)
            except OSError as error:
                if error.errno not in NO_SPACE:
                    raise


def write_checkpoint(files: Files, folder: Path, checkpoint: Checkpoint) -> None:
    """Write it down, durably, over the older one. Raises OSError, and NoCheckpoint where there is none to overwrite."""
    path = folder / _NAMES[checkpoint.turn % 2]
    content = _encode(checkpoint)
    room = _size(files, path)
    if len(content) + _CRC_BYTES > room:
        try:
            write_whole(files, path, _seal(content, _size_for(content)))
        except OSError as error:
            if error.errno not in NO_SPACE:
                raise
            if not room:
                raise NoCheckpoint(error.errno, "no space for a first checkpoint") from error
        else:
            return
        content = _fitting(checkpoint, room - _CRC_BYTES)
    files.overwrite(path, 0, _seal(content, room))


def read_checkpoint(files: Files, folder: Path, log: str) -> Checkpoint | None:
    """The newest checkpoint of this log that checks; None where there is none."""
    there = files.names(folder)
    read = (_decode(files.read(folder / name, 0, files.size(folder / name))) for name in _NAMES if name in there)
    known = [one for one in read if one is not None and one.log == log and one.turn]
    return max(known, key=lambda one: one.turn, default=None)


def folded(rows: Mapping[str, Row], kept: int) -> dict[str, Row]:
    """All lines in fewer rows: the `kept` sources that sent most keep theirs, the others share one."""
    by_size = sorted(rows, key=lambda source: rows[source].shared[RECEIVED, ""], reverse=True)
    own = [source for source in by_size if source != OTHERS][:kept]
    others = Row()
    for source in set(rows) - set(own):
        others.shared.update(rows[source].shared)
        for destination, terms in rows[source].of.items():
            others.of.setdefault(destination, Counter()).update(terms)
    return {**{source: rows[source] for source in own}, OTHERS: others}


def _fitting(checkpoint: Checkpoint, most_bytes: int) -> bytes:
    kept = len(checkpoint.rows)
    while kept:
        kept //= 2
        content = _encode(replace(checkpoint, rows=folded(checkpoint.rows, kept)))
        if len(content) <= most_bytes:
            return content
    raise OSError(errno.ENOSPC, "no space left for the ledger")


def _size(files: Files, path: Path) -> int:
    try:
        return files.size(path)
    except FileNotFoundError:
        return 0


def _size_for(content: bytes) -> int:
    size = _LEAST_BYTES
    while size < len(content) + _CRC_BYTES:
        size *= 2
    return size


def _seal(content: bytes, size: int) -> bytes:
    filled = content.ljust(size - _CRC_BYTES)
    return filled + b"%08x\n" % isal_zlib.crc32(filled)


def _encode(checkpoint: Checkpoint) -> bytes:
    rows = {source: _plain(row) for source, row in checkpoint.rows.items()}
    return orjson.dumps(
        {
            "log": checkpoint.log,
            "turn": checkpoint.turn,
            "offset": checkpoint.offset,
            "cursors": checkpoint.cursors,
            "rows": rows,
            "lines_gone": checkpoint.lines_gone,
        }
    )


def _plain(row: Row) -> dict[str, Any]:
    plain: dict[str, Any] = {term: row.shared[term, ""] for term in (RECEIVED, CARRIED) if row.shared[term, ""]}
    for term in (REJECTED, TAKEN_OUT):
        plain[term] = {reason: lines for (of, reason), lines in row.shared.items() if of == term}
    return {**plain, "of": row.of}


def _decode(content: bytes) -> Checkpoint | None:
    filled, crc = content[:-_CRC_BYTES], content[-_CRC_BYTES:]
    if crc != b"%08x\n" % isal_zlib.crc32(filled):
        return None
    fields = orjson.loads(filled)
    rows = {source: _row(plain) for source, plain in fields["rows"].items()}
    gone = fields.get("lines_gone", fields["offset"])  # where an older version did not write it down, there may be some
    return Checkpoint(fields["log"], fields["turn"], fields["offset"], fields["cursors"], rows, gone)


def _row(plain: Mapping[str, Any]) -> Row:
    row = Row()
    for term in (RECEIVED, CARRIED):
        row.shared[term, ""] += plain.get(term, 0)
    for term in (REJECTED, TAKEN_OUT):
        for reason, lines in plain[term].items():
            row.shared[term, reason] += lines
    for destination, terms in plain["of"].items():
        row.of[destination] = Counter(terms)
    return row
