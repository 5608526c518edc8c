"""One process at a time holds a buffer's folder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from foundation.errors import ConfigError


class FolderLock:
    """An flock on the file `lock`; the kernel lets go of it when the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "lock"
        self._fd: int | None = None

    def take(self) -> None:
        """Hold the folder. Raises ConfigError that says which process has it."""
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(fd, 64).decode("ascii", "replace").strip() or "unknown"
            os.close(fd)
            raise ConfigError(
                f"{self._path.parent}: process {holder} holds this buffer; stop it, or give this one another `state`"
            ) from error
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._fd = fd

    def release(self) -> None:
        """Let go; nothing happens when it is not held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
