"""The dead letters over HTTP, for who holds scope admin: look, replay, throw away.

    GET    /api/v1/dead?bucket=&measurement=&reason=&source=&since_ns=&until_ns=&id=&upto=&after=&limit=
    GET    /api/v1/dead/count?...     how many fit, and the last of them
    GET    /api/v1/dead/accounts      what became of all there ever were, by bucket and source
    DELETE /api/v1/dead?...           the same filters; `all=true` where no filter is given
    POST   /api/v1/dead/replay        the same as a JSON object; one batch, `more` says whether to ask again

A replay asks for JSON by its content type, which a page of another site cannot send unasked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import orjson
from aiohttp import web

from collector.dead.box import DeadLetters, LettersNotKept
from collector.dead.letter import Wanted
from collector.intake.access import Access
from collector.intake.answers import Refusal, json_answer, unavailable
from collector.intake.body import Load, read_body
from collector.intake.door import Door
from collector.intake.replay import Replayer
from collector.tokens import Grant, Scope

_MOST_LETTERS = 1000
_MOST_IDS = 1000
_MOST_FORM_BYTES = 1 << 16
_RETRY_AFTER_S = 5.0
_TEXTS = ("bucket", "measurement", "reason", "source")
_NUMBERS = ("since_ns", "until_ns", "upto")
_KNOWN = frozenset({*_TEXTS, *_NUMBERS, "id", "after", "limit", "all", "p", "u"})


class LetterRoutes:
    """Answers about the dead letters."""

    def __init__(self, dead: DeadLetters, replayer: Replayer, access: Access, door: Door, load: Load) -> None:
        self._load = load
        self._dead = dead
        self._replayer = replayer
        self._access = access
        self._door = door

    async def answer(self, request: web.BaseRequest, params: Mapping[str, str]) -> web.Response:
        """Show letters, or delete them."""
        grant = self._admit(request, params)
        wanted = _wanted(params)
        self._demand_buckets(grant, wanted)
        try:
            if request.method == "DELETE":
                if wanted == Wanted() and params.get("all") != "true":
                    raise Refusal(400, "no filter: say all=true to throw every dead letter away")
                return json_answer({"purged": await self._dead.purge(wanted)})
            most = _limit(params)
            letters = await self._dead.find(wanted, after=_number(params, "after"), most=most)
        except LettersNotKept as error:
            raise unavailable(str(error), _RETRY_AFTER_S) from error
        more = letters[-1].id if len(letters) == most else None
        return json_answer({"letters": [kept.shown() for kept in letters], "next_after": more})

    async def count(self, request: web.BaseRequest, params: Mapping[str, str]) -> web.Response:
        """How many letters fit, and the highest id among them: with it as `upto` whoever replays comes to an end."""
        grant = self._admit(request, params)
        wanted = _wanted(params)
        self._demand_buckets(grant, wanted)
        try:
            return json_answer(asdict(await self._dead.count(wanted)))
        except LettersNotKept as error:
            raise unavailable(str(error), _RETRY_AFTER_S) from error

    async def accounts(self, request: web.BaseRequest, params: Mapping[str, str]) -> web.Response:
        """Lines that are or were letters, as far as the token may see them."""
        grant = self._admit(request, params)
        try:
            accounts = await self._dead.accounts()
        except LettersNotKept as error:
            raise unavailable(str(error), _RETRY_AFTER_S) from error
        return json_answer({"accounts": [asdict(one) for one in accounts if grant is None or grant.covers(one.bucket)]})

    async def replay(self, request: web.BaseRequest, params: Mapping[str, str]) -> web.Response:
        """Put one batch of letters through the door again."""
        grant = self._admit(request, params)
        form = await _form(request, self._load)
        wanted = _wanted(form)
        self._demand_buckets(grant, wanted)
        try:
            done = await self._replayer.replay(
                self._door, wanted, self._access.binding_again, after=_number(form, "after"), most=_limit(form)
            )
        except LettersNotKept as error:
            raise unavailable(str(error), _RETRY_AFTER_S) from error
        return json_answer(asdict(done))

    def _admit(self, request: web.BaseRequest, params: Mapping[str, str]) -> Grant | None:
        grant = self._access.admit(request.headers.get("Authorization"), params)
        self._access.demand(grant, Scope.ADMIN)
        return grant

    def _demand_buckets(self, grant: Grant | None, wanted: Wanted) -> None:
        """A token for some buckets alone has to name one of them."""
        if grant is not None and grant.buckets:
            self._access.demand_bucket(grant, wanted.bucket)


async def _form(request: web.BaseRequest, load: Load) -> Mapping[str, str]:
    if not request.headers.get("Content-Type", "").startswith("application/json"):
        raise Refusal(400, "send the filters as a JSON object with Content-Type: application/json")
    try:
        content = orjson.loads(await read_body(request, _MOST_FORM_BYTES, load=load) or b"{}")
    except orjson.JSONDecodeError as error:
        raise Refusal(400, f"the filters are no JSON: {error}") from error
    if not isinstance(content, dict):
        raise Refusal(400, 'the filters are a JSON object, as in {"reason": "field_type"}')
    return {key: ",".join(map(str, value)) if isinstance(value, list) else str(value) for key, value in content.items()}


def _wanted(params: Mapping[str, str]) -> Wanted:
    unknown = sorted(params.keys() - _KNOWN)
    if unknown:
        raise Refusal(400, f'unknown filter "{unknown[0]}"; there are {", ".join((*_TEXTS, *_NUMBERS))}, id')
    ids = [text for text in params.get("id", "").split(",") if text]
    if len(ids) > _MOST_IDS or not all(text.isascii() and text.isdigit() for text in ids):
        raise Refusal(400, f"id is up to {_MOST_IDS} numbers, with commas between them")
    return Wanted(
        ids=tuple(map(int, ids)),
        bucket=params.get("bucket", ""),
        measurement=params.get("measurement", ""),
        reason=params.get("reason", ""),
        source=params.get("source", ""),
        since_ns=_number(params, "since_ns"),
        until_ns=_number(params, "until_ns"),
        upto=_number(params, "upto"),
    )


def _limit(params: Mapping[str, str]) -> int:
    return min(_number(params, "limit") or _MOST_LETTERS, _MOST_LETTERS)


def _number(params: Mapping[str, str], name: str) -> int:
    text = params.get(name, "0")
    if not (text.isascii() and text.isdigit() and int(text) < 1 << 63):
        raise Refusal(400, f"{name} is a whole number, not {text[:40]!r}")
    return int(text)
