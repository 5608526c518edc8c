"""Middleware for ASGI apps: FastAPI, Starlette, Litestar, Quart.

    app.add_middleware(TocsinMiddleware, service="shop")

The invariant: scope, messages and errors pass as they came. Source: https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from tocsin_instrument.request import CLIENT_WENT, UNMATCHED, UNROUTED, guess_template, template_from
from tocsin_instrument.stopwatch import Stopwatch
from tocsin_instrument.telemetry import Telemetry

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_CONVERTER = re.compile(r":[^{}]*\}")
_ENDS = frozenset({"http.response.body", "http.response.pathsend"})
_WENT = "ClientDisconnect"
"""Starlette's, raised where the client went while the answer was on its way."""


class TocsinMiddleware:
    """Tells each HTTP request that `app` answers; web sockets and lifespan pass untouched."""

    def __init__(self, app: App, service: str = "", telemetry: Telemetry | None = None) -> None:
        self._app = app
        self._telemetry = telemetry or Telemetry(service=service)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI call."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        watch, root = Stopwatch(self._telemetry), str(scope.get("root_path", ""))

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                watch.status = int(message["status"])
            elif message["type"] == "http.response.body":
                watch.size += len(message.get("body", b""))
            await send(message)
            if message["type"] in _ENDS and not message.get("more_body", False):
                watch.pause()

        error: BaseException | None = None
        try:
            await self._app(scope, receive, sending)
        except asyncio.CancelledError:
            watch.status = watch.status or CLIENT_WENT
            raise
        except BaseException as raised:
            if type(raised).__name__ == _WENT:
                watch.status = watch.status or CLIENT_WENT
            else:
                error = raised
            raise
        finally:
            watch.stop(str(scope.get("method", "")), lambda: endpoint_of(scope, root, watch.status), error)


def endpoint_of(scope: Scope, root: str, status: int) -> str:
    """The template of the route that took a request; `root` is the root path with which it came in.

    Routers leave what they found in the scope: FastAPI the route, Litestar its template, Starlette the parameters.
    """
    written = scope.get("path_template")
    if isinstance(written, str):
        return written
    route = scope.get("route")
    template, mount = getattr(route, "path", None), str(scope.get("root_path", "")).removeprefix(root)
    if isinstance(template, str):
        if hasattr(route, "app") and not hasattr(route, "endpoint"):  # a mount: what is below it, nobody says
            return UNMATCHED if status in UNROUTED else f"{mount}/{{path}}"
        return mount + _CONVERTER.sub("}", template)
    path, parameters = str(scope.get("path", "/")).removeprefix(root), scope.get("path_params")
    if isinstance(parameters, dict) and parameters and "endpoint" in scope:
        return template_from(path, parameters)
    return UNMATCHED if status in UNROUTED else guess_template(path)
