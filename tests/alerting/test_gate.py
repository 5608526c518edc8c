"""Many pass at a time, or one is alone."""

import asyncio

from alerting.gate import Gate
from tests.alerting.alarm import VIRTUAL

pytestmark = VIRTUAL


async def _pass(gate: Gate, told: list[str], name: str, *, takes_s: float) -> None:
    async with gate.passing():
        told.append(f"{name} in")
        await asyncio.sleep(takes_s)
        told.append(f"{name} out")


async def test_many_pass_at_a_time():
    """Who passes waits for nobody who passes."""
    gate, told = Gate(), list[str]()
    await asyncio.gather(_pass(gate, told, "a", takes_s=2), _pass(gate, told, "b", takes_s=1))
    assert told == ["a in", "b in", "b out", "a out"]


async def test_who_closes_is_alone():
    """It waits for all who are inside, and whoever comes meanwhile waits for it."""
    gate, told = Gate(), list[str]()
    early = asyncio.create_task(_pass(gate, told, "early", takes_s=2))
    await asyncio.sleep(1)

    async def close() -> None:
        async with gate.closed():
            told.append("closed")
            await asyncio.sleep(1)
            told.append("open")

    closing = asyncio.create_task(close())
    await asyncio.sleep(0)
    late = asyncio.create_task(_pass(gate, told, "late", takes_s=0))
    await asyncio.gather(early, closing, late)
    assert told == ["early in", "early out", "closed", "open", "late in", "late out"]


async def test_who_fails_inside_goes_out():
    """An error inside leaves the gate free for who closes it."""
    gate = Gate()
    failing = asyncio.gather(_pass(gate, [], "a", takes_s=1), return_exceptions=True)
    failing.cancel()
    await asyncio.gather(failing, return_exceptions=True)
    async with asyncio.timeout(1), gate.closed():
        pass
