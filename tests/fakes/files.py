"""A file system in memory that loses, at a crash, every byte and every name that was never synced.

It counts operations. `stop_at` fails that operation and every one after it (the machine is gone); `fail_at` fails that
one alone; `full_from` lets nothing new be written from that operation on, until `fill(0)`. `after_crash` is what the
next start finds: with `torn`, a part of the unsynced bytes reached the disk, as the page cache may have it.

What a failed sync was to write is lost for good, as with Linux: its pages count as clean, so a later sync that succeeds
does not bring them to the disk.
"""

import errno
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Inode:
    data: bytes = b""
    synced: bytes = b""
    lost: set[int] = field(default_factory=set)
    """Places whose bytes no sync will write, because one failed."""

    def write(self, offset: int, content: bytes) -> None:
        self.data = self.data[:offset] + content + self.data[offset + len(content) :]
        self.lost.difference_update(range(offset, offset + len(content)))

    def cut(self, length: int) -> None:
        self.data = self.data[:length]
        self.lost.difference_update(range(length, max(self.lost, default=0) + 1))

    def lose(self) -> None:
        """A sync failed: what is not on the disk stays away from it."""
        kept = self.synced.ljust(len(self.data), b"\0")
        behind = range(len(self.synced), len(self.data))
        self.lost.update(behind, (at for at, byte in enumerate(self.data) if byte != kept[at]))

    def keep(self) -> None:
        """A sync succeeded."""
        self.synced = self._without_lost()

    def survived(self, torn: float) -> bytes:
        """What a crash leaves: of bytes behind the synced ones the part `torn`, of others all unless that is 0."""
        extra = len(self.data) - len(self.synced)
        if extra > 0:
            return self.synced + self.data[len(self.synced) :][: int(extra * torn)]
        return self._without_lost() if torn else self.synced

    def _without_lost(self) -> bytes:
        if not self.lost:
            return self.data
        before = self.synced.ljust(len(self.data), b"\0")
        return bytes(before[at] if at in self.lost else byte for at, byte in enumerate(self.data))


@dataclass
class Folder:
    names: dict[str, Inode] = field(default_factory=dict)
    synced: dict[str, Inode] = field(default_factory=dict)
    durable: bool = False


class OpenInode:
    def __init__(self, files: "MemoryFiles", inode: Inode) -> None:
        self._files = files
        self._inode = inode

    def write(self, parts: Sequence[bytes]) -> None:
        content = b"".join(parts)
        try:
            self._files.count("write")
        except OSError:
            self._inode.write(len(self._inode.data), content[: len(content) // 2])
            raise
        self._inode.write(len(self._inode.data), content)

    def sync(self) -> None:
        self._files.sync_inode(self._inode)

    def close(self) -> None:
        pass


class MemoryFiles:
    def __init__(
        self,
        *,
        stop_at: int = 0,
        fail_at: int = 0,
        full_from: int = 0,
        number: int = errno.EIO,
        syncs: bool = True,
    ) -> None:
        self.operations = 0
        self.kinds: list[str] = []
        self._stop_at = stop_at
        self._fail_at = fail_at
        self._full_from = full_from
        self._number = number
        self._syncs = syncs
        self._folders: dict[Path, Folder] = {}
        self._full = 0

    def fill(self, number: int) -> None:
        """From now on nothing new can be written, with this errno; 0 makes room again."""
        self._full = number

    @property
    def folders(self) -> list[Path]:
        """Every folder that was made."""
        return list(self._folders)

    @property
    def struck(self) -> bool:
        """Whether the fault that was asked for has come."""
        return self.operations >= max(self._stop_at, self._fail_at, self._full_from)

    def count(self, kind: str) -> None:
        self.operations += 1
        self.kinds.append(kind)
        if self.operations == self._full_from:
            self.fill(errno.ENOSPC)
        if self._full and kind in ("write", "create"):
            raise OSError(self._full, "the disk is full")
        if self.operations == self._fail_at or (self._stop_at and self.operations >= self._stop_at):
            raise OSError(self._number, "made to fail")

    def sync_inode(self, inode: Inode) -> None:
        try:
            self.count("sync")
        except OSError:
            inode.lose()
            raise
        if self._syncs:
            inode.keep()

    def after_crash(self, *, torn: float = 0.0) -> "MemoryFiles":
        """A fresh file system holding what survived."""
        survived = MemoryFiles()
        for path, folder in self._folders.items():
            if not folder.durable:
                continue
            names: dict[str, Inode] = {}
            for name, inode in folder.synced.items():
                data = inode.survived(torn)
                names[name] = Inode(data, data)
            survived._folders[path] = Folder(dict(names), dict(names), durable=True)
        return survived

    def make_folder(self, path: Path) -> None:
        self.count("make_folder")
        for one in (path, *path.parents):
            self._folders.setdefault(one, Folder(durable=len(one.parts) == 1))

    def names(self, folder: Path) -> list[str]:
        self.count("names")
        files = self._folders[folder].names if folder in self._folders else {}
        return sorted([*files, *(path.name for path in self._folders if path.parent == folder != path)])

    def size(self, path: Path) -> int:
        self.count("size")
        return len(self._inode(path).data)

    def read(self, path: Path, offset: int, length: int) -> bytes:
        self.count("read")
        return self._inode(path).data[offset : offset + length]

    def create(self, path: Path) -> OpenInode:
        self.count("create")
        folder = self._folders[path.parent]
        if path.name in folder.names:
            raise FileExistsError(errno.EEXIST, "exists", str(path))
        inode = folder.names[path.name] = Inode()
        return OpenInode(self, inode)

    def overwrite(self, path: Path, offset: int, content: bytes) -> None:
        inode = self._inode(path)
        try:
            self.count("overwrite")
        except OSError:
            content = content[: len(content) // 2]
            raise
        finally:
            inode.write(offset, content)
        self.sync_inode(inode)

    def truncate(self, path: Path, length: int) -> None:
        self.count("truncate")
        inode = self._inode(path)
        inode.cut(length)
        if self._syncs:
            inode.keep()

    def sync(self, path: Path) -> None:
        self.sync_inode(self._inode(path))

    def sync_folder(self, folder: Path) -> None:
        self.count("sync_folder")
        if not self._syncs:
            return
        if folder in self._folders:
            self._folders[folder].synced = dict(self._folders[folder].names)
        for path, inner in self._folders.items():
            if path.parent == folder:
                inner.durable = True

    def rename(self, old: Path, new: Path) -> None:
        self.count("rename")
        folder = self._folders[old.parent]
        folder.names[new.name] = folder.names.pop(old.name)

    def remove(self, path: Path) -> None:
        self.count("remove")
        self._folders[path.parent].names.pop(path.name, None)

    def _inode(self, path: Path) -> Inode:
        folder = self._folders.get(path.parent)
        if folder is None or path.name not in folder.names:
            raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
        return folder.names[path.name]
