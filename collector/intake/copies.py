"""`/api/v1/copy`: the store copied to a file on the collector's machine, for `tocsin backup` and `tocsin export`.

    POST               makes one: where it stands, and how many points of each measurement are in it
    GET ?file=NAME     sends it to another machine, whole or from a byte on (`Range`), with its SHA-256 (`Repr-Digest`)
    DELETE ?file=NAME  removes it

Scope backup for every bucket. Whoever asks removes the file. POST asks for JSON by its content type, which a page of
another site cannot send unasked. Invariant: only copies that were made here, since the start, are sent or removed.
"""

from __future__ import annotations

import asyncio
import hashlib
from base64 import b64encode
from collections.abc import Callable, Coroutine, Mapping
from io import BufferedReader
from pathlib import Path

from aiohttp import web

from collector.intake.access import Access
from collector.intake.answers import HEADERS, Refusal, json_answer, unavailable
from collector.intake.waiting import while_connected
from collector.tokens import Scope
from foundation.errors import Transient
from store.contract import Copied
from store.errors import CopyRefused

_RETRY_AFTER_S = 5.0
_CHUNK_BYTES = 1 << 20
_LONGEST_CHUNK_S = 60.0
"""Whoever takes longer for one chunk is cut off, and may go on behind what it has."""
Copy = Callable[[], Coroutine[None, None, Copied]]


class CopyRoute:
    """Has the store copied, and sends the copies."""

    def __init__(self, copy: Copy, access: Access, made: dict[str, Path]) -> None:
        """`made` are the copies that are there, by the name of their file; it outlives the route."""
        self._copy = copy
        self._access = access
        self._made = made
        self._digests: dict[str, tuple[bytes, int]] = {}

    async def answer(self, request: web.BaseRequest, params: Mapping[str, str]) -> web.StreamResponse:
        """What the method asks for."""
        grant = self._access.admit(request.headers.get("Authorization"), params)
        self._access.demand(grant, Scope.BACKUP)
        if grant is not None and grant.buckets:
            raise Refusal(403, "a copy holds every bucket; it takes a token with scope backup for all of them")
        if request.method == "POST":
            return await self._make(request)
        path = self._made.get(params.get("file", ""))
        if path is None or not path.is_file():
            raise Refusal(404, "there is no such copy; have another one made")
        if request.method == "GET":
            return await self._send(request, path)
        del self._made[path.name]
        self._digests.pop(path.name, None)
        path.unlink(missing_ok=True)
        return json_answer({"removed": path.name})

    async def _make(self, request: web.BaseRequest) -> web.Response:
        if not request.headers.get("Content-Type", "").startswith("application/json"):
            raise Refusal(400, "ask with Content-Type: application/json")
        try:
            copied = await while_connected(request, self._copy())
        except CopyRefused as error:
            raise Refusal(400, str(error)) from error
        except Transient as error:
            raise unavailable(str(error), error.retry_after_s or _RETRY_AFTER_S) from error
        for name in [name for name, path in self._made.items() if not path.exists()]:
            del self._made[name]
            self._digests.pop(name, None)
        self._made[copied.path.name] = copied.path
        return json_answer({"file": str(copied.path), "lines": copied.lines})

    async def _send(self, request: web.BaseRequest, path: Path) -> web.StreamResponse:
        with path.open("rb") as file:
            if path.name not in self._digests:
                self._digests[path.name] = await asyncio.to_thread(_digest, file)
            digest, size = self._digests[path.name]
            start = _start(request, size)
            headers = {
                **HEADERS,
                "Content-Type": "application/octet-stream",
                "Content-Length": str(size - start),
                "Content-Range": f"bytes {start}-{size - 1}/{size}",
                "Repr-Digest": f"sha-256=:{b64encode(digest).decode()}:",
            }
            response = web.StreamResponse(status=206 if start else 200, headers=headers)
            file.seek(start)
            try:
                await response.prepare(request)
                while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
                    async with asyncio.timeout(_LONGEST_CHUNK_S):
                        await response.write(chunk)
            except (ConnectionError, TimeoutError):
                if request.transport is not None:
                    request.transport.abort()
            return response


def _start(request: web.BaseRequest, size: int) -> int:
    """The byte from which on the file is wanted, to its end."""
    try:
        wanted = request.http_range
    except ValueError as error:
        raise Refusal(400, f"Range: {error}; write bytes=N-") from error
    start = wanted.start or 0
    if not 0 <= start <= size or wanted.stop is not None:
        raise Refusal(400, f"the copy has {size} bytes; write Range: bytes=N- with N up to that")
    return start


def _digest(file: BufferedReader) -> tuple[bytes, int]:
    digest = hashlib.file_digest(file, "sha256")
    return digest.digest(), file.tell()
