"""A local HTTP service that can be told to misbehave: the ground that the fake PagerDuty and Slack stand on."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from aiohttp import web


@dataclass(frozen=True)
class Answer:
    """An answer given instead of the service's own judgement."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class Hang:
    """Take the request and never answer."""


class Reset:
    """Take the request and cut the connection."""


Mishap = Answer | Hang | Reset


def throttled(seconds: int) -> Answer:
    return Answer(429, "slow down", {"Retry-After": str(seconds)})


class FakeService:
    """Serves one path on a free loopback port. `requests` counts everything that came in, mishaps included.

    The path may hold aiohttp's `{name}`.
    """

    path = "/"

    def __init__(self) -> None:
        self.requests = 0
        self.url = ""
        self._mishaps: deque[Mishap] = deque()
        self._always: Mishap | None = None
        self._stopping = asyncio.Event()
        self._runner: web.AppRunner | None = None

    def misbehave(self, *mishaps: Mishap) -> None:
        """Answer the next requests so, one each, before judging again."""
        self._mishaps.extend(mishaps)

    def misbehave_always(self, mishap: Mishap | None) -> None:
        """Answer every request so until told None."""
        self._always = mishap

    async def judge(self, request: web.Request) -> web.Response:
        """What the real service would answer."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_post(self.path, self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}{self.path}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        self.requests += 1
        mishap = self._mishaps.popleft() if self._mishaps else self._always
        if mishap is None:
            return await self.judge(request)
        if isinstance(mishap, Hang):
            await self._stopping.wait()
        if isinstance(mishap, Answer):
            return web.Response(status=mishap.status, text=mishap.body, headers=mishap.headers)
        if request.transport is not None:
            request.transport.abort()
        return web.Response()
