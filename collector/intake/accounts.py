"""`GET /api/v1/ledger`: what became of every line, by bucket and source. Scope read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from collector.intake.access import Access
from collector.intake.answers import json_answer
from collector.ledger import Balance
from collector.tokens import Scope

_LOOKS = 20
_PAUSE_S = 0.02
"""Between two looks: lines that move are between two places for a moment, which is no loss."""


class LedgerRoute:
    """Looks at the terms until they close, for less than half a second."""

    def __init__(self, balances: Callable[[], list[Balance]], access: Access) -> None:
        self._balances = balances
        self._access = access

    async def answer(self, request: web.BaseRequest, params: Mapping[str, str]) -> web.Response:
        """Every bucket's terms, and whether they close."""
        grant = self._access.admit(request.headers.get("Authorization"), params)
        self._access.demand(grant, Scope.READ)
        balances = self._balances()
        for _ in range(_LOOKS):
            if not any(one.difference for one in balances):
                break
            await asyncio.sleep(_PAUSE_S)
            balances = self._balances()
        seen = [one for one in balances if grant is None or grant.covers(one.bucket)]
        closes = not any(one.difference for one in seen)
        return json_answer({"closes": closes, "buckets": [_plain(one) for one in seen]})


def _plain(balance: Balance) -> dict[str, Any]:
    return {
        "bucket": balance.bucket,
        "received": balance.terms.get("received", 0),
        "carried": balance.terms.get("carried", 0),
        "delivered": balance.terms.get("delivered", 0),
        "buffered": balance.buffered,
        "dead": balance.terms.get("dead", 0),
        "rejected": dict(balance.rejected),
        "taken_out": dict(balance.taken_out),
        "difference": balance.difference,
        "sources": {source: dict(terms) for source, terms in sorted(balance.sources.items())},
    }
