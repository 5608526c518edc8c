"""Silences over HTTP: list, make, change, end. Called by `api`; the dispatcher keeps them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from alerting import shapes
from alerting.admission import Admission
from alerting.dispatcher import Dispatcher
from alerting.muting.silence import Phase, Silence, draw_up
from foundation import durations
from foundation.clock import Clock
from foundation.web import answer

_KEYS = frozenset({"id", "matchers", "starts_at", "ends_at", "for", "author", "comment"})
_ID_BYTES = 6


class Silencing:
    """The routes. `admission` says who may change something."""

    def __init__(self, dispatcher: Dispatcher, clock: Clock, admission: Admission) -> None:
        self._dispatcher = dispatcher
        self._clock = clock
        self._admission = admission

    def routes(self) -> list[web.RouteDef]:
        """What `api` serves beside its own."""
        return [
            web.get("/api/v1/silences", self._list),
            web.post("/api/v1/silences", self._make),
            web.delete("/api/v1/silences/{id}", self._end),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        phase, now = request.query.get("phase"), self._clock.now()
        if phase is not None and phase not in tuple(Phase):
            raise web.HTTPBadRequest(text=f"phase: {phase!r} is not one of {', '.join(Phase)}")
        found = [one for one in self._dispatcher.silences() if phase is None or one.phase(now) == phase]
        return answer({"silences": [self._shape(one, now) for one in found]})

    async def _make(self, request: web.Request) -> web.Response:
        doc, now = await self._admission.document(request, "a silence"), self._clock.now()
        try:
            silence = self._drawn(doc, now)
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        await self._dispatcher.silence(silence)
        return answer({"silence": self._shape(silence, now)}, status=201)

    async def _end(self, request: web.Request) -> web.Response:
        self._admission.demand(request)
        now = self._clock.now()
        silence = self._known(request.match_info["id"])
        if silence is None:
            raise web.HTTPNotFound(text=f"there is no silence {request.match_info['id']!r}")
        ended = silence.expired(now)
        await self._dispatcher.silence(ended)
        return answer({"silence": self._shape(ended, now)})

    def _drawn(self, doc: Any, now: datetime) -> Silence:
        """The silence that `doc` asks for. Raises ValueError."""
        if not isinstance(doc, dict) or (unknown := sorted(set(doc) - _KEYS)):
            told = f"unknown: {', '.join(unknown)}; " if isinstance(doc, dict) else ""
            raise ValueError(f"{told}a silence is an object with matchers, for or ends_at, author and comment")
        matchers = doc.get("matchers")
        if not isinstance(matchers, list) or not all(isinstance(text, str) for text in matchers):
            raise ValueError('matchers: must be a list of texts, as in ["team=\\"web\\""]')
        starts_at = _moment(doc, "starts_at") or now
        ends_at = _moment(doc, "ends_at")
        if (ends_at is None) == (doc.get("for") is None):
            raise ValueError("ends_at or for: exactly one of them says when it ends, for as in 2h")
        if ends_at is None:
            ends_at = max(starts_at, now) + durations.parse(_text(doc, "for"))
        known = self._known(_text(doc, "id")) if doc.get("id") else None
        if doc.get("id") and (known is None or known.phase(now) is Phase.EXPIRED):
            raise ValueError(f"id: no silence {doc['id']!r} is in force or to come; leave id out to make a new one")
        drawn = draw_up(
            known.id if known else secrets.token_hex(_ID_BYTES),
            matchers,
            starts_at=starts_at,
            ends_at=ends_at,
            author=_text(doc, "author"),
            comment=_text(doc, "comment"),
            now=now,
        )
        return drawn if known is None else drawn.continuing(known)

    def _known(self, silence_id: str) -> Silence | None:
        return next((one for one in self._dispatcher.silences() if one.id == silence_id), None)

    def _shape(self, silence: Silence, now: datetime) -> Mapping[str, Any]:
        return shapes.silence(silence, now, self._dispatcher.silenced(silence))


def _text(doc: Mapping[str, Any], key: str) -> str:
    value = doc.get(key, "")
    if not isinstance(value, str):
        raise ValueError(f"{key}: must be text, not {value!r}")  # noqa: TRY004 - one kind of error for all bad input
    return value


def _moment(doc: Mapping[str, Any], key: str) -> datetime | None:
    if doc.get(key) is None:
        return None
    try:
        moment = datetime.fromisoformat(_text(doc, key))
    except ValueError as error:
        raise ValueError(f"{key}: {doc[key]!r} is no time; write RFC 3339, as in 2026-11-22T18:00:00Z") from error
    if moment.tzinfo is None:
        raise ValueError(f"{key}: {doc[key]!r} names no zone; end it with Z, or with +01:00")
    return moment.astimezone(UTC)
