"""The charting script, out of the plotly wheel that is installed: never a copy of ours, never a CDN.

It is large (about 5 MB), so it is compressed once, when it is first asked for, and the browser keeps it for a year
under an address that names its content.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from dataclasses import dataclass
from importlib import resources

from aiohttp import web

_CACHE = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _Script:
    plain: bytes
    packed: bytes


class Charts:
    """Serves the script. `address` changes with its content."""

    def __init__(self) -> None:
        self._source = resources.files("plotly").joinpath("package_data", "plotly.min.js")
        self._script: asyncio.Task[_Script] | None = None
        self._name = hashlib.sha256(self._source.read_bytes()).hexdigest()[:16]

    @property
    def address(self) -> str:
        """Where the script is served."""
        return f"/charts/{self._name}/plotly.min.js"

    async def serve(self, request: web.Request) -> web.Response:
        """GET of the script: compressed for whoever takes gzip."""
        if self._script is None:
            self._script = asyncio.create_task(asyncio.to_thread(self._load), name="console.charts")
        script = await asyncio.shield(self._script)
        headers = {"Cache-Control": _CACHE, "Vary": "Accept-Encoding", "Content-Type": "text/javascript; charset=utf-8"}
        if "gzip" not in request.headers.get("Accept-Encoding", ""):
            return web.Response(body=script.plain, headers=headers)
        return web.Response(body=script.packed, headers=headers | {"Content-Encoding": "gzip"})

    def _load(self) -> _Script:
        plain = self._source.read_bytes()
        return _Script(plain, gzip.compress(plain, compresslevel=6, mtime=0))
