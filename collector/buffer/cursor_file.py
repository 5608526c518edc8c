"""How far a destination is, on disk: one file with two slots, written in turn and in place.

In place, because a cursor must be able to move when the disk is full: only then can delivered segments go and make
room. In turn, because a write that is cut short spoils one slot and the other still holds the position before.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import orjson
from isal import isal_zlib

from collector.buffer.files import Files, write_whole

SUFFIX = ".cursor"
SLOT_BYTES = 512
_CRC_BYTES = 9
"""Eight hex digits and a newline."""


@dataclass(frozen=True, slots=True)
class CursorRecord:
    """Everything before `offset` of the log named `log` is delivered; `turn` counts the writes, from 1."""

    destination: str
    log: str
    offset: int
    turn: int


def write_cursor(files: Files, path: Path, record: CursorRecord) -> None:
    """Write the record down, durably, over the older one of the two slots. Raises OSError."""
    slot = _encode(record)
    if record.turn > 1:
        try:
            files.overwrite(path, record.turn % 2 * SLOT_BYTES, slot)
        except FileNotFoundError:
            write_whole(files, path, slot * 2)
    else:
        write_whole(files, path, slot * 2)


def read_cursor(files: Files, path: Path) -> CursorRecord | None:
    """The newest record of the file that checks; None when neither slot does."""
    content = files.read(path, 0, 2 * SLOT_BYTES)
    slots = (_decode(content[:SLOT_BYTES]), _decode(content[SLOT_BYTES:]))
    return max(filter(None, slots), key=lambda record: record.turn, default=None)


def _encode(record: CursorRecord) -> bytes:
    fields = orjson.dumps(record).ljust(SLOT_BYTES - _CRC_BYTES)
    if len(fields) > SLOT_BYTES - _CRC_BYTES:
        raise ValueError(f"the name of destination {record.destination!r} is too long for a cursor file")
    return fields + b"%08x\n" % isal_zlib.crc32(fields)


def _decode(slot: bytes) -> CursorRecord | None:
    fields, crc = slot[:-_CRC_BYTES], slot[-_CRC_BYTES:]
    if len(slot) < SLOT_BYTES or crc != b"%08x\n" % isal_zlib.crc32(fields):
        return None
    return CursorRecord(**orjson.loads(fields))
