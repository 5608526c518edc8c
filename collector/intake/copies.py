"""`POST /api/v1/copy`: the store copied to a file on the collector's machine, for `tocsin backup` and `tocsin export`.

Scope admin for every bucket. Whoever asks removes the file. It asks for JSON by its content type, which a page of
another site cannot send unasked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from collector.intake.access import Access
from collector.intake.answers import Refusal, json_answer, unavailable
from collector.tokens import Scope
from foundation.errors import Transient
from store.contract import Copied
from store.errors import CopyRefused

_RETRY_AFTER_S = 5.0
Copy = Callable[[], Awaitable[Copied]]


class CopyRoute:
    """Has the store copied."""

    def __init__(self, copy: Copy, access: Access) -> None:
        self._copy = copy
        self._access = access

    async def answer(self, request: web.BaseRequest, params: Mapping[str, str]) -> web.Response:
        """Where the copy stands, and how many points of each measurement are in it."""
        grant = self._access.admit(request.headers.get("Authorization"), params)
        self._access.demand(grant, Scope.ADMIN)
        if grant is not None and grant.buckets:
            raise Refusal(403, "a copy holds every bucket; it takes a token with scope admin for all of them")
        if not request.headers.get("Content-Type", "").startswith("application/json"):
            raise Refusal(400, "ask with Content-Type: application/json")
        try:
            copied = await self._copy()
        except CopyRefused as error:
            raise Refusal(400, str(error)) from error
        except Transient as error:
            raise unavailable(str(error), error.retry_after_s or _RETRY_AFTER_S) from error
        return json_answer({"file": str(copied.path), "lines": copied.lines})
