"""`listen.json` in the state folder: which role accepts where, and which process it is.

    {"collector": "127.0.0.1:41234", "console": "127.0.0.1:8080", "pids": {"collector": 4711, "console": 4711}}

Written whole (rename) under a lock, so a reader never sees half of it and two processes never lose each other's keys.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from foundation.errors import ConfigError

_FILE = "listen.json"
_LOCK = "listen.lock"


class DiskFull(ConfigError):
    """There is no space to write the addresses down; that ends when what waits in the buffer is delivered."""


def announce(state: Path, addresses: Mapping[str, str], pid: int) -> None:
    """Add or replace the keys of `addresses` (role -> HOST:PORT), owned by process `pid`."""
    with _edited(state) as content:
        content.update(addresses)
        content["pids"] = content.get("pids", {}) | dict.fromkeys(addresses, pid)


def withdraw(state: Path, roles: Iterable[str], pid: int) -> None:
    """Remove the keys of `roles` that `pid` owns or whose owner is gone; those of another live process stay.

    Called at the start, so that nobody follows a dead address, and at a clean stop.
    """
    with _edited(state) as content:
        owners = content.get("pids", {})
        for role in roles:
            owner = owners.get(role)
            if owner is None or owner == pid or not _runs(owner):
                content.pop(role, None)
                owners.pop(role, None)


def addresses(state: Path) -> dict[str, str]:
    """Role -> HOST:PORT as announced last; empty when nothing runs."""
    return {role: where for role, where in _read(state).items() if isinstance(where, str)}


def owners(state: Path) -> dict[str, int]:
    """Role -> the process that announced it, whether it still runs or not."""
    pids = _read(state).get("pids")
    return {role: pid for role, pid in pids.items() if isinstance(pid, int)} if isinstance(pids, dict) else {}


def _read(state: Path) -> dict[str, Any]:
    try:
        content = json.loads((state / _FILE).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def _edited(state: Path) -> Iterator[dict[str, Any]]:
    """The content, written back at the end. Raises ConfigError for a folder that cannot be written to."""
    try:
        yield from _locked(state)
    except OSError as error:
        problem = f"the state folder cannot be written to: {error.strerror or error}"
        kind = DiskFull if error.errno in (errno.ENOSPC, errno.EDQUOT) else ConfigError
        raise kind(f"{state}: {problem}; choose another with TOCSIN_STATE, or with `state` in tocsin.yml") from error


def _locked(state: Path) -> Iterator[dict[str, Any]]:
    state.mkdir(parents=True, exist_ok=True)
    with (state / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        content = _read(state)
        yield content
        part = state / f"{_FILE}.part"
        with part.open("w", encoding="utf-8") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        part.rename(state / _FILE)
