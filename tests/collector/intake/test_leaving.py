"""A collector whose sockets were handed over answers whoever is connected, each for the last time."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.intake import RunningIntake, running_intake
from tests.fakes.polling import until

POINT = b"POST /api/v2/write HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nm f=1 10"
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def intake(tmp_path: Path) -> AsyncIterator[RunningIntake]:
    async with running_intake(tmp_path) as running:
        yield running


async def connect(intake: RunningIntake) -> Ends:
    host, _, port = intake.url.removeprefix("http://").partition(":")
    ends = await asyncio.open_connection(host, int(port))
    await until(lambda: connected(intake) > 0, seconds=15)
    return ends


def connected(intake: RunningIntake) -> int:
    assert intake.intake is not None
    assert intake.intake._server is not None
    return len(intake.intake._server.connections)


async def leave(intake: RunningIntake) -> "asyncio.Task[None]":
    """Hand the sockets over and stop; returns when connections are being bidden farewell."""
    assert intake.intake is not None
    server = intake.intake._server
    assert server is not None
    intake.intake._listening.handed_over = True
    stopping = asyncio.create_task(intake.intake.stop())
    await until(lambda: server.leaving, seconds=15)
    return stopping


async def post(ends: Ends) -> bytes:
    """The head of the answer."""
    reader, writer = ends
    writer.write(POINT)
    return await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 15)


async def test_each_answer_is_the_last_of_its_connection(intake: RunningIntake):
    """On a connection that was kept, and on one that was just let in and had asked nothing: it is waited for."""
    kept, new = await connect(intake), await connect(intake)
    assert b"Connection: close" not in await post(kept)
    await until(lambda: connected(intake) == 2, seconds=15)
    stopping = await leave(intake)
    for ends in (kept, new):
        head = await post(ends)
        assert head.startswith(b"HTTP/1.1 204 ")
        assert b"Connection: close" in head
        assert await asyncio.wait_for(ends[0].read(), 15) == b""
    await asyncio.wait_for(stopping, 15)
    assert intake.buffer.lines() == ["m f=1 10"] * 3
    for _, writer in (kept, new):
        writer.close()
        await writer.wait_closed()


async def test_a_body_under_way_is_taken_to_its_end(intake: RunningIntake):
    """Half of it before the sockets are gone, half after."""
    reader, writer = await connect(intake)
    writer.write(POINT[:-4])
    server = intake.intake._server if intake.intake else None
    assert server is not None
    await until(lambda: [one for one in server.connections if one.owed(float("inf"))], seconds=15)
    stopping = await leave(intake)
    writer.write(POINT[-4:])
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 15)).startswith(b"HTTP/1.1 204 ")
    await asyncio.wait_for(stopping, 15)
    assert intake.buffer.lines() == ["m f=1 10"]
    writer.close()
    await writer.wait_closed()


async def test_who_has_been_answered_and_is_silent_is_let_go(intake: RunningIntake):
    """Its connection ends without a word, as one that is kept may at any time."""
    ends = await connect(intake)
    await post(ends)
    await asyncio.wait_for(await leave(intake), 15)
    assert await ends[0].read() == b""
    ends[1].close()
    await ends[1].wait_closed()
