"""A webhook's other end as a careful receiver writes it: it checks signature, delivery and JSON before it looks."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from typing import Any

from aiohttp import web

from tests.fakes.service import FakeService

_MOST_BYTES = 1 << 20


class FakeWebhook(FakeService):
    """`calls` are the bodies taken, `refusals` what was wrong with the others."""

    path = "/hooks/secret-path"

    def __init__(self, secret: str = "") -> None:
        super().__init__()
        self.secret = secret
        self.calls: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.refusals: list[str] = []

    async def judge(self, request: web.Request) -> web.Response:
        body = await request.read()
        problem = self._problem(request, body)
        if problem:
            self.refusals.append(problem)
            return web.Response(status=400, text=problem)
        self.calls.append(json.loads(body))
        self.headers.append(dict(request.headers))
        return web.Response(status=204)

    def _problem(self, request: web.Request, body: bytes) -> str:
        if request.content_type != "application/json" or len(body) > _MOST_BYTES:
            return "not JSON, or too long"
        if not re.fullmatch(r"[0-9a-f]{32}", request.headers.get("X-Tocsin-Delivery", "")):
            return "no delivery"
        if not self.secret:
            return ""
        given = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", request.headers.get("X-Tocsin-Signature", ""))
        if given is None:
            return "no signature"
        wanted = hmac.new(self.secret.encode(), given[1].encode() + b"." + body, hashlib.sha256).hexdigest()
        return "" if wanted == given[2] else "wrong signature"
