"""InfluxQL over HTTP: `GET|POST /query` in InfluxDB 1.x's form, answered from the configured store.

Values for `$name` in a query come as `params`, a JSON object; the store gets the query with the values in it. Who
deletes (DELETE, DROP MEASUREMENT) needs a token that may write.

What clients send before they write (`CREATE DATABASE`) succeeds: a bucket comes into being with its first line, or is
the store's own business.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, ItemsView, Mapping
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from collector.intake.access import Access
from collector.intake.answers import Refusal, json_answer, raw_answer, unavailable
from collector.intake.body import Load, read_body
from collector.intake.buckets import Buckets
from collector.intake.chunks import chunked_json
from collector.tokens import Scope
from foundation.errors import Transient
from influxql.ast import Change
from influxql.errors import ParseError
from influxql.parser import parse
from influxql.printer import print_statements
from store.contract import Reader, StatementResult
from store.errors import BucketMissing, QueryLimitExceeded, QuerySyntaxError
from store.render import to_csv, to_json

_MOST_FORM_BYTES = 1 << 20
_RETRY_AFTER_S = 1.0
_CHUNK_ROWS = 10_000
_LOOK_S = 0.5
"""How often is looked whether the client of a slow query is still there."""
_MOST_DIGITS = 9
_EPOCHS = frozenset({"ns", "u", "µ", "ms", "s", "m", "h"})
_MAKES_DATABASE = re.compile(r"\s*CREATE\s+DATABASE\b[^;]*;?\s*", re.IGNORECASE)
_DELETES = re.compile(r"\b(?:DELETE|DROP)\b", re.IGNORECASE)
_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"


class QueryRoute:
    """Answers statements."""

    def __init__(
        self,
        reader: Reader,
        access: Access,
        load: Load,
        buckets: Buckets,
        *,
        default_bucket: str,
        deadline_s: float,
    ) -> None:
        self._reader = reader
        self._access = access
        self._load = load
        self._buckets = buckets
        self._default_bucket = default_bucket
        self._deadline_s = deadline_s

    async def answer(self, request: web.BaseRequest, params: Mapping[str, str]) -> web.Response:
        """Results as JSON, or CSV for who accepts that."""
        if request.method == "POST":
            params = {**await _form(request, self._deadline_s, self._load), **params}
        grant = self._access.admit(request.headers.get("Authorization"), params)
        influxql = _bound(params.get("q", ""), params.get("params", ""))
        makes_database = _MAKES_DATABASE.fullmatch(influxql) is not None
        self._access.demand(grant, Scope.WRITE if makes_database or _deletes(influxql) else Scope.READ)
        if makes_database:
            return json_answer({"results": [{"statement_id": 0}]})
        db = self._buckets.of_policy(params.get("db") or self._default_bucket, params.get("rp", ""))
        self._access.demand_bucket(grant, db)
        if not influxql.strip():
            raise Refusal(400, 'missing required parameter "q"')
        epoch = params.get("epoch") or None
        if epoch is not None and epoch not in _EPOCHS:
            raise Refusal(400, f'invalid epoch "{epoch}" (use ns, u, ms, s, m or h)')
        return await self._query(request, params, influxql, db, epoch)

    async def _query(
        self, request: web.BaseRequest, params: Mapping[str, str], influxql: str, db: str, epoch: str | None
    ) -> web.Response:
        try:
            results = await _while_connected(
                request, self._reader.query(influxql, db, deadline_s=self._deadline_s), f"query.{db}"
            )
        except QuerySyntaxError as error:
            raise Refusal(400, str(error)) from error
        except QueryLimitExceeded as error:
            raise Refusal(422, str(error)) from error
        except BucketMissing:
            return json_answer({"results": [{"statement_id": 0, "error": f"database not found: {db}"}]})
        except Transient as error:
            raise unavailable(str(error), error.retry_after_s or _RETRY_AFTER_S) from error
        if "csv" in request.headers.get("Accept", ""):
            return raw_answer(to_csv(results, epoch=epoch), "text/csv; charset=utf-8")
        if params.get("chunked") == "true":
            return raw_answer(chunked_json(results, _chunk_rows(params), epoch=epoch), "application/json")
        pretty = params.get("pretty", "") in ("true", "1")
        return raw_answer(to_json(results, epoch=epoch, pretty=pretty), "application/json")


async def _while_connected(
    request: web.BaseRequest, asked: Coroutine[None, None, tuple[StatementResult, ...]], name: str
) -> tuple[StatementResult, ...]:
    """The answer; where the client goes away before it is there, the question is taken back."""
    task = asyncio.create_task(asked, name=name)
    try:
        while not (await asyncio.wait((task,), timeout=_LOOK_S))[0]:
            if request.transport is None or request.transport.is_closing():
                raise Refusal(499, "the client went away")
        return task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _chunk_rows(params: Mapping[str, str]) -> int:
    """`chunk_size`; what is none means InfluxDB's own, as there."""
    text = params.get("chunk_size", "")
    return (int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else 0) or _CHUNK_ROWS


async def _form(request: web.BaseRequest, longest_s: float, load: Load) -> dict[str, str]:
    """What a form or a JSON object in the body says; nothing for a body of another kind."""
    body = await read_body(request, _MOST_FORM_BYTES, longest_s, load=load)
    kind = request.headers.get("Content-Type", _FORM)
    if body and kind.startswith(_JSON):
        return {key: value if isinstance(value, str) else orjson.dumps(value).decode() for key, value in _object(body)}
    if not body or not kind.startswith(_FORM):
        return {}
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _object(text: str | bytes) -> ItemsView[str, object]:
    """The entries of a JSON object."""
    try:
        read = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, f"error parsing query parameters: {error}") from error
    if not isinstance(read, dict):
        raise Refusal(400, "error parsing query parameters: a JSON object is wanted")
    return read.items()


def _bound(influxql: str, values: str) -> str:
    """The text with what `params` binds in the place of each `$name`, written as the literal that it is."""
    if not values:
        return influxql
    bindings = dict(_object(values))
    try:
        return print_statements(parse(influxql, bindings))
    except ParseError as error:
        raise Refusal(400, f"failed to parse query: {error}") from error


def _deletes(influxql: str) -> bool:
    """Whether the text deletes anything. What does not parse here might do so in another store, so it counts."""
    if not _DELETES.search(influxql):
        return False
    try:
        return any(isinstance(statement, Change) for statement in parse(influxql))
    except ParseError:
        return True
