"""How a process hands its listening sockets to the one that follows it, so that nobody who connects is refused.

Both meet at a unix socket in the state folder, which only its owner may open. The process that leaves sends the
descriptors, finishes what it has begun and ends; its end is the sign that every lock is free. Invariant: at every
moment somebody holds the listening sockets, and who connects while neither accepts waits in the kernel's backlog.

    successor                          predecessor
    {"roles": ["collector"]}     ->
                                 <-    {"sockets": {"collector": 1}} and the descriptors, or {"refused": "why"}
    go                           ->    stops accepting, answers, closes its files
                                 <-    end of file
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from foundation.errors import ConfigError
from foundation.logs import logger
from foundation.web import Listening

_log = logger("foundation.handover")
_MOST_BYTES = 4096
_MOST_SOCKETS = 64
_ASKING_S = 5.0
_GO = b"go"

Sockets = Mapping[str, tuple[socket.socket, ...]]
"""Role -> the sockets it listens on."""


class Offer:
    """Waits at the unix socket of `roles`' first for the process that follows, and hands over once.

    `leave` is called when the successor has the sockets; this process is then to end. Its connection to the successor
    stays open until it does.
    """

    def __init__(self, state: Path, listening: Mapping[str, Listening], leave: Callable[[], None]) -> None:
        self._path = _path(state, next(iter(listening)))
        self._listening = listening
        self._leave = leave
        self._successor: socket.socket | None = None
        self._made = asyncio.Event()

    @property
    def taken(self) -> bool:
        """Whether a successor has the sockets."""
        return self._successor is not None

    def close(self) -> None:
        """Tell the successor, if there is one, that everything here has ended."""
        if self._successor is not None:
            self._successor.close()

    async def run(self) -> None:
        """Wait, until cancelled. Where the state folder can hold no such socket, nobody can take over: that is told."""
        try:
            with _listener(self._path) as waiting:
                self._made.set()
                await self._wait(waiting)
        except OSError as error:
            _log.warning("nobody will be able to take over from this process", path=self._path, cause=error)
        self._made.set()
        await asyncio.Event().wait()

    async def made(self) -> None:
        """Return when `run` waits for a successor, or cannot."""
        await self._made.wait()

    async def _wait(self, waiting: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            asking, _ = await loop.sock_accept(waiting)
            asking.setblocking(False)
            try:
                async with asyncio.timeout(_ASKING_S):
                    agreed = await self._hand_over(asking)
            except (OSError, ValueError, KeyError, TypeError, TimeoutError) as error:
                _log.warning("a process that would take over went away", cause=error)
                agreed = False
            if agreed:
                self._successor = asking
                for one in self._listening.values():
                    one.handed_over = True
                self._leave()
                return
            asking.close()

    async def _hand_over(self, asking: socket.socket) -> bool:
        """Whether the other process has the sockets and wants this one to go."""
        loop = asyncio.get_running_loop()
        wanted = json.loads(await loop.sock_recv(asking, _MOST_BYTES))["roles"]
        left = [role for role in self._listening if role not in wanted]
        if left:
            same = "start the new one with the same roles, as in `tocsin up --take-over`"
            reason = f"process {os.getpid()} runs {', '.join(left)} too; {same}"
            await loop.sock_sendall(asking, json.dumps({"refused": reason}).encode())
            return False
        numbers = {role: one.filenos() for role, one in self._listening.items()}
        message = json.dumps({"sockets": {role: len(found) for role, found in numbers.items()}}).encode()
        socket.send_fds(asking, [message], [number for found in numbers.values() for number in found])
        return await loop.sock_recv(asking, len(_GO)) == _GO


def take_over(state: Path, roles: Sequence[str], *, patience_s: float) -> Sockets:
    """The sockets of whoever runs `roles` on this state folder, once those processes have ended; nobody: none.

    Blocks for at most `patience_s` a process. Raises ConfigError when one does not hand over, or does not end.
    """
    found: dict[str, tuple[socket.socket, ...]] = {}
    try:
        for role in roles:
            with socket.socket(socket.AF_UNIX) as predecessor:
                if _reach(predecessor, _path(state, role)):
                    found |= _receive(predecessor, state, roles)
                    _await_end(predecessor, role, patience_s)
    except ConfigError:
        for one in (one for sockets in found.values() for one in sockets):
            one.close()
        raise
    return found


def from_manager(roles: Sequence[str], env: Mapping[str, str], pid: int) -> Sockets:
    """The sockets that a service manager passes by LISTEN_FDS (systemd's socket activation), by LISTEN_FDNAMES.

    A process of one role needs no names. Raises ConfigError for a name that is no role of this process.
    """
    if env.get("LISTEN_PID") != str(pid):
        return {}
    count = int(env.get("LISTEN_FDS", "0"))
    names = env.get("LISTEN_FDNAMES", "").split(":") if env.get("LISTEN_FDNAMES") else []
    found: dict[str, tuple[socket.socket, ...]] = {}
    for index in range(count):
        name = names[index] if index < len(names) else ""
        if name not in roles and len(roles) == 1:
            name = roles[0]
        if name not in roles:
            mend = f"set FileDescriptorName to one of {', '.join(roles)}"
            raise ConfigError(f"LISTEN_FDNAMES: socket {index} is named {name!r}, which is no role here; {mend}")
        found[name] = (*found.get(name, ()), socket.socket(fileno=_FIRST_PASSED + index))
    return found


_FIRST_PASSED = 3
"""The first descriptor that a service manager passes (sd_listen_fds)."""


def _reach(predecessor: socket.socket, path: Path) -> bool:
    """Whether somebody waits there."""
    predecessor.settimeout(_ASKING_S)
    try:
        with _short(path) as name:
            predecessor.connect(name)
    except OSError:
        return False
    return True


def _receive(predecessor: socket.socket, state: Path, roles: Sequence[str]) -> Sockets:
    try:
        predecessor.sendall(json.dumps({"roles": list(roles)}).encode())
        message, numbers, _, _ = socket.recv_fds(predecessor, _MOST_BYTES, _MOST_SOCKETS)
        answer = json.loads(message)
        if "refused" in answer:
            raise ConfigError(f"{state}: cannot take over: {answer['refused']}")
        received = [socket.socket(fileno=number) for number in numbers]
        predecessor.sendall(_GO)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{state}: the running process does not hand over ({error}); stop it, then start") from error
    left = iter(received)
    return {role: tuple(next(left) for _ in range(count)) for role, count in answer["sockets"].items()}


def _await_end(predecessor: socket.socket, role: str, patience_s: float) -> None:
    predecessor.settimeout(patience_s)
    try:
        while predecessor.recv(_MOST_BYTES):
            pass
    except TimeoutError as error:
        problem = f"the process that handed over the {role} has not ended within {patience_s:g} s"
        raise ConfigError(f"{problem}; look into its log, end it, and start again") from error
    except ConnectionError:
        return


def _path(state: Path, role: str) -> Path:
    return state / f"{role}.sock"


@contextmanager
def _listener(path: Path) -> Iterator[socket.socket]:
    """A unix socket that only the owner may connect to. What was left at its path goes first, itself at the end."""
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as waiting, _short(path) as name:
        waiting.setblocking(False)
        waiting.bind(name)
        path.chmod(0o600)  # before anybody can connect
        waiting.listen()
        try:
            yield waiting
        finally:
            with suppress(OSError):
                path.unlink()


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name of the path that fits into a unix socket's address (108 bytes on Linux), however deep the folder is."""
    if not Path("/proc/self/fd").is_dir():
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
