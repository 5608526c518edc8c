"""Taking alerts in hand over HTTP, and giving them back. Called by `api`; the dispatcher keeps who has what.

What is taken is an alert, or an incident: all of its alerts that are open.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from alerting import shapes
from alerting.admission import Admission
from alerting.alert import Alert
from alerting.dispatcher import Dispatcher
from foundation.web import answer

_KEYS = frozenset({"author", "comment"})
_PATH = "/api/v1/alerts/{id}/acknowledgement"


class Acknowledging:
    """The routes. `alerts` are those that are not inactive, `admission` says who may change something."""

    def __init__(self, dispatcher: Dispatcher, alerts: Callable[[], tuple[Alert, ...]], admission: Admission) -> None:
        self._dispatcher = dispatcher
        self._alerts = alerts
        self._admission = admission

    def routes(self) -> list[web.RouteDef]:
        """What `api` serves beside its own."""
        return [web.post(_PATH, self._take), web.delete(_PATH, self._give_back)]

    async def _take(self, request: web.Request) -> web.Response:
        doc = await self._admission.document(request, "an acknowledgement")
        wanted = request.match_info["id"]
        found = self._found(wanted)
        try:
            made = await self._dispatcher.acknowledge(found, **_words(doc))
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        if not made:
            raise web.HTTPNotFound(text=f"{wanted}: is not open, so there is nothing to acknowledge")
        return answer({"acknowledgements": [shapes.acknowledgement(one) for one in made]}, status=201)

    async def _give_back(self, request: web.Request) -> web.Response:
        self._admission.demand(request)
        wanted = request.match_info["id"]
        ended = await self._dispatcher.release(self._found(wanted))
        if not ended:
            raise web.HTTPNotFound(text=f"{wanted}: is not acknowledged")
        return answer({"acknowledgements": [shapes.acknowledgement(one) for one in ended]})

    def _found(self, wanted: str) -> list[str]:
        """The ids of the alerts that are meant: the beginning of one's id, or of an incident's. Raises HTTPNotFound."""
        alerts = [one.fingerprint for one in self._alerts() if one.fingerprint.startswith(wanted)]
        incidents = self._dispatcher.incidents_like(wanted)
        if len(alerts) + len(incidents) != 1:
            problem = "the ids of several begin so" if alerts or incidents else "no open alert or incident is it"
            raise web.HTTPNotFound(text=f"{wanted}: {problem}; /api/v1/alerts lists those that are open")
        return alerts or [one.alert_id for one in incidents[0].members.values() if one.is_open]


def _words(doc: Any) -> dict[str, str]:
    """Who says so, and what about it. Raises ValueError."""
    if not isinstance(doc, dict) or (unknown := sorted(set(doc) - _KEYS)):
        told = f"unknown: {', '.join(unknown)}; " if isinstance(doc, dict) else ""
        raise ValueError(f"{told}an acknowledgement is an object with author and, if you like, comment")
    words = {key: doc.get(key, "") for key in sorted(_KEYS)}
    for key, text in words.items():
        if not isinstance(text, str):
            raise ValueError(f"{key}: must be text, not {text!r}")  # noqa: TRY004 - one kind of error for all bad input
    return words
