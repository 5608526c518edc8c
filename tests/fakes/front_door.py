"""A collector's HTTP as the demo's client meets it: keeps what it is sent, and can be told to be away."""

from __future__ import annotations

import json
from collections import deque
from typing import Any, Self

from aiohttp import web

from foundation.line_protocol.line import Line
from foundation.line_protocol.parse import parse_line


class FakeFrontDoor:
    """`lines` and `posts` are what it took, `tokens` the credentials they came with; `refusals` are statuses to answer
    first, one a request.
    """

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.posts: list[list[dict[str, Any]]] = []
        self.refusals: deque[int] = deque()
        self.last_ns: int | None = None
        self.tokens: list[str | None] = []
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/api/v2/write", self._write)
        app.router.add_post("/v1/telemetry", self._telemetry)
        app.router.add_get("/query", self._query)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = "http://{}:{}".format(*self._runner.addresses[0][:2])
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _write(self, request: web.Request) -> web.Response:
        if self.refusals:
            return self._refuse()
        assert request.query["bucket"] == "telemetry"
        assert request.query["precision"] == "ns"
        self.tokens.append(request.headers.get("Authorization"))
        self.lines += [parse_line(line) for line in (await request.read()).split(b"\n") if line]
        return web.Response(status=204)

    async def _telemetry(self, request: web.Request) -> web.Response:
        if self.refusals:
            return self._refuse()
        self.tokens.append(request.headers.get("Authorization"))
        self.posts.append(json.loads(await request.read()))
        return web.Response(status=204)

    async def _query(self, _request: web.Request) -> web.Response:
        if self.refusals:
            return self._refuse()
        result: dict[str, Any] = {"statement_id": 0}
        if self.last_ns is not None:
            series = {"name": "http_request", "columns": ["time", "last"], "values": [[self.last_ns, 1.0]]}
            result["series"] = [series]
        return web.json_response({"results": [result]})

    def _refuse(self) -> web.Response:
        return web.Response(status=self.refusals.popleft(), text="no", headers={"Retry-After": "0"})
