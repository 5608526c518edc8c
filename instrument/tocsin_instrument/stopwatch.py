"""How long a request took, and the point that is made of it at its end.

The middlewares begin one when a request comes in. The invariants: a request is told once, however it ends, and nothing
that goes wrong while it is told reaches the app.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from tocsin_instrument.request import SERVER_ERROR, UNMATCHED, Request
from tocsin_instrument.telemetry import Telemetry


class Stopwatch:
    """Runs since it was made. `status` and `size` are filled in as the answer goes out; status 0: none began."""

    __slots__ = ("_since", "_telemetry", "_told", "_until", "size", "status")

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._since = time.perf_counter()
        self._until: float | None = None
        self._told = False
        self.status = 0
        self.size = 0

    def pause(self) -> None:
        """The answer is out: what the app still does is not in the duration."""
        self._until = time.perf_counter()

    def stop(self, method: str, endpoint: Callable[[], str], error: BaseException | None = None) -> None:
        """The request is over; `endpoint` finds its endpoint, `error`: what the app raised."""
        if self._told:
            return
        self._told = True
        until = time.perf_counter() if self._until is None else self._until
        duration_ms = (until - self._since) * 1000.0
        name = "" if error is None else type(error).__name__
        found = found_by(endpoint)
        self._telemetry.request(Request(method, found, self.status or SERVER_ERROR, duration_ms, self.size, name))


def found_by(endpoint: Callable[[], str]) -> str:
    """What `endpoint` finds; UNMATCHED where it fails, as over what a framework of tomorrow leaves behind."""
    try:
        return endpoint()
    except Exception:  # noqa: BLE001 - whatever it is, the request that is being answered must not fail
        return UNMATCHED
