"""The files of static/, kept in memory and packed once: a page needs some forty, and each is asked for in every visit.

A file that changes is read again. The browser asks anew each time and is told that it has the newest (304); what it
lacks goes out packed.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from mimetypes import guess_type
from pathlib import Path

from aiohttp import web

_WORTH_PACKING = 512


@dataclass(frozen=True, slots=True)
class _Kept:
    stamp: tuple[int, int]
    kind: str
    plain: bytes
    packed: bytes
    etag: str


class Assets:
    """Files below `folder`, by their path in it. Small: they are read on the calling thread."""

    def __init__(self, folder: Path) -> None:
        self._paths = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
        self._kept: dict[str, _Kept] = {}

    async def serve(self, request: web.Request) -> web.Response:
        """GET /static/{name}."""
        return self.answer(request, request.match_info["name"])

    def answer(self, request: web.Request, name: str) -> web.Response:
        """One of the files, or 404 for what was none of them at the start."""
        if name not in self._paths:
            raise web.HTTPNotFound(text=f"there is no {name}")
        file = self._read(name)
        headers = {"ETag": file.etag, "Content-Type": file.kind, "Vary": "Accept-Encoding"}
        if file.etag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        if file.packed and "gzip" in request.headers.get("Accept-Encoding", ""):
            return web.Response(body=file.packed, headers=headers | {"Content-Encoding": "gzip"})
        return web.Response(body=file.plain, headers=headers)

    def _read(self, name: str) -> _Kept:
        path, known = self._paths[name], self._kept.get(name)
        status = path.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        if known is None or known.stamp != stamp:
            plain = path.read_bytes()
            packed = gzip.compress(plain, compresslevel=6, mtime=0) if len(plain) > _WORTH_PACKING else b""
            etag = f'"{hashlib.sha256(plain).hexdigest()[:16]}"'
            self._kept[name] = known = _Kept(stamp, _kind(name), plain, packed, etag)
        return known


def _kind(name: str) -> str:
    kind = guess_type(name)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
