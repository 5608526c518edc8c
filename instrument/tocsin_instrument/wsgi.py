"""Middleware for WSGI apps: Bottle, plain ones, and through `flask` Flask.

    app = TocsinMiddleware(app, service="shop")

A request ends when its answer's last part was taken or its iterator closed; that of a file that the server sends by
itself, when the app returned it. The invariant: status, headers, parts and errors pass as they came, and the server
sees how many parts there are where the app says so. Source: PEP 3333.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from types import TracebackType
from typing import TYPE_CHECKING, Any, Union

if TYPE_CHECKING:  # came with Python 3.11
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from tocsin_instrument.request import SERVER_ERROR, UNMATCHED, UNROUTED, guess_template, template_of
from tocsin_instrument.stopwatch import Stopwatch, found_by
from tocsin_instrument.telemetry import Telemetry

_Raised = Union[tuple[type[BaseException], BaseException, TracebackType], tuple[None, None, None]]

RAISED = "tocsin.raised"
"""Where a framework's hook leaves in the environment what was raised and then answered with a 5xx."""


class TocsinMiddleware:
    """Tells each request that `app` answers."""

    def __init__(self, app: WSGIApplication, service: str = "", telemetry: Telemetry | None = None) -> None:
        self._app = app
        self._telemetry = telemetry or Telemetry(service=service)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The WSGI call."""
        watch, endpoint = Stopwatch(self._telemetry), ""

        def find() -> str:
            return endpoint or endpoint_of(environ, watch.status)

        def starting(
            status: str, headers: list[tuple[str, str]], exc_info: _Raised | None = None, /
        ) -> Callable[[bytes], object]:
            nonlocal endpoint
            watch.status = int(status[:3]) if status[:3].isdecimal() else 0  # what the server makes of it is its own
            endpoint = found_by(find)  # now: Flask forgets its request before the parts are taken
            write = start_response(status, headers, exc_info)

            def writing(data: bytes) -> object:
                watch.size += len(data)
                return write(data)

            return writing

        def stop(error: BaseException | None = None) -> None:
            answered = environ.get(RAISED) if watch.status >= SERVER_ERROR else None
            watch.stop(str(environ.get("REQUEST_METHOD", "")), find, error or answered)

        try:
            parts = self._app(environ, starting)
        except BaseException as error:
            stop(error)
            raise
        sends_files = environ.get("wsgi.file_wrapper")
        if isinstance(sends_files, type) and isinstance(parts, sends_files):  # by itself, if handed this very thing
            stop()
            return parts
        return (_CountedParts if isinstance(parts, Sized) else _Parts)(parts, watch, stop)


class _Parts:
    """The parts of an answer as they are taken."""

    def __init__(self, parts: Iterable[bytes], watch: Stopwatch, stop: Callable[[BaseException | None], None]) -> None:
        self._parts, self._watch, self._stop = parts, watch, stop
        self._rest: Iterator[bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            if self._rest is None:
                self._rest = iter(self._parts)
            part = next(self._rest)
        except StopIteration:
            self._stop(None)
            raise
        except BaseException as error:
            self._stop(error)
            raise
        self._watch.size += len(part)
        return part

    def close(self) -> None:
        """The server needs no more; the app may free what it holds."""
        try:
            closing: Any = getattr(self._parts, "close", None)
            if closing is not None:
                closing()
        finally:
            self._stop(None)


class _CountedParts(_Parts):
    """Parts of a known number: of a single one, servers tell the length by themselves."""

    def __len__(self) -> int:
        parts: Any = self._parts
        return len(parts)


def endpoint_of(environ: WSGIEnvironment, status: int) -> str:
    """The template of the route that took a request, where the framework leaves it in the environment.

    Flask: the rule of Werkzeug's request; Bottle: `bottle.route`.
    """
    request, route = environ.get("werkzeug.request"), environ.get("bottle.route")
    rule = getattr(getattr(request, "url_rule", None), "rule", None) or getattr(route, "rule", None)
    if isinstance(rule, str):
        return template_of(rule)
    return UNMATCHED if status in UNROUTED else guess_template(str(environ.get("PATH_INFO") or "/"))
