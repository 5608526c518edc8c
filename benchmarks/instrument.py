"""What the instrumentation takes of a request: CPU time of the app's own thread, in which the answer is made.

An ASGI and a WSGI app that do nothing are called with and without the middleware; what is more is a request's share.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.contract import Wish
from benchmarks.figures import Figure

sys.path.append(str(Path(__file__).parents[1] / "instrument"))  # a distribution of its own, not installed here
from tocsin_instrument import Settings, Telemetry
from tocsin_instrument.asgi import TocsinMiddleware as Asgi
from tocsin_instrument.transport import Answer
from tocsin_instrument.wsgi import TocsinMiddleware as Wsgi

_REQUESTS, _QUICK = 100_000, 5_000
_ROUNDS = 5
_GOAL_US = 50.0


class _Taken:
    """A collector that takes everything at once."""

    def send(self, body: bytes) -> Answer:
        """Taken."""
        del body
        return Answer(204)

    def close(self) -> None:
        """Nothing is open."""


class _Route:
    path = "/orders/{id}"


async def _asgi(scope: Any, _receive: Any, send: Any) -> None:
    scope["route"] = _Route
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


def _wsgi(environ: Any, start_response: Any) -> Iterable[bytes]:
    del environ
    start_response("200 OK", [])
    return [b"ok"]


def measure(wish: Wish) -> Iterator[Figure]:
    """Microseconds of CPU a request, the least of several rounds."""
    count = _QUICK if wish.quick else _REQUESTS
    telemetry = Telemetry(
        Settings("shop", "1.4", most_lines=10 * count * _ROUNDS, most_bytes=1 << 40), transport=_taken
    )
    try:
        runs: tuple[tuple[str, Callable[[bool], float]], ...] = (
            ("ASGI", lambda told: _run_asgi(Asgi(_asgi, telemetry=telemetry) if told else _asgi, count)),
            ("WSGI", lambda told: _run_wsgi(Wsgi(_wsgi, telemetry=telemetry) if told else _wsgi, count)),
        )
        for kind, run in runs:
            bare, told = (min(run(with_it) for _ in range(_ROUNDS)) for with_it in (False, True))
            share = (told - bare) / count * 1e6
            yield Figure(f"a request under {kind}, in the app's thread", share, "us", goal=f"< {_GOAL_US:g}")
    finally:
        telemetry.close(60.0)


def _taken(_settings: Settings) -> _Taken:
    return _Taken()


def _run_asgi(app: Any, count: int) -> float:
    async def send(_message: Any) -> None:
        pass

    async def receive() -> Any:
        return {"type": "http.request"}

    async def run() -> float:
        since = time.thread_time()
        for number in range(count):
            await app({"type": "http", "method": "GET", "path": f"/orders/{number}", "root_path": ""}, receive, send)
        return time.thread_time() - since

    return asyncio.run(run())


def _run_wsgi(app: Any, count: int) -> float:
    def start_response(*_: Any) -> Any:
        return None

    since = time.thread_time()
    for number in range(count):
        for _ in app({"REQUEST_METHOD": "GET", "PATH_INFO": f"/orders/{number}"}, start_response):
            pass
    return time.thread_time() - since
