"""`GET /api/v1/store`: how the store stands: its rollups, its disk, what somebody has to look at. Scope read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict

from aiohttp import web

from collector.intake.access import Access
from collector.intake.answers import json_answer
from collector.tokens import Scope
from store.contract import StoreStanding


class StandingRoute:
    """Shows what the store tells of itself."""

    def __init__(self, standing: Callable[[], StoreStanding], access: Access) -> None:
        self._standing = standing
        self._access = access

    async def answer(self, request: web.BaseRequest, params: Mapping[str, str]) -> web.Response:
        """The standing as JSON; rollups of buckets that the token may read."""
        grant = self._access.admit(request.headers.get("Authorization"), params)
        self._access.demand(grant, Scope.READ)
        told = asdict(self._standing())
        rollups = [one for one in told["rollups"] if grant is None or grant.covers(one["bucket"])]
        return json_answer({**told, "rollups": rollups})
