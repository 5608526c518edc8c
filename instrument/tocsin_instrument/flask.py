"""Flask in two lines: the WSGI middleware, and the names of exceptions, which Flask turns into answers by itself.

    from tocsin_instrument.flask import instrument
    instrument(app, service="shop")

Source: https://flask.palletsprojects.com/en/stable/api/#flask.Flask.teardown_request
"""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # came with Python 3.11
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from tocsin_instrument.telemetry import Telemetry
from tocsin_instrument.wsgi import RAISED, TocsinMiddleware

_ENVIRON: ContextVar[WSGIEnvironment | None] = ContextVar("tocsin_environ", default=None)
"""The request that this thread or greenlet is busy with: Flask tells a teardown the exception alone."""


def instrument(app: Any, service: str = "", telemetry: Telemetry | None = None) -> None:
    """Have a `Flask` tell its requests."""
    inner: WSGIApplication = app.wsgi_app

    def remembering(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        token = _ENVIRON.set(environ)
        try:
            return inner(environ, start_response)
        finally:
            _ENVIRON.reset(token)

    app.wsgi_app = TocsinMiddleware(remembering, service, telemetry)
    app.teardown_request(_keep_exception)


def _keep_exception(raised: BaseException | None) -> None:
    environ = _ENVIRON.get()
    if raised is not None and environ is not None:
        environ[RAISED] = raised
