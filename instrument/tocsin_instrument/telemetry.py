"""Telemetry: what an app's code and the middlewares speak to.

The invariants: nothing here waits or raises, and the series of an app are bounded whatever its visitors ask for.
"""

from __future__ import annotations

import atexit
import logging
import os
from collections.abc import Callable, Mapping
from weakref import WeakMethod

from tocsin_instrument.line import Value, head
from tocsin_instrument.outlet import Outlet
from tocsin_instrument.queue import Counts
from tocsin_instrument.request import OTHER, Request, feature_of, method_of
from tocsin_instrument.settings import Settings
from tocsin_instrument.transport import HttpTransport, Transport

_MOST_ENDPOINTS = 500
_MOST_COMPLAINTS = 100
_EXIT_S = 2.0
_log = logging.getLogger("tocsin_instrument")


class Telemetry:
    """Takes what happened and sends it to Tocsin from a thread that starts with the first point.

    Without `settings` they come from the environment (`Settings.from_environment`); where these are wrong, that is
    logged and nothing is sent. `feature` names the feature of an endpoint (default: the first fixed part of its path).
    Safe for threads and for forking servers.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        service: str = "",
        feature: Callable[[str], str] = feature_of,
        transport: Callable[[Settings], Transport] = HttpTransport,
    ) -> None:
        self._settings = settings or _from_environment(service)
        self._feature, self._transport = feature, transport
        self._outlet = Outlet(self._settings, transport)
        self._forked: dict[int, Outlet] = {}
        self._heads: dict[tuple[str, str, int], str] = {}
        self._endpoints: set[str] = set()
        self._complained: set[str] = set()
        atexit.register(_close, WeakMethod(self.close))

    @property
    def counts(self) -> Counts:
        """What became of the lines of this process."""
        return self._outlet.counts

    def request(self, request: Request) -> None:
        """A request that was answered: a point of `http_request`."""
        try:
            self._put(self._head_of(request), _fields_of(request))
        except Exception:  # noqa: BLE001 - whatever it is, the request that is being answered must not fail
            self._outlet.fail()

    def record(self, measurement: str, tags: Mapping[str, object], fields: Mapping[str, Value]) -> None:
        """A reading of the app's own, such as an order; what is None or not finite is left out."""
        try:
            self._put(head(measurement, tags), fields)
        except Exception:  # noqa: BLE001 - as above; the log says what was wrong
            self._outlet.fail()
            self._complain(measurement)

    def deploy(self, text: str = "") -> None:
        """A new release of this service: a mark on every board. Once a deploy, not once a process that starts."""
        settings = self._settings
        words = text or f"{settings.service} {settings.release}".strip()
        self.record("deploy", {"service": settings.service, "release": settings.release}, {"text": words})

    def close(self, timeout_s: float = _EXIT_S) -> None:
        """Send what waits, for at most so many seconds. Called at the end of the process, too."""
        if self._outlet.process == os.getpid():
            self._outlet.close(timeout_s)

    def _complain(self, measurement: object) -> None:
        """Once a measurement: where one point cannot be written, each of them cannot."""
        name = str(measurement)
        if name not in self._complained and len(self._complained) < _MOST_COMPLAINTS:
            self._complained.add(name)
            _log.warning("a point of %r could not be written; further ones are only counted", name, exc_info=True)

    def _put(self, start: str, fields: Mapping[str, Value]) -> None:
        if not self._settings.url:
            return
        if self._outlet.process != os.getpid():
            mine = Outlet(self._settings, self._transport)
            self._outlet = self._forked.setdefault(mine.process, mine)  # one, though several threads come first
        self._outlet.put(start, fields)

    def _head_of(self, request: Request) -> str:
        endpoint = request.endpoint
        if endpoint not in self._endpoints:
            if len(self._endpoints) < _MOST_ENDPOINTS:
                self._endpoints.add(endpoint)
            else:
                endpoint = OTHER
        key = (endpoint, method_of(request.method), request.status)
        known = self._heads.get(key)
        if known is None:
            known = self._heads[key] = self._new_head(*key)
        return known

    def _new_head(self, endpoint: str, method: str, status: int) -> str:
        tags = {
            "service": self._settings.service,
            "release": self._settings.release,
            "feature": self._feature(endpoint),
            "endpoint": endpoint,
            "method": method,
            "status": str(status),
        }
        return head("http_request", tags)


def _fields_of(request: Request) -> dict[str, Value]:
    fields: dict[str, Value] = {
        "duration_ms": request.duration_ms,
        "error": int(request.is_error),
        "bytes": request.size,
    }
    if request.exception:
        fields["exception"] = request.exception
    return fields


def _from_environment(service: str) -> Settings:
    try:
        return Settings.from_environment(service)
    except ValueError as error:
        _log.error("no telemetry is sent: %s", error)
        return Settings(service, url="")


def _close(method: WeakMethod[Callable[[], None]]) -> None:
    close = method()
    if close is not None:
        close()
