"""InfluxDB's write API on a free port, for whatever can go wrong between a collector and its store.

Points are kept as InfluxDB keeps them, by bucket, series and time, so what is written twice is there once and what was
stamped anew is there twice. Each write takes the next turn of `script`; when that is empty it is stored and answered
204. A turn may refuse, break the connection, apply the lines and say nothing, or wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qs, urlsplit

from foundation.line_protocol.split import split_lines

TOKEN = "token-for-tests-only"
_HEAD_BYTES = 1 << 16
_DATABASES = {"name": "databases", "columns": ["name"], "values": [["telemetry"], ["other"]]}
_ABORT_WITH_RESET = struct.pack("ii", 1, 0)
Turn = Callable[["Exchange"], Awaitable[None]]
"""What is done with one write."""


@dataclass(slots=True)
class Exchange:
    """One write under way: its head has been read, its body has not."""

    server: StoreServer
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    bucket: str
    length: int
    authorization: str

    async def body(self) -> bytes:
        return await self.reader.readexactly(self.length)

    def apply(self, body: bytes) -> None:
        """Store the lines durably, whatever is answered."""
        points = self.server.points.setdefault(self.bucket, {})
        for _, line in split_lines(gzip.decompress(body)):
            series, fields, time = line.decode().rsplit(" ", 2)
            points[f"{series} {time}"] = fields

    def answer(self, status: int, message: str = "", **headers: str) -> None:
        text = json.dumps({"code": "made up", "message": message}).encode() if message else b""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.writer.write(f"HTTP/1.1 {status} X\r\n{head}Content-Length: {len(text)}\r\n\r\n".encode() + text)

    def reset(self) -> None:
        """Break the connection as a crashed host does."""
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT_WITH_RESET)
        self.writer.transport.abort()


async def store(exchange: Exchange) -> None:
    """As a healthy server: 401 for another token, 413 for too large a body, else stored and 204."""
    body = await exchange.body()
    server = exchange.server
    if exchange.authorization != f"Token {server.token}":
        exchange.answer(401, "unauthorized access")
    elif server.most_bytes is not None and len(body) > server.most_bytes:
        exchange.answer(413, "request entity too large")
    else:
        exchange.apply(body)
        exchange.answer(204)


def refuse(status: int, message: str = "", **headers: str) -> Turn:
    """Nothing is stored; this is the answer (`_` in a header's name stands for `-`)."""

    async def turn(exchange: Exchange) -> None:
        await exchange.body()
        exchange.answer(status, message, **headers)

    return turn


async def reset_in_body(exchange: Exchange) -> None:
    """Half of the body is read, then the connection breaks; nothing is stored."""
    await exchange.reader.readexactly(exchange.length // 2)
    exchange.reset()


async def reset_in_answer(exchange: Exchange) -> None:
    """The lines are stored, and the connection breaks within the answer's first line."""
    exchange.apply(await exchange.body())
    exchange.writer.write(b"HTTP/1.1 20")
    await exchange.writer.drain()
    exchange.reset()


async def apply_and_hang(exchange: Exchange) -> None:
    """The lines are stored, and no answer ever comes: returns when the other side gives up."""
    exchange.apply(await exchange.body())
    with contextlib.suppress(ConnectionError):
        await exchange.reader.read()
    exchange.reset()


def wait_for(gate: asyncio.Event) -> Turn:
    """Slow: the lines are stored and the answer given once `gate` is open."""

    async def turn(exchange: Exchange) -> None:
        await gate.wait()
        await store(exchange)

    return turn


@dataclass(slots=True)
class StoreServer:
    """Use as an async context manager. `standing` is what happens to a write when `script` is empty.

    `arrivals` are the times of all writes by the loop's clock, in seconds.
    """

    script: deque[Turn] = field(default_factory=deque)
    standing: Turn = store
    token: str = TOKEN
    most_bytes: int | None = None
    points: dict[str, dict[str, str]] = field(default_factory=dict)
    arrivals: list[float] = field(default_factory=list)
    url: str = ""
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._converse, "127.0.0.1", 0, limit=_HEAD_BYTES)
        self.url = "http://{}:{}".format(*self._server.sockets[0].getsockname())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._open:
            writer.transport.abort()

    def lines(self, bucket: str = "telemetry") -> list[str]:
        """The points of a bucket as lines without their times, sorted."""
        points = self.points.get(bucket, {}).items()
        return sorted(f"{key.rpartition(' ')[0]} {fields}" for key, fields in points)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while not writer.transport.is_closing():
                await self._answer_one(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        target = urlsplit(first.split(" ")[1])
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        bucket = parse_qs(target.query).get("bucket", [""])[0]
        length = int(headers.get("content-length", "0"))
        exchange = Exchange(self, reader, writer, bucket, length, headers.get("authorization", ""))
        if target.path == "/api/v2/write":
            self.arrivals.append(asyncio.get_running_loop().time())
            await (self.script.popleft() if self.script else self.standing)(exchange)
        else:
            self._tell(exchange, await exchange.body())

    def _tell(self, exchange: Exchange, question: bytes) -> None:
        """The buckets, for SHOW DATABASES; nothing, for any other question."""
        result = {"statement_id": 0} | ({"series": [_DATABASES]} if b"DATABASES" in question else {})
        content = json.dumps({"results": [result]})
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        exchange.writer.write((head + content).encode())
