"""`GET /api/v1/ledger`: what became of every line, by bucket and source. Scope read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from aiohttp import web

from collector.deliver.delivery import Standing
from collector.intake.access import Access
from collector.intake.answers import json_answer
from collector.ledger import BUFFERED, CARRIED, PASSED, RECEIVED, Balance, Statement
from collector.tokens import Scope


class LedgerRoute:
    """Shows the terms as they stand: they close at any moment."""

    def __init__(
        self, balances: Callable[[], list[Balance]], standings: Callable[[], Sequence[Standing]], access: Access
    ) -> None:
        self._balances = balances
        self._standings = standings
        self._access = access

    async def answer(self, request: web.BaseRequest, params: Mapping[str, str]) -> web.Response:
        """Every bucket's terms for every destination, whether they close, and how each destination stands."""
        grant = self._access.admit(request.headers.get("Authorization"), params)
        self._access.demand(grant, Scope.READ)
        seen = [one for one in self._balances() if grant is None or grant.covers(one.bucket)]
        return json_answer(
            {
                "closes": all(one.closes for one in seen),
                "buckets": [_plain(one) for one in seen],
                "destinations": [asdict(one) for one in self._standings()],
            }
        )


def _plain(balance: Balance) -> dict[str, Any]:
    return {
        "bucket": balance.bucket,
        "destination": balance.destination,
        **_terms(balance.whole),
        "sources": {source: _terms(one) for source, one in sorted(balance.sources.items())},
    }


def _terms(statement: Statement) -> dict[str, Any]:
    return {
        **{term: statement.terms.get(term, 0) for term in (RECEIVED, CARRIED, BUFFERED, *PASSED)},
        "rejected": dict(statement.rejected),
        "taken_out": dict(statement.taken_out),
        "difference": statement.difference,
    }
