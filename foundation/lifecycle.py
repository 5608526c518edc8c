"""Roles, named tasks, signals and a bounded, ordered shutdown.

A process is a list of roles. `serve` starts them in order, says when all are ready, waits for a signal or an incident,
and stops them in the reverse order, each within its share of the grace. A task that was meant to run for ever and ends
by itself is an incident: it is logged and ends the process, because a half-dead process is worse than a restarted one.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol

from foundation.logs import logger

_log = logger("foundation.lifecycle")

OnIncident = Callable[[str, BaseException | None], None]
_FOLLOW_GRACE_S = 0.5
_LEAVING_GRACE_S = 15.0
"""For each role of a process that has handed over its sockets."""
TakeUp = Callable[[], Awaitable[None]]
"""Puts in force what a role has looked at and found good. It does not fail."""


class Role(Protocol):
    """A part of the process that accepts somewhere: collector, alerting, console, demo."""

    @property
    def name(self) -> str:
        """Its key in listen.json."""

    async def start(self) -> str:
        """Start and return the address really bound, `127.0.0.1:41234`. Raises ConfigError when it cannot."""

    async def stop(self) -> None:
        """Stop in a bounded time; called once, also after a failed start."""


class Tasks:
    """Owns named tasks that run until they are stopped."""

    def __init__(self, on_incident: OnIncident) -> None:
        self._on_incident = on_incident
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    def spawn(self, coro: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run `coro` until `stop`; if it ends before, for whatever reason, `on_incident(name, error)` is called."""
        task = asyncio.create_task(coro, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def stop(self, grace_s: float = 3.0) -> None:
        """Cancel all and wait for them, at most `grace_s`."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=grace_s)
            for task in late:
                _log.warning("task did not end in time", task=task.get_name())

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if not self._stopping:
            self._on_incident(task.get_name(), error)


class Incident:
    """Collects the first incident of the process; `serve` ends when there is one."""

    def __init__(self) -> None:
        self._happened = asyncio.Event()
        self.name = ""

    def report(self, name: str, error: BaseException | None) -> None:
        """An eternal task ended. Safe to hand to `Tasks`."""
        _log.error("a task that should run for ever ended; stopping", error=error, task=name)
        self.name = self.name or name
        self._happened.set()

    async def wait(self) -> None:
        """Return when something was reported."""
        await self._happened.wait()


Plan = Callable[[Mapping[str, str]], Role]
"""Builds a role, given the addresses (role -> HOST:PORT) of those that already accept."""


Follow = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
"""Runs beside the roles until it is cancelled; the event is set by every SIGHUP."""


async def serve(
    plans: Sequence[Plan],
    incident: Incident,
    ready: Callable[[Mapping[str, str]], None],
    follow: Follow,
    *,
    handed_over: asyncio.Event | None = None,
    grace_s: float = 4.5,
) -> int:
    """Run the roles of `plans` until SIGINT, SIGTERM or an incident. Returns the exit code.

    `ready` is called once with role -> bound address when all accept, then `follow` is run. Whatever started is
    stopped, also on errors. `handed_over`, once set, ends it too, in more time: the process after it lets nobody wait
    who was not connected before.
    """
    stop = asyncio.Event()
    leaving = handed_over or asyncio.Event()
    hang_up = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, stop.set)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGHUP, hang_up.set)
    started: list[Role] = []
    try:
        addresses: dict[str, str] = {}
        for plan in plans:
            role = plan(addresses)
            started.append(role)
            addresses[role.name] = await role.start()
        ready(addresses)
        await _until_stopped((stop, leaving), incident, follow(hang_up))
    finally:
        share_s = _LEAVING_GRACE_S if leaving.is_set() else grace_s / max(len(started), 1)
        for role in reversed(started):
            await _stop(role, share_s)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)
    return 1 if incident.name else 0


async def _until_stopped(
    ends: Sequence[asyncio.Event], incident: Incident, following: Coroutine[Any, Any, None]
) -> None:
    beside = Tasks(incident.report)
    _ = beside.spawn(following, "configuration")
    waiting: set[asyncio.Task[Any]] = {asyncio.create_task(end.wait(), name="end") for end in ends}
    waiting.add(asyncio.create_task(incident.wait(), name="incident"))
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await beside.stop(_FOLLOW_GRACE_S)


async def _stop(role: Role, grace_s: float) -> None:
    try:
        async with asyncio.timeout(grace_s):
            await role.stop()
    except Exception as error:  # noqa: BLE001 - the last boundary: the other roles must still be stopped
        _log.error("role did not stop cleanly", error=error, role=role.name)
