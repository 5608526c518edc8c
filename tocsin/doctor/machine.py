"""This machine, as far as the checks look at it: disk, ports, processes, Python. A port is tried and let go."""

from __future__ import annotations

import errno
import os
import platform
import re
import resource
import shutil
import socket
import sys
import time
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import psutil

from foundation.web import Address

_PATIENCE_S = 5.0
_REQUIREMENT = re.compile(r"([A-Za-z0-9_.-]+)>=([0-9.]+)")


class Machine(Protocol):
    """What the checks ask of the machine."""

    def space(self, folder: Path) -> tuple[int, int]:
        """Bytes that are free where `folder` is, and bytes in all. Raises OSError."""

    def entries(self, folder: Path) -> tuple[int, int]:
        """Files that can still be made where `folder` is, and in all; (0, 0) where none are counted. Raises OSError."""

    def file_system(self, folder: Path) -> str:
        """Of which kind it is there, as in `ext4` or `nfs4`; empty where that cannot be known."""

    def open_files(self) -> int:
        """How many files a process of this user may have open, once it asked for all that it may."""

    def knows_zone(self, name: str) -> bool:
        """Whether the rules of a time zone are there."""

    def unreached(self, host: str, port: int) -> str:
        """Why no connection can be made there, or empty; bounded in time."""

    def taken(self, address: Address) -> str:
        """Why nobody can listen there, or empty."""

    def holder(self, port: int) -> str:
        """Who listens on the port, as in `nginx (process 4711)`; empty where that cannot be known."""

    def alive(self, pid: int) -> bool:
        """Whether such a process runs."""

    def user(self) -> int:
        """The number of the user whom this process runs as; 0 may do anything."""

    def python(self) -> tuple[int, int]:
        """The version of Python."""

    def platform(self) -> str:
        """Operating system and processor, as in `linux x86_64`."""

    def packages(self) -> Mapping[str, tuple[str, str]]:
        """Name -> (the least version that we need, the version that is installed or empty)."""

    def pause(self, seconds: float) -> None:
        """Wait."""


class ThisMachine:
    """The one that the doctor runs on."""

    def space(self, folder: Path) -> tuple[int, int]:
        """See Machine."""
        usage = shutil.disk_usage(folder)
        return usage.free, usage.total

    def entries(self, folder: Path) -> tuple[int, int]:
        """See Machine."""
        found = os.statvfs(folder)
        return found.f_favail, found.f_files

    def file_system(self, folder: Path) -> str:
        """See Machine: of what is mounted nearest above it."""
        mounted = {Path(one.mountpoint): one.fstype for one in psutil.disk_partitions(all=True)}
        return next((mounted[one] for one in (folder, *folder.parents) if one in mounted), "")

    def open_files(self) -> int:
        """See Machine."""
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        return sys.maxsize if hard == resource.RLIM_INFINITY else hard

    def knows_zone(self, name: str) -> bool:
        """See Machine."""
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, OSError, ValueError):
            return False
        return True

    def unreached(self, host: str, port: int) -> str:
        """See Machine: nothing is sent."""
        try:
            with socket.create_connection((host, port), timeout=_PATIENCE_S):
                return ""
        except OSError as error:
            return str(error.strerror or error)

    def taken(self, address: Address) -> str:
        """See Machine: the port is bound for a moment, as a start would do, and nobody is listened to."""
        try:
            [(family, kind, protocol, _, where), *_] = socket.getaddrinfo(
                address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
            with socket.socket(family, kind, protocol) as tried:
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                tried.bind(where)
        except OSError as error:
            return "taken" if error.errno == errno.EADDRINUSE else str(error.strerror or error)
        return ""

    def holder(self, port: int) -> str:
        """See Machine: other users' processes are told to root alone."""
        try:
            found = {
                one.pid
                for one in psutil.net_connections("tcp")
                if one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port and one.pid
            }
            return ", ".join(f"{psutil.Process(pid).name()} (process {pid})" for pid in sorted(found))
        except (psutil.Error, OSError):
            return ""

    def alive(self, pid: int) -> bool:
        """See Machine."""
        return psutil.pid_exists(pid)

    def user(self) -> int:
        """See Machine."""
        return os.geteuid()

    def python(self) -> tuple[int, int]:
        """See Machine."""
        return sys.version_info[:2]

    def platform(self) -> str:
        """See Machine."""
        return f"{sys.platform} {platform.machine()}"

    def packages(self) -> Mapping[str, tuple[str, str]]:
        """See Machine: what stands in the metadata of the installed tocsin; markers of other platforms are left out."""
        found: dict[str, tuple[str, str]] = {}
        for text in metadata.requires("tocsin") or ():
            requirement = _REQUIREMENT.match(text.replace(" ", ""))
            if requirement and ("win32" not in text or sys.platform != "win32"):
                name, least = requirement.groups()
                try:
                    found[name] = least, metadata.version(name)
                except metadata.PackageNotFoundError:
                    found[name] = least, ""
        return found

    def pause(self, seconds: float) -> None:
        """See Machine."""
        time.sleep(seconds)
