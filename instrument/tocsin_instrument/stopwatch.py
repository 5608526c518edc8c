"""How long a request took, and the point that is made of it at its end.

The middlewares begin one when a request comes in. The invariant: a request is told once, however it ends.
"""

from __future__ import annotations

import time

from tocsin_instrument.request import SERVER_ERROR, Request
from tocsin_instrument.telemetry import Telemetry


class Stopwatch:
    """Runs since it was made. `status` and `size` are filled in as the answer goes out; status 0: none began."""

    __slots__ = ("_since", "_telemetry", "_told", "size", "status")

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._since = time.perf_counter()
        self._told = False
        self.status = 0
        self.size = 0

    def stop(self, method: str, endpoint: str, error: BaseException | None = None) -> None:
        """The request is over; `error`: what the app raised."""
        if self._told:
            return
        self._told = True
        duration_ms = (time.perf_counter() - self._since) * 1000.0
        name = "" if error is None else type(error).__name__
        self._telemetry.request(Request(method, endpoint, self.status or SERVER_ERROR, duration_ms, self.size, name))
