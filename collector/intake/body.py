"""The body of a request, inflated while it arrives and never longer than allowed: a gzip bomb costs no memory.

Nor do many bodies at once: what all that are under way hold is bounded too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web
from isal import igzip_lib, isal_zlib

from collector.intake.answers import Refusal

_GZIP = frozenset({"gzip", "x-gzip"})
_GZIP_WINDOW = 31
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_RETRY_AFTER = "1"
_TOO_LARGE = "unable to read data: points batch is too large"


class BodyRefused(Refusal):
    """The body cannot be read. `reason` is the name under which that is counted."""

    def __init__(self, status: int, message: str, reason: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, message, headers=headers)
        self.reason = reason


class Load:
    """What the bodies of all requests under way weigh together: at most `most_bytes`."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._held: dict[int, int] = {}
        self._all = 0

    def demand(self, size: int) -> None:
        """Raise BodyRefused (503) where so many bytes more would be too many."""
        if self._all + size > self.most_bytes:
            message = f"the bodies under way hold {self._all} of {self.most_bytes} bytes; come back in a moment"
            raise BodyRefused(503, message, "in_flight", headers={"Retry-After": _RETRY_AFTER})

    def take(self, request: web.BaseRequest, size: int) -> None:
        """Hold so many bytes more for a request, until it is let go. Raises BodyRefused (503)."""
        self.demand(size)
        self._held[id(request)] = self._held.get(id(request), 0) + size
        self._all += size

    def let_go(self, request: web.BaseRequest) -> None:
        """The request is answered, whatever it held."""
        self._all -= self._held.pop(id(request), 0)


async def read_body(request: web.BaseRequest, most_bytes: int, longest_s: float | None = None, *, load: Load) -> bytes:
    """The whole body, inflated if it says that it is gzip, if it arrives within `longest_s`. Raises BodyRefused.

    `most_bytes` bounds both what arrives and what it inflates to; `load` holds it until the request is let go. Other
    encodings are read as they are, as by influxd.
    """
    headers, announced = request.headers, request.content_length or 0
    if announced > most_bytes:
        raise _too_large(most_bytes)
    load.demand(announced)
    if headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(_CONTINUE)
    if request.content.is_eof() and "Content-Encoding" not in headers and not request.content.exception():
        return _whole(request, most_bytes, load)
    inflater = Inflater(most_bytes) if headers.get("Content-Encoding") in _GZIP else None
    try:
        async with asyncio.timeout(longest_s):
            return await _gather(request, most_bytes, inflater, load)
    except TimeoutError as error:
        raise BodyRefused(408, f"the body did not arrive within {longest_s:g} s", "slow") from error


async def _gather(request: web.BaseRequest, most_bytes: int, inflater: Inflater | None, load: Load) -> bytes:
    parts: list[bytes] = []
    size = 0
    while chunk := await _next(request):
        size += len(chunk)
        if size > most_bytes:
            raise _too_large(most_bytes)
        if inflater:
            load.take(request, inflater.feed(chunk))
        else:
            load.take(request, len(chunk))
            parts.append(chunk)
    if inflater:
        return inflater.finish()
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _whole(request: web.BaseRequest, most_bytes: int, load: Load) -> bytes:
    body = request.content.read_nowait()
    if len(body) > most_bytes:
        raise _too_large(most_bytes)
    load.take(request, len(body))
    return body


async def _next(request: web.BaseRequest) -> bytes:
    try:
        return await request.content.readany()
    except web.RequestPayloadError as error:
        raise BodyRefused(400, f"the body cannot be read: {error}", "broken") from error
    except ConnectionError as error:
        raise BodyRefused(400, "the client went away in the middle of the body", "aborted") from error


class Inflater:
    """Gzip members, one behind the other, to bytes; stops at `most_bytes`."""

    def __init__(self, most_bytes: int) -> None:
        self._left = most_bytes
        self._most = most_bytes
        self._member = isal_zlib.decompressobj(_GZIP_WINDOW)
        self._touched = False
        self._parts: list[bytes] = []

    def feed(self, chunk: bytes) -> int:
        """Inflate the next bytes; how many they become. Raises BodyRefused for bad gzip and for too much of it."""
        left = self._left
        while chunk:
            if self._member.eof:
                chunk = chunk.lstrip(b"\0")
                if not chunk:
                    break
                self._member = isal_zlib.decompressobj(_GZIP_WINDOW)
            self._touched = True
            try:
                part = self._member.decompress(chunk, self._left + 1)
            except igzip_lib.IsalError as error:  # type: ignore[misc]  # its stub types the class as an object
                raise BodyRefused(400, f"bad gzip: {error}", "gzip") from error
            self._left -= len(part)
            if self._left < 0:
                raise _too_large(self._most)
            self._parts.append(part)
            chunk = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
        return left - self._left

    def finish(self) -> bytes:
        """Everything. Raises BodyRefused when the last member is not complete."""
        if not self._touched or not self._member.eof:
            raise BodyRefused(400, "bad gzip: the stream ends before its trailer", "gzip")
        return b"".join(self._parts)


def _too_large(most_bytes: int) -> BodyRefused:
    return BodyRefused(413, f"{_TOO_LARGE}: more than {most_bytes} bytes", "too_large")
