"""Hosts of the public internet, played on loopback: a proxy that answers in their place and lets nothing out.

A client that is told of the proxy and of the test's certificate authority speaks to `api.example.com` as it would to
the real one, over TLS; every byte of it stays on this machine. A host that is not played is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.fakes.authority import Authority


@dataclass(frozen=True)
class Asked:
    """One request as it came out of the tunnel. Names of headers are in lower case."""

    host: str
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What the host answers."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)


class FarHosts:
    """Plays `hosts`; `judge` answers each request. `asked` are all requests, `turned_away` the hosts not played."""

    def __init__(self, folder: Path, hosts: tuple[str, ...], judge: Callable[[Asked], Reply]) -> None:
        authority = Authority(folder)
        pair = authority.issue("far", hosts=hosts)
        self.authority = authority.file
        self.asked: list[Asked] = []
        self.turned_away: list[str] = []
        self.url = ""
        self._hosts = hosts
        self._judge = judge
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(pair.certificate, pair.key)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()[:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                await self._tunnel(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split(" ")
        host = first[1].rpartition(":")[0]
        if first[0] != "CONNECT" or host not in self._hosts:
            self.turned_away.append(first[1])
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await writer.drain()
        await writer.start_tls(self._tls)
        asked = await _request(host, reader)
        self.asked.append(asked)
        reply = self._judge(asked)
        headers = {**reply.headers, "Content-Length": str(len(reply.body)), "Connection": "close"}
        lines = [f"HTTP/1.1 {reply.status} Said", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        writer.write("\r\n".join(lines).encode() + reply.body)
        await writer.drain()


async def _request(host: str, reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    pairs = (line.partition(":") for line in head[1:] if line)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    return Asked(host, method, target, headers, await reader.readexactly(int(headers.get("content-length", "0"))))
