"""The state folder: whether it is there, is ours, keeps its secrets, and has room."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from tocsin.doctor.finding import Finding, NotNow, fine, hint, wrong
from tocsin.doctor.patient import Patient

_FEW_ENTRIES = 10_000
_REMOTE = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "ceph", "glusterfs", "fuse.glusterfs")
"""Whose locks and fdatasync are somebody else's promise."""

_SECRETS = ("tokens.json", "own.token")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_LEAST_FREE = 0.05
_LITTLE_FREE = 0.10
_LEAST_BYTES = 256 << 20
_MIB = 1 << 20
_GIB = 1 << 30


class StateFolder:
    """Whether the folder of everything durable can be used, and by nobody who should not."""

    name = "state folder"

    def look(self, patient: Patient) -> Iterator[Finding]:
        """See Check."""
        folder, user = patient.config.state, patient.machine.user()
        choose = "choose another with `state` in tocsin.yml"
        if not folder.exists():
            above = _nearest(folder)
            if os.access(above, os.W_OK):
                yield hint(f"{folder}: is not there yet; the first start makes it", "`tocsin up`")
            else:
                yield wrong(f"{folder}: is not there, and {above} cannot be written to", choose)
        elif not folder.is_dir():
            yield wrong(f"{folder}: is no folder", choose)
        else:
            faults = [*_owned(folder, user), *_kept(folder), *_local(folder, patient)]
            yield from faults
            if not faults:
                yield fine(f"{folder}: is there and can be written to")


class Disk:
    """Whether there is room for what comes, and for all that the buffer may take."""

    name = "disk"

    def look(self, patient: Patient) -> Iterator[Finding]:
        """See Check. Raises OSError where the disk cannot be asked."""
        folder, quota = patient.config.state, patient.config.collector.buffer.quota_bytes
        free, total = patient.machine.space(_nearest(folder))
        left = f"{_size(free)} of {_size(total)} are free where {folder} is"
        entries, most = patient.machine.entries(_nearest(folder))
        if most and entries < _FEW_ENTRIES:
            words = f"only {entries} of {most} files can still be made where {folder} is (inodes)"
            yield wrong(words, "remove files there; `df -i` shows how many there are")
        if free < _LEAST_BYTES or free < _LEAST_FREE * total:
            yield wrong(
                f"almost full: {left}", "make room there; until then lines are refused with 503 when it is full"
            )
        elif free < quota:
            mend = f"collector.buffer.quota_bytes below {free}, or make room"
            yield hint(f"{left}: less than the {_size(quota)} that the buffer may take", mend)
        elif free < _LITTLE_FREE * total:
            yield hint(f"filling up: {left}", "make room there, or shorten retention")
        else:
            yield fine(left)


def _size(count: int) -> str:
    return f"{count / _GIB:.1f} GiB" if count >= _GIB else f"{count / _MIB:.0f} MiB"


def _owned(folder: Path, user: int) -> Iterator[Finding]:
    owner = folder.stat().st_uid
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        words = f"{folder}: belongs to user {owner}, and this is user {user}, who may not read and write it"
        yield wrong(words, f"run as its owner (`sudo -u '#{owner}' tocsin doctor`), or `chown -R {user} {folder}`")
    elif owner != user:
        words = f"{folder}: belongs to user {owner}, and this is user {user}: whoever starts it next may lack its files"
        yield hint(words, f"run as its owner, or `chown -R {user} {folder}`")


def _local(folder: Path, patient: Patient) -> Iterator[Finding]:
    kind = patient.machine.file_system(folder.resolve())
    if kind in _REMOTE:
        words = f"{folder}: lies on a network file system ({kind}), which may lose what was acknowledged, and locks"
        yield hint(words, "choose a local disk with `state` in tocsin.yml")


def _kept(folder: Path) -> Iterator[Finding]:
    for name in _SECRETS:
        file = folder / name
        try:
            mode = file.stat().st_mode
        except OSError:
            continue
        if mode & _OTHERS:
            yield wrong(f"{file}: others may read or change it (mode {stat.S_IMODE(mode):o})", f"`chmod 600 {file}`")


def _nearest(folder: Path) -> Path:
    """The folder, or what is there above it. Raises NotNow where there is nothing."""
    for one in (folder.absolute(), *folder.absolute().parents):
        if one.exists():
            return one
    raise NotNow(f"nothing is there above {folder}")
