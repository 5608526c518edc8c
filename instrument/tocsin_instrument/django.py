"""Middleware for Django, which knows the route's template.

    MIDDLEWARE = ["tocsin_instrument.django.tocsin_middleware", ...]      # the first of all

Service, release and address come from TOCSIN_* of the environment. A streamed answer counts until it begins. The
invariant: answers and errors pass as they came. Source: https://docs.djangoproject.com/en/stable/topics/http/middleware/
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

from tocsin_instrument.request import CLIENT_WENT, SERVER_ERROR, UNMATCHED, template_of
from tocsin_instrument.stopwatch import Stopwatch
from tocsin_instrument.telemetry import Telemetry

_RAISED = "tocsin_raised"
"""The attribute of a request that keeps what its view raised: Django turns that into an answer before we see it."""


def tocsin_middleware(get_response: Callable[[Any], Any], telemetry: Telemetry | None = None) -> Callable[[Any], Any]:
    """A middleware around `get_response` that tells each request, of synchronous and of asynchronous Django."""
    told = telemetry or Telemetry()

    def answering(request: Any) -> Any:
        watch, response = Stopwatch(told), None
        try:
            response = get_response(request)
            return response
        finally:
            _stop(watch, request, response)

    async def answering_later(request: Any) -> Any:
        watch, response = Stopwatch(told), None
        try:
            response = await get_response(request)
            return response
        except asyncio.CancelledError:
            watch.status = CLIENT_WENT
            raise
        finally:
            _stop(watch, request, response)

    middleware = answering_later if inspect.iscoroutinefunction(get_response) else answering
    marked: Any = middleware
    marked.process_exception = _keep_exception
    return middleware


_marked: Any = tocsin_middleware
_marked.sync_capable = _marked.async_capable = True  # how Django asks what a middleware can


def _keep_exception(request: Any, exception: BaseException) -> None:
    setattr(request, _RAISED, exception)


def _stop(watch: Stopwatch, request: Any, response: Any) -> None:
    if response is not None:
        watch.status = int(response.status_code)
        watch.size = 0 if getattr(response, "streaming", False) else len(response.content)
    raised = getattr(request, _RAISED, None) if watch.status >= SERVER_ERROR else None  # Http404 is an answer
    watch.stop(request.method, lambda: _endpoint_of(request), raised)


def _endpoint_of(request: Any) -> str:
    route = getattr(getattr(request, "resolver_match", None), "route", None)
    return UNMATCHED if route is None else template_of(str(route))
