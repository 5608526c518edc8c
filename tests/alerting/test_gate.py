"""Many pass at a time, or one is alone."""

import asyncio
from dataclasses import dataclass, field

import pytest

from alerting.gate import Gate
from tests.alerting.alarm import VIRTUAL

pytestmark = VIRTUAL


@dataclass
class Guest:
    """Somebody who passes, stays until told to go, and says when inside and when out."""

    gate: Gate
    told: list[str]
    name: str
    may_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def come(self) -> None:
        async with self.gate.passing():
            self.told.append(f"{self.name} in")
            await self.may_go.wait()
            self.told.append(f"{self.name} out")


async def _turns() -> None:
    """Let everybody go on as far as they can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_many_pass_at_a_time():
    """Who passes waits for nobody who passes."""
    gate, told = Gate(), list[str]()
    guests = [Guest(gate, told, name) for name in "ab"]
    tasks = [asyncio.create_task(guest.come()) for guest in guests]
    await _turns()
    assert told == ["a in", "b in"]
    for guest in guests:
        guest.may_go.set()
    await asyncio.gather(*tasks)


async def test_who_closes_is_alone():
    """It waits for all who are inside, and whoever comes meanwhile waits for it."""
    gate, told, may_open = Gate(), list[str](), asyncio.Event()

    async def close() -> None:
        async with gate.closed():
            told.append("closed")
            await may_open.wait()
            told.append("open")

    early, late = Guest(gate, told, "early"), Guest(gate, told, "late")
    tasks = []
    for coming in (early.come(), close(), late.come()):
        tasks.append(asyncio.create_task(coming))
        await _turns()
    assert told == ["early in"]
    early.may_go.set()
    await _turns()
    assert told == ["early in", "early out", "closed"]
    may_open.set()
    await _turns()
    assert told[3:] == ["open", "late in"]
    late.may_go.set()
    await asyncio.gather(*tasks)


async def test_who_fails_inside_goes_out():
    """An error inside leaves the gate free for who closes it."""
    gate = Gate()
    with pytest.raises(ZeroDivisionError):
        async with gate.passing():
            raise ZeroDivisionError
    async with asyncio.timeout(1), gate.closed():
        pass
