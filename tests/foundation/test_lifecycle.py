"""Roles start in order and stop in reverse; a task that ends by itself is an incident; nothing waits for ever."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping

import pytest

from foundation.lifecycle import Incident, Plan, Tasks, serve


class Recorded:
    """A role that writes down what happens to it."""

    def __init__(self, name: str, events: list[str], *, stuck: bool = False, broken: bool = False) -> None:
        self.name = name
        self._events = events
        self._stuck = stuck
        self._broken = broken

    async def start(self) -> str:
        self._events.append(f"start {self.name}")
        if self._broken:
            raise OSError("no")
        return f"127.0.0.1:{len(self._events)}"

    async def stop(self) -> None:
        if self._stuck:
            await asyncio.Event().wait()
        self._events.append(f"stop {self.name}")


async def nothing(_hang_up: asyncio.Event) -> None:
    await asyncio.Event().wait()


def planned(role: Recorded) -> Plan:
    def plan(addresses: Mapping[str, str]) -> Recorded:
        return role

    return plan


@pytest.mark.looptime
async def test_roles_stop_in_reverse_order_even_if_one_is_stuck() -> None:
    """Each role has its share of the grace; one that hangs does not keep the others from stopping."""
    events: list[str] = []
    incident = Incident()
    roles = [Recorded("a", events), Recorded("b", events, stuck=True), Recorded("c", events)]

    code = await serve(
        [planned(role) for role in roles], incident, lambda _: incident.report("t", None), nothing, grace_s=3.0
    )

    assert events == ["start a", "start b", "start c", "stop c", "stop a"]
    assert code == 1
    assert asyncio.get_running_loop().time() == pytest.approx(1.0)


async def test_what_started_is_stopped_when_a_later_role_cannot_start() -> None:
    """A failed start leaves nothing running, and the error reaches the caller."""
    events: list[str] = []
    roles = [Recorded("a", events), Recorded("b", events, broken=True)]

    with pytest.raises(OSError, match="no"):
        await serve([planned(role) for role in roles], Incident(), lambda _: None, nothing)

    assert events == ["start a", "start b", "stop b", "stop a"]


async def test_the_error_of_the_first_role_of_all_reaches_the_caller() -> None:
    """Before anything was built there is nothing to stop, and the reason is what is told."""

    def plan(addresses: Mapping[str, str]) -> Recorded:
        raise OSError("no store")

    with pytest.raises(OSError, match="no store"):
        await serve([plan], Incident(), lambda _: None, nothing)


async def test_a_later_role_is_told_where_the_earlier_ones_accept() -> None:
    """Addresses of ports chosen by the system are known only once a role has started."""
    seen: list[Mapping[str, str]] = []
    events: list[str] = []
    incident = Incident()

    def second(addresses: Mapping[str, str]) -> Recorded:
        seen.append(dict(addresses))
        return Recorded("b", events)

    await serve([planned(Recorded("a", events)), second], incident, lambda _: incident.report("t", None), nothing)

    assert seen == [{"a": "127.0.0.1:1"}]


async def test_a_hang_up_is_told_and_a_terminate_ends_cleanly() -> None:
    """SIGHUP reaches who follows the configuration, again and again; SIGTERM is the clean end, exit code 0."""
    events: list[str] = []

    async def follow(hang_up: asyncio.Event) -> None:
        for number in (signal.SIGHUP, signal.SIGTERM):
            await hang_up.wait()
            hang_up.clear()
            events.append("told")
            os.kill(os.getpid(), number)
        await asyncio.Event().wait()

    role = Recorded("a", events)

    code = await serve([planned(role)], Incident(), lambda _: os.kill(os.getpid(), signal.SIGHUP), follow)

    assert (code, events) == (0, ["start a", "told", "told", "stop a"])


async def test_a_follower_that_ends_is_an_incident() -> None:
    """A process that no longer follows its configuration ends and says so by its exit code; the roles are stopped."""
    events: list[str] = []

    async def dies(_hang_up: asyncio.Event) -> None:
        raise RuntimeError("broken")

    code = await serve([planned(Recorded("a", events))], Incident(), lambda _: None, dies)

    assert (code, events) == (1, ["start a", "stop a"])


async def test_a_task_that_ends_by_itself_is_an_incident() -> None:
    """The name of the task and its error are told; being stopped is no incident."""
    incidents: list[tuple[str, str]] = []
    tasks = Tasks(lambda name, error: incidents.append((name, repr(error))))

    async def dies() -> None:
        raise RuntimeError("broken")

    async def waits() -> None:
        await asyncio.Event().wait()

    tasks.spawn(waits(), "waits")
    await asyncio.wait([tasks.spawn(dies(), "dies")])
    await asyncio.sleep(0)
    await tasks.stop()

    assert incidents == [("dies", "RuntimeError('broken')")]
