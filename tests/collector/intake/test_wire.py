"""HTTP as it really comes: broken off, malformed, long, and faults of our own."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.intake import RunningIntake, running_intake
from tests.fakes.polling import until


@pytest.fixture
async def intake(tmp_path: Path) -> AsyncIterator[RunningIntake]:
    async with running_intake(tmp_path) as running:
        yield running


async def send(intake: RunningIntake, request: bytes, *, leave: bool = False) -> bytes:
    """Send raw bytes; the first bytes that come back, or nothing for who leaves at once."""
    host, _, port = intake.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    await writer.drain()
    answer = b"" if leave else await reader.read(4096)
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_client_that_leaves_in_the_middle_stores_nothing(
    intake: RunningIntake, caplog: pytest.LogCaptureFixture
):
    """Half a body is no body; it is counted and fills no log."""
    head = b"POST /api/v2/write HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
    await send(intake, head + b"m f=1 10\n", leave=True)
    await until(lambda: intake.count("tocsin_refused_bodies_total", reason="aborted") == 1)
    assert intake.buffer.batches == []
    assert caplog.records == []


async def test_broken_chunks_and_rubbish_are_400(intake: RunningIntake, caplog: pytest.LogCaptureFixture):
    """What is no HTTP gets an answer, stores nothing, and fills no log."""
    head = b"POST /api/v2/write HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    for request in (head + b"zz\r\nm f=1\r\n0\r\n\r\n", b"rubbish\r\n\r\n"):
        assert b" 400 " in (await send(intake, request)).partition(b"\r\n")[0]
    assert intake.buffer.batches == []
    assert caplog.records == []


async def test_an_absolute_target_is_a_path_too(intake: RunningIntake):
    """As clients behind a proxy send it."""
    request = b"POST http://x/api/v2/write?bucket=home HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nm f=1 10"
    assert b" 204 " in (await send(intake, request)).partition(b"\r\n")[0]
    assert intake.buffer.lines("home") == ["m f=1 10"]


async def test_a_long_query_in_the_address_is_answered(intake: RunningIntake):
    """Boards ask so."""
    answer = await intake.ask("GET", "/query?q=SELECT+" + "x" * 20_000)
    assert answer.status == 200


async def test_a_fault_of_ours_is_500_in_the_log_and_in_the_metrics(
    intake: RunningIntake, caplog: pytest.LogCaptureFixture
):
    """The answer tells no inner things; the log does."""
    intake.store.away = RuntimeError("an inner thing")
    answer = await intake.ask("GET", "/query?q=SELECT+f+FROM+m")
    assert answer.status == 500
    assert json.loads(answer.body)["code"] == "internal error"
    assert b"inner thing" not in answer.body
    assert "a request failed by a fault of ours" in caplog.text
    assert intake.count("tocsin_requests_total", path="/query", status="500") == 1


async def test_a_connection_is_kept_alive_over_many_requests(intake: RunningIntake):
    """Also over refusals that never read the body."""
    head = b"POST /api/v2/write?precision=%s HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nm f=1 10"
    host, _, port = intake.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for precision, status in ((b"ns", b"204"), (b"no", b"400"), (b"ns", b"204")):
        writer.write(head % precision)
        await writer.drain()
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.split(b" ")[1] == status
        size = [line for line in answer.split(b"\r\n") if line.lower().startswith(b"content-length")]
        await reader.readexactly(int(size[0].split(b":")[1]) if size else 0)
    writer.close()
    await writer.wait_closed()
    assert intake.buffer.lines() == ["m f=1 10"] * 2


POINT = b"POST /api/v2/write HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n%s\r\nm f=1 10"


async def exchange(intake: RunningIntake, request: bytes) -> bytes:
    """Send, close the sending side, and read until the server closes."""
    host, _, port = intake.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_body_that_is_refused_before_it_was_sent_ends_the_connection(intake: RunningIntake):
    """Who expected 100 and got an error may send the body or leave it out; nobody could tell it from a request."""
    head = b"POST /api/v2/write?precision=no HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\nExpect: 100-continue\r\n\r\n"
    answer = await send(intake, head)
    status, *headers = answer.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert status == b"HTTP/1.1 400 Bad Request"
    assert b"Connection: close" in headers
    assert b"100 Continue" not in answer
    said = await send(intake, head.replace(b"Expect: 100-continue", b"X: y") + b"m f=1 10")
    assert b"Connection: close" not in said


async def test_the_204_has_influxdbs_headers_and_no_body(intake: RunningIntake):
    """No length either: RFC 9110 forbids one with 204."""
    head = await send(intake, POINT % b"")
    assert head.startswith(b"HTTP/1.1 204 No Content\r\n")
    assert head.endswith(b"\r\n\r\n")
    headers = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
    assert headers == {
        b"X-Influxdb-Build": b"OSS",
        b"X-Influxdb-Version": b"v2.9.1",
        b"Server": b"tocsin",
        b"Date": b"Thu, 01 Jan 2026 00:00:00 GMT",
    }


async def test_pipelined_requests_are_answered_in_order(intake: RunningIntake):
    """Good, bad, good, in one packet, and the connection is closed when the last one says so."""
    bad = (POINT % b"").replace(b"m f=1 10", b"rubbish!")
    answer = await exchange(intake, POINT % b"" + bad + POINT % b"Connection: close\r\n")
    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"204", b"400", b"204"]
    assert answer.lower().count(b"connection: close") == 1
    assert intake.buffer.lines() == ["m f=1 10"] * 2


async def test_http_1_0_is_answered_and_closed(intake: RunningIntake):
    """Unless the client asks to keep the connection."""
    old = (POINT % b"").replace(b"HTTP/1.1", b"HTTP/1.0")
    assert (await exchange(intake, old)).startswith(b"HTTP/1.0 204")
    kept = (POINT % b"Connection: keep-alive\r\n").replace(b"HTTP/1.1", b"HTTP/1.0")
    assert b"keep-alive" in (await send(intake, kept)).lower()


async def test_a_body_in_chunks_and_after_a_pause_is_taken(intake: RunningIntake):
    """Chunks, and a sender that waits for 100 Continue."""
    chunked = (
        b"POST /write HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nm f=\r\n4\r\n1 10\r\n0\r\n\r\n"
    )
    assert b" 204 " in await send(intake, chunked)
    host, _, port = intake.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head, _, body = (POINT % b"Expect: 100-continue\r\n").partition(b"\r\n\r\n")
    writer.write(head + b"\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(body)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204 ")
    writer.close()
    await writer.wait_closed()
    assert intake.buffer.lines() == ["m f=1 10"] * 2


QUESTION = b"GET /query?q=SELECT+f+FROM+m HTTP/1.1\r\nHost: x\r\n%s\r\n"
CLOSE = b"Connection: close\r\n"


def without_date(answer: bytes) -> list[bytes]:
    """The lines of an answer but for its date, which depends on the clock."""
    return [line for line in answer.split(b"\r\n") if not line.startswith(b"Date: ")]


async def test_a_question_is_answered_alike_whether_the_client_stays_or_leaves(intake: RunningIntake):
    """The same lines in the same order, each dated once, but for what is said of the connection."""
    leaves = without_date(await exchange(intake, QUESTION % CLOSE))
    stays = [line for line in leaves if line != CLOSE.strip()]
    assert len(stays) < len(leaves)
    both = await exchange(intake, QUESTION % b"" + QUESTION % CLOSE)
    assert without_date(both) == [*stays[:-1], stays[-1] + leaves[0], *leaves[1:]]
    assert both.count(b"Date: ") == 2


async def test_a_question_with_a_body_unread_ends_the_connection(intake: RunningIntake):
    """What stands in the body of a GET nobody asked for could be taken for the next question."""
    body = b"Expect: 100-continue\r\nContent-Length: 8\r\n"
    answer = await send(intake, QUESTION % body)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"Connection: close" in answer
