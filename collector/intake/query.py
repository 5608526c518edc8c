"""InfluxQL over HTTP: `/query` in InfluxDB 1.x's form, answered from the configured store.

Values for `$name` in a query come as `params`, a JSON object; the store gets the query with the values in it. Who
changes anything (DELETE, DROP and their kin) needs a token that may write; equal questions share their work.

What clients send before they write (`CREATE DATABASE`) succeeds: a bucket comes into being with its first line, or is
the store's own business.
"""

from __future__ import annotations

import re
from collections.abc import Coroutine, Mapping

from aiohttp import web

from collector.intake.access import Access
from collector.intake.answers import Contents, Refusal, unavailable
from collector.intake.body import Load
from collector.intake.buckets import Buckets
from collector.intake.question import json_object, read_params
from collector.intake.results import Wish, send_results
from collector.intake.sharing import Sharing
from collector.intake.waiting import while_connected
from collector.tokens import Scope
from foundation.errors import Transient
from influxql.ast import Change, CreateDatabase, Unimplemented
from influxql.errors import ParseError
from influxql.parser import parse
from influxql.printer import print_statements
from store.contract import StatementResult
from store.errors import BucketMissing, QueryLimitExceeded, QuerySyntaxError

_RETRY_AFTER_S = 1.0
_MAKES_DATABASE = re.compile(r"\s*CREATE\s+DATABASE\b[^;]*;?\s*", re.IGNORECASE)
_MAY_CHANGE = re.compile(r"\b(?:DELETE|DROP|INTO|CREATE|ALTER|GRANT|REVOKE|SET|KILL)\b", re.IGNORECASE)


class QueryRoute:
    """Answers statements. `sharing` asks the reader, for those who only read together."""

    def __init__(
        self,
        sharing: Sharing,
        access: Access,
        load: Load,
        buckets: Buckets,
        contents: Contents,
        *,
        default_bucket: str,
        deadline_s: float,
    ) -> None:
        self._sharing = sharing
        self._access = access
        self._load = load
        self._buckets = buckets
        self._contents = contents
        self._default_bucket = default_bucket
        self._deadline_s = deadline_s

    async def answer(self, request: web.BaseRequest, params: Mapping[str, str]) -> web.StreamResponse:
        """Results as JSON, or CSV for who accepts that."""
        params = await read_params(request, params, self._deadline_s, self._load)
        wish = Wish.of(request.headers, params)
        grant = self._access.admit(request.headers.get("Authorization"), params)
        influxql = _bound(params.get("q", ""), params.get("params", ""))
        makes_database, changes = _MAKES_DATABASE.fullmatch(influxql) is not None, _changes(influxql)
        self._access.demand(grant, Scope.WRITE if makes_database or changes else Scope.READ)
        if makes_database:
            return await send_results(request, (StatementResult(0),), wish, self._contents)
        db = await self._bucket(params)
        self._access.demand_bucket(grant, db)
        if not influxql.strip():
            raise Refusal(400, 'missing required parameter "q"')
        ask = self._sharing.query_alone if changes else self._sharing.query
        results = await self._results(request, ask(influxql, db, deadline_s=self._deadline_s), db)
        return await send_results(request, results, wish, self._contents)

    async def _bucket(self, params: Mapping[str, str]) -> str:
        """The bucket of database and policy. A store that makes buckets may have one of the policy's own."""
        db, policy = params.get("db") or self._default_bucket, params.get("rp", "")
        bucket = self._buckets.of_policy(db, policy)
        own = f"{db}/{policy}"
        return own if policy and bucket == db and await self._buckets.has(own) else bucket

    async def _results(
        self, request: web.BaseRequest, asked: Coroutine[None, None, tuple[StatementResult, ...]], db: str
    ) -> tuple[StatementResult, ...]:
        try:
            return await while_connected(request, asked)
        except QuerySyntaxError as error:
            raise Refusal(400, str(error)) from error
        except QueryLimitExceeded as error:
            raise Refusal(422, str(error)) from error
        except BucketMissing:
            return (StatementResult(0, error=f"database not found: {db}"),)
        except Transient as error:
            raise unavailable(str(error), error.retry_after_s or _RETRY_AFTER_S) from error


def _bound(influxql: str, values: str) -> str:
    """The text with what `params` binds in the place of each `$name`, written as the literal that it is."""
    if not values:
        return influxql
    bindings = dict(json_object(values))
    try:
        return print_statements(parse(influxql, bindings))
    except ParseError as error:
        raise Refusal(400, f"failed to parse query: {error}") from error


def _changes(influxql: str) -> bool:
    """Whether the text changes anything. What is not run or read here might do so in another store, so it counts."""
    if not _MAY_CHANGE.search(influxql):
        return False
    try:
        return any(isinstance(statement, Change | CreateDatabase | Unimplemented) for statement in parse(influxql))
    except ParseError:
        return True
