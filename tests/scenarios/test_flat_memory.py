"""The memory of a real collector stays flat while everything that it is asked is refused."""

from __future__ import annotations

import asyncio
import gzip
import io
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from collector.tokens import Scope, TokenBook
from foundation.clock import SystemClock
from tests.fakes.polling import until
from tests.fakes.process import Running, start, tocsin

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

CONFIG = """\
collector:
  host: {enabled: false}
  health: {enabled: false}
  max_body_bytes: 20000000
  limits: {body_bytes: 20000000, lines: 1000, connections_per_address: 60, head_timeout: 1s, requests: 40}
"""
ROUNDS = 3
MOST_GROWN_BYTES = 10_000_000
"""Half of one body that is read to the end before it is refused; each round has more than thirty of them."""
WRITE = "/api/v2/write?bucket=telemetry"
PATIENCE = aiohttp.ClientTimeout(total=60)


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[Running]:
    (tmp_path / "tocsin.yml").write_text(CONFIG)
    process = start(tocsin("collector", "--config", str(tmp_path / "tocsin.yml")), tmp_path / "state")
    try:
        yield process
    finally:
        process.end()


class Abuser:
    """Asks for what is refused; what it was answered."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token
        self.answers: Counter[int] = Counter()

    async def post(self, body: bytes | AsyncIterator[bytes], token: str | None = None, **headers: str) -> None:
        sent = {"Authorization": f"Token {token or self.token}"} | headers
        data = io.BytesIO(body) if isinstance(body, bytes) else body
        try:
            async with (
                aiohttp.ClientSession(timeout=PATIENCE) as session,
                session.post(self.url + WRITE, data=data, headers=sent) as answer,
            ):
                self.answers[answer.status] += 1
        except aiohttp.ClientError:  # the answer came before all was sent, and was lost with the connection
            self.answers[0] += 1

    async def bombs(self) -> None:
        """30 MB of lines each, 30 kB as they are sent."""
        bomb = gzip.compress(b"m f=1 10\n" * 3_400_000, 9)
        for _ in range(4):
            await self.post(bomb, **{"Content-Encoding": "gzip"})

    async def many_lines(self) -> None:
        """2 MB, of more lines than a body may have."""
        for _ in range(10):
            await self.post(b"m f=1 10\n" * 220_000)

    async def endless_bodies(self) -> None:
        """In chunks, of a length that nobody knows beforehand."""

        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(400):
                yield b"m f=1 10\n" * 7_000

        for _ in range(3):
            await self.post(chunks())

    async def broken_gzip(self) -> None:
        """A stream that ends too early, and one that is none."""
        half = zlib.compress(b"m f=1 10\n" * 100_000, wbits=31)[:-20]
        for body in (half, b"no gzip" * 100_000) * 5:
            await self.post(body, **{"Content-Encoding": "gzip"})

    async def wrong_tokens(self) -> None:
        """Each another."""
        await asyncio.gather(*(self.post(b"m f=1", token=f"wrong-{number}") for number in range(20)))

    async def slow_heads_on_too_many_connections(self) -> None:
        """Half a head on each; what is over the limit is dismissed at once, the rest when it took too long."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        opened = [await asyncio.open_connection(host, int(port)) for _ in range(90)]
        for _, writer in opened:
            writer.write(b"POST /write HTTP/1.1\r\nX-Padding: " + b"x" * 4_000)
        for reader, writer in opened:
            try:
                line = await asyncio.wait_for(reader.readline(), 60)
                self.answers[int(line.split()[1]) if line else 0] += 1
                writer.close()
                await writer.wait_closed()
            except ConnectionError:
                self.answers[0] += 1


async def test_memory_stays_flat_while_everything_is_refused(process: Running, tmp_path: Path) -> None:
    """Bombs, long and endless bodies, bad gzip, wrong tokens, slow heads on too many connections: round after round."""
    await process.ready("collector")
    token = TokenBook(tmp_path / "state" / "tokens.json", SystemClock()).create("device", frozenset({Scope.WRITE}))
    abuser = Abuser(process.url("collector"), token.reveal())
    kinds: list[Callable[[], Coroutine[Any, Any, None]]] = [
        abuser.bombs,
        abuser.many_lines,
        abuser.endless_bodies,
        abuser.broken_gzip,
        abuser.wrong_tokens,
        abuser.slow_heads_on_too_many_connections,
    ]
    memory = psutil.Process(process.process.pid)
    sizes: list[int] = []
    for _ in range(1 + ROUNDS):
        for abuse in kinds:
            await abuse()
        sizes.append(memory.memory_info().rss)
    assert set(abuser.answers) <= {0, 400, 401, 408, 413, 503}
    assert {400, 401, 413, 503} <= set(abuser.answers)
    assert sizes[-1] - sizes[0] < MOST_GROWN_BYTES, sizes

    good = Abuser(abuser.url, abuser.token)

    async def taken() -> bool:
        await good.post(b"m f=1 10")
        return bool(good.answers[204])

    await until(taken, seconds=30, what="a good line after all that")
