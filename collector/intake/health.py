"""Are you there (`/ping`), are you well (`/health`), do you accept (`/ready`)? Open to everybody: they tell no data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from aiohttp import web

from collector.deliver.delivery import Standing
from collector.intake.answers import COMPATIBLE_WITH, HEADERS, json_answer


@dataclass(frozen=True, slots=True)
class Readiness:
    """`status` is `ready`, or why nothing is accepted; zero `buffered_lines` means that all can be queried.

    `destinations`: how each stands, the store that is queried first. One that takes nothing for now is no reason to
    accept nothing.
    """

    status: str
    buffered_lines: int
    buffer_age_s: float
    destinations: tuple[Standing, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether lines are accepted."""
        return self.status == "ready"


class HealthRoutes:
    """The three questions."""

    def __init__(self, readiness: Callable[[], Readiness]) -> None:
        self._readiness = readiness

    async def ping(self, _request: web.BaseRequest, params: Mapping[str, str]) -> web.Response:
        """204, or the version as InfluxDB 1.x gives it for `verbose`."""
        if params.get("verbose", "false") not in ("", "0", "false"):
            return json_answer({"version": COMPATIBLE_WITH})
        return web.Response(status=204, headers=HEADERS)

    async def health(self, _request: web.BaseRequest, _params: Mapping[str, str]) -> web.Response:
        """InfluxDB's own form; `fail` with 503 while nothing is accepted."""
        state = self._readiness()
        body: dict[str, object] = {
            "name": "tocsin",
            "message": "ready for queries and writes" if state.ready else state.status,
            "status": "pass" if state.ready else "fail",
            "checks": [],
            "version": COMPATIBLE_WITH,
            "commit": "",
        }
        return json_answer(body, status=200 if state.ready else 503)

    async def ready(self, _request: web.BaseRequest, _params: Mapping[str, str]) -> web.Response:
        """200 while lines are accepted, else 503; either way how much waits for delivery."""
        state = self._readiness()
        return json_answer(asdict(state), status=200 if state.ready else 503)
