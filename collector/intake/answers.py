"""Answers as InfluxDB's clients expect them: status, headers and a body that v1 and v2 clients both read."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import formatdate
from typing import Any

import orjson
from aiohttp import web

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


class NoContent(web.StreamResponse):
    """204, and nothing else: the one success of a write, for clients of HTTP/1.1 that stay.

    One object answers every such request: its bytes are the same for all that are answered within a second.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__(status=204)
        self._clock = clock
        self._wire = b""
        self._second = -1

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
        """The bytes of the answer, as they go out now."""
        second = self._clock.now_ns() // _NS
        if second != self._second:
            lines = [
                f"{name}: {value}" for name, value in (*HEADERS.items(), ("Date", formatdate(second, usegmt=True)))
            ]
            self._wire = "\r\n".join(["HTTP/1.1 204 No Content", *lines, "", ""]).encode()
            self._second = second
        return self._wire


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
