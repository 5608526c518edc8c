"""The fast lane: whoever it answers is answered as aiohttp's path would, byte by byte, and nobody else is."""

import asyncio
import gzip
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.buffer.contract import BufferFull
from collector.intake.connection import ConnectionServer
from collector.intake.http import IntakeConfig
from collector.intake.limits import LimitsConfig
from collector.tokens import Scope
from tests.fakes.intake import RunningIntake, running_intake
from tests.fakes.line_in import LineIn
from tests.fakes.polling import until
from tests.fakes.requests import post, requests, splits

POINT = b"POST /api/v2/write HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nm f=1 10"
LAST = b"GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
SURELY_LAST = LAST * 3
"""Asked three times, so that the server hangs up even where a wrong length has eaten the first."""


class NoLane:
    """Reads no head, as lane and as shortcut, so everything is aiohttp's."""

    def plan(self, _head: bytes) -> None:
        return None

    def read(self, _head: bytes) -> None:
        return None


def server_of(intake: RunningIntake, *, lane: bool = True) -> ConnectionServer:
    """The server that listens, or one that is the same but for the lane."""
    server = intake.intake._server
    assert server is not None
    if lane:
        return server
    return ConnectionServer(intake.intake.handle, server._guard, NoLane(), NoLane(), **server._options)


def counted(intake: RunningIntake) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every counter, and how many answers were timed."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for metric in intake.registry.collect()
        for sample in metric.samples
        if sample.name.endswith("_total") or sample.name == "tocsin_request_seconds_count"
    }


async def converse(intake: RunningIntake, chunks: Sequence[bytes], *, lane: bool, hastily: bool) -> bytes:
    """What the server says to the chunks until it hangs up, without dates."""
    client = LineIn(server_of(intake, lane=lane))
    await client.send(chunks, hastily=hastily)
    await until(client.is_closing, what=f"the server to hang up; it said {client.said[-300:]!r}")
    return re.sub(rb"Date: [^\r]*\r\n", b"", client.said)


@asynccontextmanager
async def one_intake(
    folder: Path, config: IntakeConfig | None = None, *, twin: str = ""
) -> AsyncIterator[RunningIntake]:
    place = folder / twin
    place.mkdir(exist_ok=True)
    async with running_intake(place, config) as intake:
        yield intake


async def same_for_both(chunks: Sequence[bytes], *, hastily: bool) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        async with one_intake(folder, twin="lane") as fast, one_intake(folder, twin="aiohttp") as slow:
            said = [await converse(one, chunks, lane=one is fast, hastily=hastily) for one in (fast, slow)]
            assert said[0] == said[1]
            assert fast.buffer.batches == slow.buffer.batches
            assert counted(fast) == counted(slow)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_both_paths_agree_on_every_request(data: st.DataObject):
    """Answers, stored lines and counters are the same, in whatever pieces and however hastily requests come."""
    parts = data.draw(st.lists(requests(), min_size=1, max_size=8))
    chunks = data.draw(splits([*parts, LAST]))
    asyncio.run(same_for_both(chunks, hastily=data.draw(st.booleans())))


MALFORMED = [
    b"POST /api/v2/write HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\nContent-Length: 9\r\n\r\nm f=1 10",
    b"POST /api/v2/write HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\nTransfer-Encoding: chunked\r\n\r\nm f=1 10",
    b"POST /api/v2/write HTTP/1.1\r\nHost: x\r\nContent-Length : 8\r\n\r\nm f=1 10",
    b"POST /api/v2/write HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\nContent-Length: 8\r\n\r\nm f=1 10",
    b"POST /api/v2/write HTTP/1.1\nHost: x\nContent-Length: 8\n\nm f=1 10",
    b"POST /api/v2/write HTTP/1.1\r\nHost: x\r\nX: a\nContent-Length: 8\r\n\r\nm f=1 10",
    b"POST /api/v2/write HTTP/1.1\r\nContent-Length: 8\r\n\r\nm f=1 10",
    b"POST /api/v2/write HTTP/1.1\r\nHost: x\r\nHost: y\r\nContent-Length: 8\r\n\r\nm f=1 10",
    b"POST /api/v2/write HTTP/1.1\r\nHost: x\r\nContent-Length: -8\r\n\r\nm f=1 10",
    b"POST /api/v2/write HTTP/1.1\r\nHost: x\r\nContent-Length: 0x8\r\n\r\nm f=1 10",
    b"POST /api/v2/write HTTP/9.9\r\nHost: x\r\nContent-Length: 8\r\n\r\nm f=1 10",
    b"POST /api/v2/write HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\nX: \0\r\n\r\nm f=1 10",
    b"\r\n\r\nPOST /api/v2/write HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nm f=1 10",
    b"\x16\x03\x01 no HTTP at all\r\n\r\n",
]


@pytest.mark.parametrize("malformed", MALFORMED)
@pytest.mark.parametrize("before", [0, 2], ids=["first", "third"])
async def test_malformed_requests_are_answered_as_by_aiohttp(malformed: bytes, before: int):
    """At first, and behind requests that the lane has answered; RFC 9112's ways to smuggle one are among them."""
    await same_for_both([*[POINT] * before, malformed, SURELY_LAST], hastily=False)


@pytest.mark.parametrize("length", [4, 12])
async def test_a_wrong_length_is_taken_at_its_word(length: int):
    """What is beyond it is another request; cut there, because aiohttp shows what it cannot read."""
    stream = POINT.replace(b"Length: 8", b"Length: %d" % length) + SURELY_LAST
    end = stream.index(b"\r\n\r\n") + 4 + length
    await same_for_both([POINT, stream[:end], stream[end:]], hastily=False)


@pytest.fixture
async def intake(tmp_path: Path) -> AsyncIterator[RunningIntake]:
    """One that has taken a line in, so that its shape is known."""
    async with running_intake(tmp_path) as running:
        await ask(running, POINT)
        yield running


async def ask(intake: RunningIntake, *wires: bytes) -> list[LineIn]:
    """Send one request on each of as many connections, all before the server gets on with any, and wait for answers."""
    clients = [LineIn(server_of(intake)) for _ in wires]
    await asyncio.sleep(0)  # or their tasks would not wait for requests yet
    for client, wire in zip(clients, wires, strict=True):
        await client.send([wire], hastily=True)
    await until(lambda: all(client.said for client in clients), what="answers")
    return clients


def statuses(clients: Sequence[LineIn]) -> list[bytes]:
    return [client.said[9:12] for client in clients]


async def test_known_lines_never_reach_aiohttp(intake: RunningIntake):
    """In whatever way the body comes; lines without a timestamp too."""
    before = server_of(intake).requests_count
    zipped = post("/write?db=telemetry", gzip.compress(b"m f=2 20"), "Content-Encoding: gzip")
    clients = await ask(intake, POINT, zipped, post("/write?precision=s", b"m f=3 3\nm f=4 4\n"))
    clients += await ask(intake, post("/write", b"m f=5"), post("/write", b"m f=6\n"))
    assert statuses(clients) == [b"204"] * 5
    assert server_of(intake).requests_count == before
    stamps = ("1767225600000000000", "1767225600000000001")
    expected = [
        "m f=1 10",
        "m f=2 20",
        "m f=3 3000000000",
        "m f=4 4000000000",
        f"m f=5 {stamps[0]}",
        f"m f=6 {stamps[1]}",
    ]
    assert sorted(intake.buffer.lines()[1:]) == expected
    assert intake.count("tocsin_requests_total", path="/write", status="204") == 4


async def test_requests_that_come_together_become_durable_together(intake: RunningIntake):
    """One batch for all of one bucket and source; every one of them is counted."""
    clients = await ask(intake, *[post("/api/v2/write", b"m f=%d 20" % number) for number in range(10)])
    assert statuses(clients) == [b"204"] * 10
    assert [one.lines for one in intake.buffer.batches] == [1, 10]
    assert intake.count("tocsin_requests_total", path="/api/v2/write", status="204") == 11
    assert intake.count("tocsin_accepted_lines_total", bucket="telemetry") == 11


async def test_a_bad_line_spoils_nobody_elses(intake: RunningIntake):
    """Who sent it is told; those who came with it are stored together."""
    clients = await ask(intake, POINT, post("/api/v2/write", b"rubbish"), post("/api/v2/write", b"m f=1i 20"), POINT)
    assert statuses(clients) == [b"204", b"400", b"422", b"204"]
    assert [one.lines for one in intake.buffer.batches] == [1, 2]


async def test_a_full_buffer_is_503_for_all(intake: RunningIntake):
    """And counted as ever."""
    intake.buffer.failures.extend(BufferFull("full", retry_after_s=2.0) for _ in range(4))
    clients = await ask(intake, *[POINT] * 3)
    assert statuses(clients) == [b"503"] * 3
    assert all(b"Retry-After: 2\r\n" in client.said for client in clients)
    assert intake.count("tocsin_rejected_lines_total", bucket="telemetry", reason="unavailable") == 3
    assert intake.count("tocsin_received_lines_total", bucket="telemetry") == 4


async def test_tokens_open_the_lane_and_revoking_closes_it(tmp_path: Path):
    """Also to a connection whose head was remembered; wrong tokens, other scopes and other buckets never open it."""
    async with running_intake(tmp_path, IntakeConfig(listen="127.0.0.1:0")) as intake:
        good = intake.tokens.create("d1", frozenset({Scope.WRITE}), frozenset({"b"})).reveal()
        reader = intake.tokens.create("r", frozenset({Scope.READ})).reveal()
        intake.clock.advance(timedelta(seconds=1))

        def wire(token: str, bucket: str = "b") -> bytes:
            return post(f"/write?db={bucket}", b"m f=1 10", f"Authorization: Token {token}")

        (client,) = await ask(intake, wire(good))
        before = server_of(intake).requests_count
        await client.send([wire(good)])
        assert client.said.count(b"HTTP/1.1 204") == 2
        assert server_of(intake).requests_count == before
        assert [one.source for one in intake.buffer.batches] == ["token:d1"] * 2
        others = await ask(intake, wire("no"), wire(reader), wire(good, "other"), post("/write?db=b", b"m f=1 10"))
        assert statuses(others) == [b"401", b"403", b"403", b"401"]
        intake.tokens.revoke("d1")
        intake.clock.advance(timedelta(seconds=1))
        await client.send([wire(good)])
        await until(lambda: b"HTTP/1.1 401" in client.said)
        assert len(intake.buffer.batches) == 2


class Disk:
    """Holds the buffer's appends until it is let go."""

    def __init__(self, intake: RunningIntake) -> None:
        self.free = asyncio.Event()
        self._append = intake.buffer.append
        intake.buffer.append = self._wait  # type: ignore[method-assign]  # stands in for a disk

    async def _wait(self, *batch: object) -> None:
        await self.free.wait()
        await self._append(*batch)  # type: ignore[arg-type]  # whatever it was called with


async def test_answers_keep_the_order_of_requests(intake: RunningIntake):
    """What comes before the answer waits, however much it is."""
    (client,) = await ask(intake, POINT)
    disk = Disk(intake)
    client.said = b""
    asked = [post("/write", b"rubbish"), post("/write", b'm s="' + b"x" * 100_000 + b'" 20'), POINT]
    await client.send([POINT])
    await client.send(asked[:2])
    assert (client.said, client.paused) == (b"", True)
    disk.free.set()
    await client.send([*asked[2:], LAST])
    await until(client.is_closing)
    assert re.findall(rb"HTTP/1.1 (\d+)", client.said) == [b"204", b"400", b"204", b"204", b"204"]


async def test_a_client_that_leaves_loses_nothing(intake: RunningIntake, caplog: pytest.LogCaptureFixture):
    """What the lane has of it is stored; nobody is answered and no log is filled."""
    (client,) = await ask(intake, POINT)
    disk = Disk(intake)
    client.said = b""
    await client.send([POINT])
    await client.hang_up()
    disk.free.set()
    await until(lambda: len(intake.buffer.batches) == 2)
    assert client.said == b""
    assert caplog.records == []


async def test_a_head_by_itself_waits_for_its_body(intake: RunningIntake):
    """As Python's own client sends them; nothing of it reaches aiohttp if the rest comes soon."""
    (client,) = await ask(intake, POINT)
    before = server_of(intake).requests_count
    await client.send([POINT[:-8], POINT[-8:]])
    await client.send([POINT[:-8], POINT[-8:] + POINT[:-8], POINT[-8:]])
    assert client.said.count(b"HTTP/1.1 204") == 4
    assert server_of(intake).requests_count == before


@pytest.mark.parametrize("moment", ["look", "close", "idle"])
async def test_a_body_that_does_not_follow_is_aiohttps_to_wait_for(intake: RunningIntake, moment: str):
    """Its time-outs hold then; a stop waits for the body, and a client that waits for nothing is not left as silent."""
    (client,) = await ask(intake, POINT)
    before = server_of(intake).requests_count
    await client.send([POINT[:-8]])
    match moment:
        case "look":
            server_of(intake)._look()
        case "close":
            server_of(intake).pre_shutdown()
        case _:
            client.let_idle_time_pass()
    await until(lambda: server_of(intake).requests_count == before + 1)
    assert not client.is_closing()
    if moment != "close":
        await client.send([POINT[-8:]])
        await until(lambda: client.said.count(b"HTTP/1.1 204") == 2)
    await client.hang_up()


async def test_a_head_without_a_client_is_counted(intake: RunningIntake):
    """As a body that broke off."""
    (client,) = await ask(intake, POINT)
    await client.send([POINT[:-8]])
    await client.hang_up()
    assert intake.count("tocsin_refused_bodies_total", reason="aborted") == 1


async def test_a_stop_waits_for_the_lane(intake: RunningIntake):
    """Who was let in is answered, then the connection is closed."""
    (client,) = await ask(intake, POINT)
    disk = Disk(intake)
    client.said = b""
    await client.send([POINT])
    server = server_of(intake)
    server.pre_shutdown()
    stopping = asyncio.ensure_future(server.shutdown(30))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not client.is_closing()
    disk.free.set()
    await stopping
    assert client.said.startswith(b"HTTP/1.1 204")
    assert client.is_closing()


async def test_a_stop_waits_for_the_lane_only_so_long(intake: RunningIntake):
    """What becomes durable too late is answered to nobody, and does no harm."""
    (client,) = await ask(intake, POINT)
    disk = Disk(intake)
    client.said = b""
    await client.send([POINT])
    server = server_of(intake)
    server.pre_shutdown()
    await server.shutdown(0.01)
    assert client.is_closing()
    disk.free.set()
    await until(lambda: len(intake.buffer.batches) == 3)
    assert client.said == b""


async def test_requests_in_the_lane_count_as_under_way(tmp_path: Path):
    """One more than the limit is 503."""
    async with running_intake(
        tmp_path, IntakeConfig(listen="127.0.0.1:0", tokens="open", limits=LimitsConfig(requests=2))
    ) as intake:
        await ask(intake, POINT)
        clients = [client for _ in range(3) for client in await ask(intake, POINT)]
        disk = Disk(intake)
        for client in clients:
            client.said = b""
            await client.send([POINT])
        assert statuses(clients) == [b"", b"", b"503"]
        disk.free.set()
        await until(lambda: statuses(clients) == [b"204", b"204", b"503"])
        await clients[0].send([POINT])
        await until(lambda: clients[0].said.count(b"HTTP/1.1 204") == 2)


async def test_a_new_configuration_holds_in_the_lane(intake: RunningIntake):
    """Also for heads that were remembered under the one before."""
    (client,) = await ask(intake, POINT)
    config = IntakeConfig(listen="127.0.0.1:0", tokens="open", bucket="other")
    intake.intake.adopt(config, intake.intake._door._pipeline)
    await client.send([POINT])
    await until(lambda: intake.buffer.lines("other") == ["m f=1 10"])


async def test_silence_is_counted_from_the_last_answer(intake: RunningIntake):
    """A client that waits for its answer is not silent, however long the disk takes."""
    (client,) = await ask(intake, POINT)
    disk = Disk(intake)
    await client.send([POINT])
    client.let_idle_time_pass()
    assert not client.is_closing()
    disk.free.set()
    await until(lambda: client.said.count(b"HTTP/1.1 204") == 2)
    client.let_idle_time_pass()
    assert client.is_closing()
