"""Writes one log's frames. Used by the one thread that commits groups, and by nobody else.

Invariant: `end` moves only after a sync. After any failure the file is left where it was last known good and never
written again; the next group goes to a new segment, so nothing stands on a tail that a failed sync may have lost.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from collector.buffer.files import Files, OpenFile
from collector.buffer.log import segment_name


class LogWriter:
    """Appends to segments of about `segment_bytes` each, in the folder of one log."""

    def __init__(self, files: Files, folder: Path, end: int, segment_bytes: int) -> None:
        self._files = files
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._file: OpenFile | None = None
        self.base = end
        self.size_bytes = 0

    @property
    def end(self) -> int:
        """The log's offset behind the last durable byte."""
        return self.base + self.size_bytes

    def append(self, frames: Sequence[bytes]) -> int:
        """Make the frames durable; returns their bytes. Raises OSError, and then none of them counts."""
        if self.size_bytes >= self._segment_bytes:
            self.seal()
        added = sum(map(len, frames))
        try:
            file = self._file or self._begin()
            file.write(frames)
            file.sync()
        except BaseException:
            self._abandon()
            raise
        self.size_bytes += added
        return added

    def seal(self, end: int | None = None) -> None:
        """Close the segment; the next append begins a new one, at `end` if that is further on."""
        self._close()
        self.base = max(self.end, end or 0)
        self.size_bytes = 0

    def _begin(self) -> OpenFile:
        path = self._folder / segment_name(self.base)
        self._files.remove(path)
        self._file = self._files.create(path)
        self._files.sync_folder(self._folder)
        return self._file

    def _abandon(self) -> None:
        """Give back the space of what did not become durable, if the disk lets us; recovery does it otherwise."""
        self._close()
        path = self._folder / segment_name(self.base)
        with contextlib.suppress(OSError):
            if self.size_bytes:
                self._files.truncate(path, self.size_bytes)
            else:
                self._files.remove(path)
        self.seal()

    def _close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None
