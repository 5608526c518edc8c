"""Every operation on the disk that the buffer makes, and no other: the seam at which tests stop it, fill the disk or
take back what was never synced.

Concurrency: called from the buffer's threads; one file is written by one thread.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

_MOST_PARTS = 512
"""writev takes at most IOV_MAX (1 024) parts."""


class OpenFile(Protocol):
    """A new file that is only ever appended to."""

    def write(self, parts: Sequence[bytes]) -> None:
        """Append all parts. Raises OSError; then any piece of them may have been written."""

    def sync(self) -> None:
        """Return when everything written is durable."""

    def close(self) -> None:
        """Let go of the file."""


class Files(Protocol):
    """What the buffer asks of a file system. All raise OSError."""

    def make_folder(self, path: Path) -> None:
        """Make a folder and its parents; no error when it is there."""

    def names(self, folder: Path) -> list[str]:
        """Names in the folder, sorted; none when there is no folder."""

    def size(self, path: Path) -> int:
        """Bytes in the file."""

    def read(self, path: Path, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`; fewer only at the end of the file."""

    def create(self, path: Path) -> OpenFile:
        """A new, empty file. Raises FileExistsError."""

    def overwrite(self, path: Path, offset: int, content: bytes) -> None:
        """Replace bytes in the middle of an existing file, durably and without needing space."""

    def truncate(self, path: Path, length: int) -> None:
        """Cut the file to `length`, durably."""

    def sync(self, path: Path) -> None:
        """Make everything in an existing file durable."""

    def sync_folder(self, folder: Path) -> None:
        """Make the names in the folder durable."""

    def rename(self, old: Path, new: Path) -> None:
        """Give a file its final name, replacing what had it."""

    def remove(self, path: Path) -> None:
        """Delete a file; no error when it is gone."""


class _Appending:
    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)

    def write(self, parts: Sequence[bytes]) -> None:
        for first in range(0, len(parts), _MOST_PARTS):
            some = parts[first : first + _MOST_PARTS]
            written = os.writev(self._fd, some)
            if written < sum(map(len, some)):
                self._write_rest(b"".join(some)[written:])

    def _write_rest(self, rest: bytes) -> None:
        while rest:
            rest = rest[os.write(self._fd, rest) :]

    def sync(self) -> None:
        _datasync(self._fd)

    def close(self) -> None:
        os.close(self._fd)


class DiskFiles:
    """The machine's own file system."""

    def make_folder(self, path: Path) -> None:
        """Make a folder and its parents."""
        path.mkdir(parents=True, exist_ok=True, mode=0o700)

    def names(self, folder: Path) -> list[str]:
        """Names in the folder, sorted; none when there is no folder."""
        try:
            return sorted(os.listdir(folder))  # noqa: PTH208 - names are wanted, not paths
        except FileNotFoundError:
            return []

    def size(self, path: Path) -> int:
        """Bytes in the file."""
        return path.stat().st_size

    def read(self, path: Path, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`."""
        with path.open("rb", buffering=0) as file:
            file.seek(offset)
            return file.read(length)

    def create(self, path: Path) -> OpenFile:
        """A new, empty file."""
        return _Appending(path)

    def overwrite(self, path: Path, offset: int, content: bytes) -> None:
        """Replace bytes in the middle of an existing file, durably."""
        with path.open("r+b", buffering=0) as file:
            file.seek(offset)
            file.write(content)
            _datasync(file.fileno())

    def truncate(self, path: Path, length: int) -> None:
        """Cut the file to `length`, durably."""
        with path.open("r+b", buffering=0) as file:
            file.truncate(length)
            os.fsync(file.fileno())

    def sync(self, path: Path) -> None:
        """Make everything in an existing file durable."""
        with path.open("r+b", buffering=0) as file:
            os.fsync(file.fileno())

    def sync_folder(self, folder: Path) -> None:
        """Make the names in the folder durable."""
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def rename(self, old: Path, new: Path) -> None:
        """Give a file its final name."""
        old.rename(new)

    def remove(self, path: Path) -> None:
        """Delete a file; no error when it is gone."""
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


def write_whole(files: Files, path: Path, content: bytes) -> None:
    """Replace the file by `content`: after a crash it holds the old content or the new one, whole."""
    part = path.with_name(path.name + ".part")
    files.remove(part)
    file = files.create(part)
    try:
        file.write([content])
        file.sync()
    finally:
        file.close()
    files.rename(part, path)
    files.sync_folder(path.parent)


_datasync = getattr(os, "fdatasync", os.fsync)
"""macOS has no fdatasync; fsync does at least as much."""
