"""Whether there is room to have some rows twice for a moment. Asked in the event loop before each move."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from store.embedded.sizes import tell_size

if TYPE_CHECKING:
    from store.embedded.quota import Quota

_SPARE_BYTES: Final = 64_000_000
"""Left on the disk for the lines that come meanwhile."""


def free_on_disk(path: Path) -> int:
    """Bytes that may still be written beside a file."""
    return shutil.disk_usage(path.parent).free


@dataclass(frozen=True, slots=True)
class Room:
    """Of the disk that holds the file, and of the store's quota."""

    path: Path
    quota: Quota
    free: Callable[[Path], int] = free_on_disk

    def lack(self, size_bytes: int) -> str:
        """Why so many bytes cannot be written; empty where they can."""
        free = self.free(self.path)
        if free < size_bytes + _SPARE_BYTES:
            return f"needs {tell_size(size_bytes + _SPARE_BYTES)} on the disk, which has {tell_size(free)}"
        if not self.quota.leaves(size_bytes):
            return f"needs {tell_size(size_bytes)} of the quota, which is nearly used up"
        return ""
