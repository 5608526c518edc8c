"""Whoever asks too much is answered, counted and left; whoever does not is served meanwhile."""

import asyncio
import gzip
import json
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from collector.intake.http import IntakeConfig
from collector.intake.limits import LimitsConfig
from tests.fakes.intake import RunningIntake, running_intake
from tests.fakes.line_in import LineIn
from tests.fakes.polling import until

PATH = "/api/v2/write?bucket=telemetry"
POINT = b"POST /api/v2/write HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nm f=1 10"
REFUSED = "tocsin_refused_bodies_total"
CONNECTIONS = "tocsin_refused_connections_total"


@asynccontextmanager
async def limited(folder: Path, limits: LimitsConfig, **more: int) -> AsyncIterator[RunningIntake]:
    config = IntakeConfig(listen="127.0.0.1:0", tokens="open", limits=limits, **more)
    async with running_intake(folder, config) as intake:
        yield intake


async def connect(intake: RunningIntake) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = intake.url.removeprefix("http://").partition(":")
    return await asyncio.open_connection(host, int(port))


async def leave(writer: asyncio.StreamWriter) -> None:
    writer.close()
    await writer.wait_closed()


async def test_a_body_of_too_many_lines_is_413(tmp_path: Path):
    """The last newline begins no line."""
    async with limited(tmp_path, LimitsConfig(lines=3)) as intake:
        assert (await intake.post(PATH, b"m f=1\n" * 3)).status == 204
        answer = await intake.post(PATH, b"m f=1\n" * 3 + b"m f=1")
        assert answer.status == 413
        assert json.loads(answer.body)["message"] == "a body of more than 3 lines; send less at once"
        assert intake.count(REFUSED, reason="lines") == 1


async def test_long_lines_and_many_tags_are_refused_line_by_line(tmp_path: Path):
    """The rest of the body is taken, in line protocol and in JSON."""
    async with limited(tmp_path, LimitsConfig(line_bytes=40_000, tags=2)) as intake:
        long = b'm s="' + b"x" * 40_000 + b'" 1\n'
        answer = await intake.post(PATH, long + b"m,a=1,b=2 f=1 1\nm,a=1,b=2,c=3 f=1 1")
        assert answer.status == 422
        assert [(line["number"], line["cause"]) for line in json.loads(answer.body)["lines"]] == [
            (1, "line_size"),
            (3, "tag_count"),
        ]
        assert intake.buffer.lines() == ["m,a=1,b=2 f=1 1"]
        answer = await intake.post("/v1/telemetry", b'{"device": "d", "site": "s", "host": "h", "t": 1}')
        assert answer.status == 422
        assert intake.count("tocsin_rejected_lines_total", bucket="telemetry", reason="tag_count") == 2


async def test_an_address_has_so_many_connections(tmp_path: Path):
    """One more is told to come back; when one goes another may come."""
    async with limited(tmp_path, LimitsConfig(connections_per_address=2)) as intake:
        pairs = [await connect(intake) for _ in range(2)]
        for reader, writer in pairs:
            writer.write(POINT)
            assert b" 204 " in await reader.readuntil(b"\r\n\r\n")
        reader, writer = await connect(intake)
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: " in answer
        await leave(writer)
        assert intake.count(CONNECTIONS, reason="address") == 1
        await leave(pairs[0][1])

        answer = b""
        async with asyncio.timeout(60):
            while answer != b"HTTP/1.1 204":
                reader, writer = await connect(intake)
                writer.write(POINT)
                answer = await reader.read(12)
                writer.close()
        await leave(pairs[1][1])


async def test_so_many_requests_are_under_way(tmp_path: Path):
    """One more is 503 with Retry-After; probes are answered all the same."""
    async with limited(tmp_path, LimitsConfig(requests=1)) as intake:
        reader, writer = await connect(intake)
        writer.write(POINT[:-4])
        refused = False
        async with asyncio.timeout(60):
            while not refused:
                answer = await intake.post(PATH, b"n f=1 1")
                refused = answer.status == 503
        assert answer.headers["Retry-After"] == "1"
        assert intake.count(REFUSED, reason="busy") == 1
        assert (await intake.ask("GET", "/ready")).status == 200
        writer.write(POINT[-4:])
        assert b" 204 " in await reader.readuntil(b"\r\n\r\n")
        assert (await intake.post(PATH, b"n f=2 2")).status == 204
        await leave(writer)


async def test_a_head_that_does_not_arrive_is_408(tmp_path: Path):
    """A sender of one byte now and then is left, also on a connection that was served before."""
    async with limited(tmp_path, LimitsConfig(head_timeout=timedelta(seconds=1))) as intake:
        reader, writer = await connect(intake)
        writer.write(POINT)
        assert b" 204 " in await reader.readuntil(b"\r\n\r\n")
        writer.write(b"POST /api/v2/write HTTP/1.1\r\nX-Slow: ")
        async with asyncio.timeout(60):
            assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
        assert intake.count(CONNECTIONS, reason="head_timeout") == 1
        await leave(writer)


async def test_half_a_head_that_comes_with_the_connection_is_408(tmp_path: Path):
    """Also where it arrives before the server has begun to wait for it."""
    async with limited(tmp_path, LimitsConfig(head_timeout=timedelta(seconds=1))) as intake:
        assert intake.intake._server is not None
        client = LineIn(intake.intake._server)
        await client.send([b"POST /api/v2/write HTTP/1.1\r\nX-Slow: "], hastily=True)
        await until(lambda: client.said, seconds=60, what="an answer")
        assert client.said.startswith(b"HTTP/1.1 408 ")


async def test_who_never_says_anything_is_left(tmp_path: Path):
    """After the idle time, without a word."""
    limits = LimitsConfig(head_timeout=timedelta(milliseconds=200), idle_timeout=timedelta(milliseconds=200))
    async with limited(tmp_path, limits) as intake:
        reader, writer = await connect(intake)
        async with asyncio.timeout(60):
            assert await reader.read() == b""
        await leave(writer)


async def test_a_body_that_does_not_arrive_is_408(tmp_path: Path):
    """Nothing of it is stored."""
    async with limited(tmp_path, LimitsConfig(body_timeout=timedelta(milliseconds=100))) as intake:
        reader, writer = await connect(intake)
        writer.write(POINT[:-4])
        async with asyncio.timeout(60):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 408 ")
        assert intake.count(REFUSED, reason="slow") == 1
        assert intake.buffer.batches == []
        await leave(writer)


async def test_a_silent_client_is_left(tmp_path: Path):
    """After the idle time, without a word."""
    async with limited(tmp_path, LimitsConfig(idle_timeout=timedelta(milliseconds=200))) as intake:
        reader, writer = await connect(intake)
        async with asyncio.timeout(60):
            assert await reader.read() == b""
        await leave(writer)


async def test_writing_makes_so_many_buckets(tmp_path: Path):
    """One more is 422; those that are there, and those that the store has, go on."""
    async with limited(tmp_path, LimitsConfig(buckets=2)) as intake:
        for bucket, status in (("a", 204), ("b", 204), ("c", 422), ("a", 204), ("telemetry", 204)):
            assert (await intake.post(f"/api/v2/write?bucket={bucket}", b"m f=1")).status == status
        assert intake.count(REFUSED, reason="bucket") == 1
        assert "c" not in intake.buffer.buckets()


HEAD = b"POST /api/v2/write HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%s\r\n"


async def test_bodies_under_way_are_bounded_together(tmp_path: Path):
    """Who would be one too many is 503 and may come back; what is answered makes room again."""
    async with limited(tmp_path, LimitsConfig(body_bytes=1000), max_body_bytes=1000) as intake:
        reader, writer = await connect(intake)
        line = b"m f=1 10\n"
        writer.write(HEAD % (900, b"") + line * 90)

        async def refused() -> bool:
            answer = await intake.post(PATH, line * 30)
            return answer.status == 503 and answer.headers["Retry-After"] == "1"

        await until(refused, seconds=60)
        assert intake.count(REFUSED, reason="in_flight") == 1
        assert (await intake.post(PATH, line)).status == 204
        writer.write(line * 10)
        assert b" 204 " in await reader.readline()
        assert (await intake.post(PATH, line * 100)).status == 204
        await leave(writer)


async def test_what_a_body_inflates_to_counts(tmp_path: Path):
    """Not what it was sent as: two bombs share one bound."""
    async with limited(tmp_path, LimitsConfig(body_bytes=100_000), max_body_bytes=100_000) as intake:
        bomb = gzip.compress(b"m f=1 10\n" * 10_000)
        reader, writer = await connect(intake)
        writer.write(HEAD % (len(bomb), b"Content-Encoding: gzip\r\n") + bomb[:-1])

        async def refused() -> bool:
            answer = await intake.post(PATH, bomb, Content_Encoding="gzip")
            return answer.status == 503

        await until(refused, seconds=60)
        writer.write(bomb[-1:])
        assert b" 204 " in await reader.readline()
        assert (await intake.post(PATH, bomb, Content_Encoding="gzip")).status == 204
        await leave(writer)


async def test_a_client_that_leaves_in_the_middle_makes_room(tmp_path: Path):
    """What had come of its body is let go."""
    async with limited(tmp_path, LimitsConfig(body_bytes=1000), max_body_bytes=1000) as intake:
        _, writer = await connect(intake)
        writer.write(HEAD % (900, b"") + b"m f=1 10\n" * 90)
        await until(lambda: intake.intake._load._all == 810, seconds=60)
        await leave(writer)
        await until(lambda: intake.count(REFUSED, reason="aborted") == 1, seconds=60)
        assert (await intake.post(PATH, b"m f=1 10\n" * 100)).status == 204


async def test_a_body_of_too_many_json_items_is_413(tmp_path: Path):
    """Items count, not the rows over which one is written."""
    item = b'{\n"device": "d7",\n"f": 1\n}'
    async with limited(tmp_path, LimitsConfig(lines=3)) as intake:
        assert (await intake.post("/v1/telemetry", b"[" + b",".join([item] * 3) + b"]")).status == 204
        answer = await intake.post("/v1/telemetry", b"[" + b",".join([item] * 4) + b"]")
        assert answer.status == 413
        assert json.loads(answer.body)["message"] == "a body of more than 3 items; send less at once"
        assert intake.count(REFUSED, reason="lines") == 1


async def test_memory_stays_flat_while_everything_is_refused(tmp_path: Path):
    """200 bodies of 1 MiB over the limit, and as many connections, leave no more than a few of them behind."""
    async with limited(tmp_path, LimitsConfig(), max_body_bytes=1000) as intake:
        body = b"m f=1\n" * 170_000
        before = 0
        for number in range(220):
            assert (await intake.post(PATH, body)).status == 413
            if number == 20:
                before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000
        assert intake.count(REFUSED, reason="too_large") == 220
        await until(lambda: intake.buffer.batches == [])


@pytest.mark.parametrize(
    "wrong", [{"body_bytes": 0}, {"lines": 0}, {"line_bytes": 100}, {"head_timeout": timedelta(0)}]
)
def test_limits_that_let_nothing_through_are_an_error(wrong: dict[str, int]):
    """The message names the setting."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        LimitsConfig(**wrong)


@pytest.mark.parametrize("most", [0, -1, 1001])
def test_bounds_of_bodies_that_let_none_through_are_an_error(most: int):
    """A body may be as long as all bodies together at most."""
    with pytest.raises(ValueError, match="max_body_bytes"):
        IntakeConfig(max_body_bytes=most, limits=LimitsConfig(body_bytes=1000))
