"""The demo's client is patient with a collector that is away, and does not insist where it is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from random import Random

import pytest

from demo.push import Push, Tally
from tests.fakes.front_door import FakeFrontDoor
from tests.fakes.servers import deaf_port

LINE = b"m,t=a f=1 1"
LUCK = Random(1)  # noqa: S311 - jitter, no secret


@pytest.fixture
async def door() -> AsyncIterator[FakeFrontDoor]:
    async with FakeFrontDoor() as served:
        yield served


@pytest.fixture
async def push(door: FakeFrontDoor) -> AsyncIterator[Push]:
    client = Push(door.url, LUCK)
    await client.open()
    yield client
    await client.close()


async def test_lines_and_readings_reach_their_endpoints(push: Push, door: FakeFrontDoor) -> None:
    """Lines go as one body of line protocol, readings as JSON."""
    await push.lines([LINE, LINE])
    await push.telemetry([{"device": "d7"}])

    assert len(door.lines) == 2
    assert door.posts == [[{"device": "d7"}]]
    assert push.tally == Tally(taken=2)


@pytest.mark.parametrize("status", [503, 500, 429])
async def test_what_is_not_taken_now_is_tried_again(push: Push, door: FakeFrontDoor, status: int) -> None:
    """After a 503, 500 or 429 the same lines are sent until they are taken, once."""
    door.refusals.append(status)
    await push.lines([LINE])

    assert len(door.lines) == 1
    assert push.tally == Tally(taken=1, retried=1)


async def test_what_is_refused_for_good_is_not_sent_twice(push: Push, door: FakeFrontDoor) -> None:
    """A 400 ends it, and is counted."""
    door.refusals.append(400)
    await push.lines([LINE])

    assert door.lines == []
    assert push.tally == Tally(refused=1)


async def test_a_device_gives_up_after_its_attempts() -> None:
    """Where nobody listens a device tries as often as it was told, then drops its report, counted."""
    with deaf_port() as port:
        client = Push(f"http://127.0.0.1:{port}", LUCK)
        await client.open()
        await client.telemetry([], attempts=2)
        await client.close()

    assert client.tally == Tally(retried=1, given_up=1)


async def test_the_last_event_is_read_from_the_store(push: Push, door: FakeFrontDoor) -> None:
    """An empty store has no last event; a store that is not ready is asked again."""
    assert await push.last_event() is None

    door.last_ns = 42
    door.refusals.append(503)
    assert await push.last_event() == 42
