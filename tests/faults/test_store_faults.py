"""A store that is slow, refuses, breaks off or says nothing: what was acknowledged arrives, each line once."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.collector import RunningCollector, influx_store, running_collector
from tests.fakes.polling import until
from tests.fakes.store_server import (
    StoreServer,
    Turn,
    apply_and_hang,
    refuse,
    reset_in_answer,
    reset_in_body,
    wait_for,
)

LARGE = 3000
"""Lines of a body that does not fit into the socket's buffers, so that a reset finds it half-way."""


@pytest.fixture
async def server() -> AsyncIterator[StoreServer]:
    async with StoreServer() as one:
        yield one


@pytest.fixture
async def line(server: StoreServer, tmp_path: Path) -> AsyncIterator[RunningCollector]:
    async with running_collector(influx_store(server.url), tmp_path) as running:
        yield running


def readings(count: int, *, sender: str = "a") -> list[str]:
    """Lines that do not compress well, no two alike, without times: whoever stamps them anew stores them twice."""
    luck = random.Random(count)  # noqa: S311 - any text will do
    return [f'm,sender={sender},n={number} f="{luck.randbytes(40).hex()}"' for number in range(count)]


async def arrived(line: RunningCollector, server: StoreServer) -> None:
    """Wait for the end of delivery: then each acknowledged line is in the store, once, and none is a dead letter."""
    await line.drained()
    assert server.lines() == sorted(line.acknowledged)
    [bucket] = (await line.get("/api/v1/ledger"))["buckets"]
    assert (bucket["delivered"], bucket["dead"]) == (len(line.acknowledged), 0)


@pytest.mark.parametrize(
    "turn",
    [
        pytest.param(refuse(500, "internal error"), id="500"),
        pytest.param(refuse(502), id="502 without words"),
        pytest.param(refuse(503, "overloaded"), id="503"),
        pytest.param(refuse(429, "slow down"), id="429"),
        pytest.param(refuse(200, "not a database"), id="200, which is no InfluxDB"),
        pytest.param(reset_in_body, id="reset in the body"),
        pytest.param(reset_in_answer, id="stored, reset in the answer"),
    ],
)
async def test_a_write_that_fails_is_made_again_until_it_succeeds(
    line: RunningCollector, server: StoreServer, turn: Turn
):
    """Twice in a row, with more lines coming meanwhile: the ledger closes all the while, and each line arrives once."""
    server.script.extend([turn, turn])
    lines = readings(LARGE)
    assert await line.post(*lines[:-2]) == 204
    await until(lambda: line.retries() >= 1, seconds=30)

    assert await line.post(*lines[-2:]) == 204
    await until(line.closes, seconds=30)

    await arrived(line, server)
    assert line.retries() == 2


async def test_a_write_that_is_stored_but_never_answered_is_made_again(server: StoreServer, tmp_path: Path):
    """After the time-out the same bytes go again, so a line that had come without a time is one point, not two."""
    server.script.extend([apply_and_hang, apply_and_hang])
    store = influx_store(server.url, timeout_s=1)
    async with running_collector(store, tmp_path) as line:
        assert await line.post(*readings(20)) == 204
        await arrived(line, server)
        assert line.retries() >= 2
    assert len(server.arrivals) >= 3


async def test_a_slow_store_holds_up_nobody_but_itself(line: RunningCollector, server: StoreServer):
    """While a write waits for its answer lines are acknowledged, and counted as buffered in a ledger that closes."""
    gate = asyncio.Event()
    server.standing = wait_for(gate)
    for part in range(10):
        assert await line.post(*readings(10, sender=f"s{part}")) == 204
    await until(lambda: server.arrivals, seconds=30, what="the write that waits")

    content = await line.get("/api/v1/ledger")
    assert content["closes"]
    assert [bucket["buffered"] for bucket in content["buckets"]] == [100]
    assert (await line.get("/ready"))["buffered_lines"] == 100

    gate.set()
    await arrived(line, server)
    assert line.retries() == 0


async def test_the_wait_that_the_store_asks_for_is_honoured(line: RunningCollector, server: StoreServer):
    """503 with Retry-After: the next attempt comes no earlier than that."""
    server.script.extend([refuse(503, "compacting", Retry_After="2")])
    assert await line.post(*readings(3)) == 204
    await arrived(line, server)

    first, second = server.arrivals
    assert second - first >= 1.99


async def test_a_body_that_is_too_large_is_split_until_it_fits(line: RunningCollector, server: StoreServer):
    """413 is about the size alone: the same lines arrive in smaller writes, and none is given up."""
    server.most_bytes = 20_000
    assert await line.post(*readings(LARGE)) == 204
    await arrived(line, server)
    assert line.retries() == 0


async def test_a_refused_token_is_told_loudly_and_loses_nothing(
    line: RunningCollector, server: StoreServer, caplog: pytest.LogCaptureFixture
):
    """401 is tried again for ever, with an error in the log; once the store takes the token again all arrives."""
    ours, server.token = server.token, "another"
    assert await line.post(*readings(5)) == 204
    await until(lambda: line.retries() >= 2, seconds=30)
    [told] = [record for record in caplog.records if (record.levelname, record.name) == ("ERROR", "collector.deliver")]
    assert told.getMessage() == "delivery waits; nothing is lost, it is tried again"
    assert "401" in str(told.__dict__["tocsin_fields"]["cause"])
    assert ours not in caplog.text
    assert await line.post(*readings(5, sender="b")) == 204
    await until(line.closes, seconds=30)

    server.token = ours
    await arrived(line, server)


async def test_lines_wait_out_a_stop_in_the_middle_of_an_outage(server: StoreServer, tmp_path: Path):
    """Stopped while the store refuses and started again: what waited arrives once, though half of it was stored."""
    lines = readings(10)
    server.script.append(reset_in_answer)
    server.standing = refuse(503, "away")
    async with running_collector(influx_store(server.url), tmp_path) as first:
        assert await first.post(*lines[:5]) == 204
        await until(lambda: first.retries() >= 2, seconds=30)
        assert await first.post(*lines[5:]) == 204
    assert server.lines() == sorted(lines[:5])

    server.standing = StoreServer().standing
    async with running_collector(influx_store(server.url), tmp_path) as second:
        await second.drained()
    assert server.lines() == sorted(lines)
