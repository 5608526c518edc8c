"""Who may change something over HTTP, and in which form. The parts of the API that change something ask it.

Whoever may change what pages people is somebody: off loopback a change needs `alerting.admin_token`. A change is JSON,
which no page of another site can make a browser send without asking first.
"""

from __future__ import annotations

import hmac
from typing import Any

import orjson
from aiohttp import web

from foundation.secret import Secret


class Admission:
    """`demands_token`: a change has to carry `token`; where there is none, nothing can be changed."""

    def __init__(self, *, token: Secret | None, demands_token: bool) -> None:
        self._token = token
        self._demands_token = demands_token

    def demand(self, request: web.Request) -> None:
        """Let the change through. Raises HTTPForbidden and HTTPUnauthorized."""
        if not self._demands_token:
            return
        if self._token is None:
            raise web.HTTPForbidden(
                text="changes are refused: others can reach this address and alerting.admin_token is not set"
            )
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme not in ("Bearer", "Token") or not hmac.compare_digest(given.encode(), self._token.reveal().encode()):
            raise web.HTTPUnauthorized(
                text="a change needs alerting.admin_token as `Authorization: Bearer ...`",
                headers={"WWW-Authenticate": "Bearer"},
            )

    async def document(self, request: web.Request, what: str) -> Any:
        """The JSON that a change carries; `what` it is, for people. Raises the above, 415 and 400."""
        self.demand(request)
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType(text=f"{what} is JSON: send it with Content-Type: application/json")
        try:
            return orjson.loads(await request.read())
        except orjson.JSONDecodeError as error:
            raise web.HTTPBadRequest(text=f"is no JSON: {error}") from error
