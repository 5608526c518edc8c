"""Middleware for aiohttp servers.

    app = web.Application(middlewares=[tocsin_middleware(service="shop")])

A request ends when its handler returns: the sending of a body that is ready by then is not in the duration. The
invariant: answers and errors pass as they came.
Source: https://docs.aiohttp.org/en/stable/web_advanced.html#middlewares
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tocsin_instrument.request import CLIENT_WENT, UNMATCHED
from tocsin_instrument.stopwatch import Stopwatch
from tocsin_instrument.telemetry import Telemetry

Handler = Callable[[Any], Awaitable[Any]]
"""aiohttp's own types are not imported: this package stands on the standard library alone."""

Middleware = Callable[[Any, Handler], Awaitable[Any]]

_SWITCHED = 101


def tocsin_middleware(service: str = "", telemetry: Telemetry | None = None) -> Middleware:
    """A middleware that tells each request but web sockets; let it be the first, so that it sees what the others do."""
    told = telemetry or Telemetry(service=service)

    async def middleware(request: Any, handler: Handler) -> Any:
        watch, error = Stopwatch(told), None
        try:
            response = await handler(request)
            _take(watch, response)
            return response
        except asyncio.CancelledError:
            watch.status = CLIENT_WENT
            raise
        except BaseException as raised:
            if hasattr(raised, "prepare"):  # web.HTTPException: an answer, not a fault
                _take(watch, raised)
            else:
                error = raised
            raise
        finally:
            if watch.status != _SWITCHED:
                watch.stop(request.method, lambda: endpoint_of(request), error)

    marked: Any = middleware
    marked.__middleware_version__ = 1  # what aiohttp's own decorator sets
    return middleware


def endpoint_of(request: Any) -> str:
    """The canonical form of the resource that took a request."""
    canonical = getattr(getattr(request.match_info.route, "resource", None), "canonical", None)
    return canonical if isinstance(canonical, str) else UNMATCHED


def _take(watch: Stopwatch, response: Any) -> None:
    watch.status = int(getattr(response, "status", 0))  # a handler that forgot its answer has none
    watch.size = int(getattr(response, "content_length", 0) or 0)
