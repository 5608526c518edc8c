"""Answers as InfluxDB's clients expect them: status, headers and a body that v1 and v2 clients both read."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import formatdate
from typing import Any

import orjson
from aiohttp import HttpVersion11, web

from foundation.clock import Clock
from foundation.errors import Permanent

COMPATIBLE_WITH = "v2.9.1"
"""The InfluxDB whose API is spoken here; old clients refuse a server that does not say."""
HEADERS = {"X-Influxdb-Build": "OSS", "X-Influxdb-Version": COMPATIBLE_WITH, "Server": "tocsin"}
_CODES = {
    400: "invalid",
    401: "unauthorized",
    403: "forbidden",
    404: "not found",
    405: "method not allowed",
    408: "request timeout",
    413: "request too large",
    422: "unprocessable entity",
    499: "client closed request",
    500: "internal error",
    503: "unavailable",
}
_MOST_HEADER_BYTES = 1024
_NS = 1_000_000_000


class Refusal(Permanent):
    """A request that is answered with an error. `extra` goes into the JSON body, `headers` to the headers."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.extra = extra or {}


def refusal(error: Refusal) -> web.Response:
    """The answer to a request that was refused."""
    message = str(error)
    code = _CODES[error.status]
    body = orjson.dumps({"code": code, "message": message, "error": message, **error.extra})
    headers = {
        **HEADERS,
        "X-Platform-Error-Code": code,
        "X-Influxdb-Error": _header(message),
        "Content-Type": "application/json; charset=utf-8",
        **error.headers,
    }
    return web.Response(body=body, status=error.status, headers=headers)


class Ready(web.StreamResponse):
    """An answer whose bytes are all there, head and body, so that they go out at once.

    Only for clients of HTTP/1.1 that stay (see `stays`): the bytes say nothing of the connection.
    """

    def __init__(self, wire: bytes, status: int = 200) -> None:
        super().__init__(status=status)
        self._wire = wire

    @property
    def keep_alive(self) -> bool:
        """The connection goes on."""
        return True

    async def prepare(self, request: web.BaseRequest) -> None:
        """Send it. Raises ConnectionResetError when the client is gone."""
        if request.transport is None:
            raise ConnectionResetError("the client is gone")
        request.transport.write(self.wire())
        if request.protocol.writing_paused:
            await request.writer.drain()

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to send."""

    def wire(self) -> bytes:
        """The bytes of the answer."""
        return self._wire


class NoContent(Ready):
    """204, and nothing else: the one success of a write.

    One object answers every such request: its bytes are the same for all that are answered within a second.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__(b"", 204)
        self._clock = clock
        self._second = -1

    def wire(self) -> bytes:
        """The bytes of the answer, as they go out now."""
        second = self._clock.now_ns() // _NS
        if second != self._second:
            lines = [
                f"{name}: {value}" for name, value in (*HEADERS.items(), ("Date", formatdate(second, usegmt=True)))
            ]
            self._wire = "\r\n".join(["HTTP/1.1 204 No Content", *lines, "", ""]).encode()
            self._second = second
        return self._wire


class Contents:
    """Answers with a body to those who stay, their heads made without aiohttp, whose own costs more than the body."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._second = -1
        self._date = b""

    def answer(self, body: bytes, headers: Mapping[str, str]) -> Ready:
        """200 with these headers, to which the length and the date are added."""
        return Ready(self.wire(body, headers))

    def wire(self, body: bytes, headers: Mapping[str, str]) -> bytes:
        """The bytes of that answer."""
        second = self._clock.now_ns() // _NS
        if second != self._second:
            self._second, self._date = second, formatdate(second, usegmt=True).encode()
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()]).encode()
        head = b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\nDate: %b\r\n\r\n" % (lines, len(body), self._date)
        return head + body


def stays(request: web.BaseRequest) -> bool:
    """Whether the client is one of HTTP/1.1 that keeps its connection."""
    return request.keep_alive and request.version == HttpVersion11


def no_content() -> web.Response:
    """204, and nothing else, for any client."""
    return web.Response(status=204, headers=HEADERS)


def json_answer(data: Any, *, status: int = 200) -> web.Response:
    """`data` as JSON."""
    return raw_answer(orjson.dumps(data) + b"\n", "application/json; charset=utf-8", status=status)


def raw_answer(body: bytes, content_type: str, *, status: int = 200) -> web.Response:
    """Bytes that are ready to go."""
    return web.Response(body=body, status=status, headers={**HEADERS, "Content-Type": content_type})


def unavailable(message: str, retry_after_s: float) -> Refusal:
    """503 with Retry-After: the one answer that every sender takes as `keep it and try again`."""
    return Refusal(503, message, headers={"Retry-After": str(max(1, round(retry_after_s)))})


def _header(message: str) -> str:
    line = "".join(char if char.isprintable() and char.isascii() else " " for char in message)
    return line[:_MOST_HEADER_BYTES]
