"""Reads one stretch of a segment for a destination: whole, checked frames, joined for delivery."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from collector.buffer.contract import Origin
from collector.buffer.files import Files
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


def read_stretch(files: Files, path: Path, start: int, end: int, most_bytes: int) -> Stretch:
    """Frames of the segment at `path` from `start`, about `most_bytes` of members; offsets are the segment's.

    Raises OSError when the disk does not let it; a segment that is gone is not an error but missing.
    """
    stretch = Stretch(start)
    members: list[memoryview | bytes] = []
    size = unpacked = 0
    try:
        for found in walk(partial(files.read, path), start, end, whole=True, window=most_bytes):
            stretch.end = found.end
            if isinstance(found, Frame):
                members.append(found.member)
                size += len(found.member)
                unpacked += found.header.unpacked_bytes
                stretch.lines += found.header.lines
                header = found.header
                stretch.origins.append(Origin(found.source, header.accepted_ns, header.unpacked_bytes, header.lines))
            else:
                stretch.broken_bytes += found.end - found.start
            if size >= most_bytes or unpacked >= most_bytes * _MOST_RATIO:
                break
    except FileNotFoundError:
        return Stretch(end, missing_bytes=end - start)
    stretch.members = b"".join(members)
    return stretch
