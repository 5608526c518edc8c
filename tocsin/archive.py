"""What a backup is: a folder, or a tar of it, with a manifest that says what is in it and was written last.

    manifest.json        format, when, points of each measurement, size and SHA-256 of every file
    telemetry.duckdb     the store
    alerting.sqlite ...  see STATE

Invariant: what stands under the name that was asked for is whole; until then it is called NAME.part.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import duckdb

from foundation.errors import ConfigError

MANIFEST = "manifest.json"
STORE = "telemetry.duckdb"
DATABASES = ("alerting.sqlite", "field_types.sqlite", "dead/letters.sqlite")
"""Of the state folder: alerts and notifications, pinned types, dead letters."""
FILES = ("tokens.json",)
"""Of the state folder; the tokens are hashes."""
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORMAT = 1
_CHUNK = 1 << 20

Lines = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was read: where its files are, and what its manifest says of each."""

    folder: Path
    files: Mapping[str, Mapping[str, Any]]
    lines: Lines
    created: str

    def has(self, name: str, path: Path) -> bool:
        """Whether `path` holds what the backup has under the name, byte by byte."""
        told = self.files[name]
        return path.is_file() and path.stat().st_size == told["bytes"] and _digest(path) == told["sha256"]


def is_tar(path: Path) -> bool:
    """Whether a backup of this name is one file."""
    return path.suffix == ".tar"


@contextmanager
def being_made(target: Path) -> Iterator[Path]:
    """An empty folder that becomes the backup `target` when the context ends well, and nothing when it does not.

    Raises ConfigError where there is something of that name.
    """
    if target.exists():
        raise ConfigError(f"{target}: is there already; a backup overwrites nothing")
    part = target.with_name(target.name + ".part")
    _remove(part)
    part.mkdir(mode=0o700, parents=True)
    try:
        yield part
        if is_tar(target):
            packed = target.with_name(target.name + ".part.tar")
            _pack(part, packed)
            packed.rename(target)
            _remove(part)
        else:
            for folder, _, _ in os.walk(part):
                sync(Path(folder))
            part.rename(target)
        sync(target.absolute().parent)
    except BaseException:
        _remove(part)
        raise


@contextmanager
def being_written(place: Path) -> Iterator[None]:
    """A disk that has no room for what is written to `place` is told as such: raises ConfigError."""
    try:
        yield
    except (OSError, duckdb.IOException) as error:
        if isinstance(error, OSError) and error.errno not in NO_ROOM:
            raise
        raise ConfigError(f"{place}: cannot be written ({error}); make room, or name another place") from error


def write_manifest(folder: Path, *, created: str, lines: Lines) -> None:
    """Write down what is in the folder, last of all; everything is on disk then."""
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    files = {name: {"bytes": (folder / name).stat().st_size, "sha256": _digest(folder / name)} for name in names}
    for name in names:
        sync(folder / name)
    content = {"product": "tocsin", "format": _FORMAT, "created": created, "lines": lines, "files": files}
    (folder / MANIFEST).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    sync(folder / MANIFEST)


@contextmanager
def opened(source: Path) -> Iterator[Backup]:
    """The backup at `source`, every file of it verified. Raises ConfigError where it is none, or not whole."""
    if not source.exists():
        raise ConfigError(f"{source}: there is no such backup")
    if source.is_dir():
        yield _read(source)
        return
    with _unpacked(source) as folder:
        yield _read(folder, source)


@contextmanager
def _unpacked(source: Path) -> Iterator[Path]:
    """A folder beside the file with what is in it. What a killed process had unpacked there goes first.

    Raises ConfigError where it is none of ours, or where another process has it unpacked.
    """
    folder = source.absolute().with_name(f".{source.name}.unpacked")
    with source.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigError(f"{source}: is being read by another restore; wait for its end") from error
        _remove(folder)
        folder.mkdir(mode=0o700)
        try:
            _extract(file, source, folder)
            yield folder
        finally:
            _remove(folder)


def _extract(file: BinaryIO, source: Path, folder: Path) -> None:
    try:
        with tarfile.open(fileobj=file) as archive:
            archive.extractall(folder, filter="data")
    except (tarfile.TarError, EOFError) as error:
        raise ConfigError(f"{source}: is no backup, or not all of one ({error})") from error


def sync(path: Path) -> None:
    """Make a file, or the names in a folder, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(folder: Path, named: Path | None = None) -> Backup:
    name = named or folder
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        version, files, lines, created = (content[key] for key in ("format", "files", "lines", "created"))
    except FileNotFoundError as error:
        raise ConfigError(f"{name}: has no {MANIFEST}: it is no backup, or one that was not finished") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{name}: its {MANIFEST} cannot be read ({error}); take another backup") from error
    if version != _FORMAT:
        raise ConfigError(f"{name}: has format {version}, this version of Tocsin reads {_FORMAT}; upgrade Tocsin")
    backup = Backup(folder, files, lines, created)
    for file in files:
        if file not in (STORE, *DATABASES, *FILES):
            raise ConfigError(f"{name}: names {file}, which belongs to no backup")
        if not backup.has(file, folder / file):
            raise ConfigError(f"{name}: {file} is not as it was when the backup was made; take another backup")
    return backup


def _pack(folder: Path, packed: Path) -> None:
    with packed.open("wb") as file:
        os.fchmod(file.fileno(), 0o600)
        with tarfile.open(fileobj=file, mode="w") as archive:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    archive.add(path, str(path.relative_to(folder)))
        file.flush()
        os.fsync(file.fileno())


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
