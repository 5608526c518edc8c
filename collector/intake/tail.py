"""`GET /api/v1/tail`: a WebSocket that follows the lines that are acknowledged, as they are. Scope read.

    bucket, source, measurement, field      lines that fit all that is given
    tag=k=v                                 may be repeated
    rejected=true                           refused lines too, each with its reason

Each message is one JSON object: `{"bucket", "source", "lines": [...]}`, the same with `"rejected": [{"line", "cause",
"reason"}]`, or `{"skipped": N}` where a follower was too slow. Nobody waits for a follower: all of them together get
a small share of the loop, and what they cannot look at in time is skipped. A token that ends, ends what it follows.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import orjson
from aiohttp import WSCloseCode, WSMsgType, web

from collector.intake.access import Access
from collector.intake.answers import Refusal, unavailable
from collector.intake.metrics import TailMetrics
from collector.tail import Follower, Interest, Slice, Tail, TooManyFollowers
from collector.tokens import Grant, Scope
from collector.verdict import Rejection
from foundation.clock import Clock
from foundation.errors import ConfigError
from foundation.logs import logger

_log = logger("collector.tail")
_KNOWN = frozenset({"bucket", "source", "measurement", "field", "tag", "rejected", "p", "u"})
_REST = 4.0
"""For each moment of work on slices the followers rest four: together they take at most a fifth of the loop."""
_LOOK_S = 1.0
"""Between two looks at a follower's token."""
_HEARTBEAT_S = 30.0
_FAREWELL_S = 1.0
_RETRY_AFTER_S = 5.0
_MOST_SAID_BYTES = 4096


@dataclass(slots=True)
class _Session:
    """One follower's connection."""

    socket: web.WebSocketResponse
    follower: Follower
    wanted: asyncio.Event
    request: web.BaseRequest
    params: Mapping[str, str]


class TailRoute:
    """Serves every follower. A follower who takes nothing for `patience_s` is left."""

    def __init__(self, tail: Tail, metrics: TailMetrics, clock: Clock, *, patience_s: float = 30.0) -> None:
        self._tail = tail
        self._metrics = metrics
        self._clock = clock
        self._patience_s = patience_s
        self._turn = asyncio.Lock()
        self._sessions: list[_Session] = []
        self._access: Access | None = None
        self._closing = False

    def adopt(self, access: Access) -> None:
        """Let in by `access` who comes from now on, and look at who is there by it."""
        self._access = access

    async def stop(self) -> None:
        """Tell every follower that the collector goes away, and let no other in."""
        self._closing = True
        await asyncio.gather(*(_close(one, WSCloseCode.GOING_AWAY, "the collector stops") for one in self._sessions))

    async def answer(self, request: web.BaseRequest, params: Mapping[str, str]) -> web.StreamResponse:
        """Follow until one of the two goes. Raises Refusal before that."""
        grant = self._admit(request, params)
        interest = _interest(request, params, grant)
        if interest.bucket:
            self._allowed().demand_bucket(grant, interest.bucket)
        self._demand_same_site(request)
        socket = web.WebSocketResponse(
            compress=False, heartbeat=_HEARTBEAT_S, timeout=_FAREWELL_S, max_msg_size=_MOST_SAID_BYTES, writer_limit=0
        )
        if not socket.can_prepare(request):
            raise Refusal(400, "this path is a WebSocket: follow it with `tocsin tail`")
        wanted = asyncio.Event()
        session = _Session(socket, self._let_in(interest, wanted), wanted, request, params)
        self._sessions.append(session)
        self._metrics.followers.inc()
        try:
            await socket.prepare(request)
            await self._serve(session)
        finally:
            self._metrics.followers.dec()
            self._sessions.remove(session)
            self._tail.leave(session.follower)
        return socket

    def _let_in(self, interest: Interest, wanted: asyncio.Event) -> Follower:
        if self._closing:
            raise unavailable("the collector stops", _RETRY_AFTER_S)
        try:
            return self._tail.follow(interest, wanted.set)
        except TooManyFollowers as error:
            self._metrics.turned_away.labels("full").inc()
            raise unavailable(str(error), _RETRY_AFTER_S) from error

    async def _serve(self, session: _Session) -> None:
        """Show and listen, until either ends."""
        tasks = [
            asyncio.create_task(self._show_for_ever(session), name="intake.tail.show"),
            asyncio.create_task(_listen(session.socket), name="intake.tail.listen"),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception) and not isinstance(error, ConnectionError):
                _log.error("a follower was lost by a fault of ours", error=error)
                await _close(session, WSCloseCode.INTERNAL_ERROR, "internal error")

    async def _show_for_ever(self, session: _Session) -> None:
        follower, looked = session.follower, self._clock.monotonic()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await session.wanted.wait()
            session.wanted.clear()
            while follower.waits:
                message = await self._next_message(follower)
                if message and not await self._send(session, message):
                    return
                if self._clock.monotonic() - looked >= _LOOK_S:
                    break
            looked = self._clock.monotonic()
            objection = self._objection(session)
            if objection is not None:
                self._metrics.turned_away.labels("token").inc()
                await _close(session, objection, "the token does not allow this any more")
                return
            if follower.waits:
                session.wanted.set()

    async def _next_message(self, follower: Follower) -> bytes:
        """What one slice found, empty for nothing. The followers take turns, and all rest behind each."""
        async with self._turn:
            began = self._clock.monotonic()
            shown = follower.next_slice()
            message = b""
            if shown is not None and not shown.empty:
                message = orjson.dumps(_plain(shown))
                self._metrics.lines.inc(len(shown.lines) + len(shown.rejected))
            await asyncio.sleep((self._clock.monotonic() - began) * _REST)
        return message

    async def _send(self, session: _Session, message: bytes) -> bool:
        """Whether the follower took it within the patience; one that did not is cut off."""
        try:
            async with asyncio.timeout(self._patience_s):
                await session.socket.send_frame(message, WSMsgType.TEXT)
        except TimeoutError:
            self._metrics.turned_away.labels("stalled").inc()
            _abort(session)
            return False
        return True

    def _admit(self, request: web.BaseRequest, params: Mapping[str, str]) -> Grant | None:
        access = self._allowed()
        grant = access.admit(request.headers.get("Authorization"), params)
        access.demand(grant, Scope.READ)
        return grant

    def _allowed(self) -> Access:
        if self._access is None:
            raise unavailable("the collector starts", _RETRY_AFTER_S)
        return self._access

    def _objection(self, session: _Session) -> WSCloseCode | None:
        """Why the follower's token is not enough any more: it is not, or nobody can tell for now."""
        try:
            grant = self._admit(session.request, session.params)
        except Refusal:
            return WSCloseCode.POLICY_VIOLATION
        except ConfigError:
            return WSCloseCode.TRY_AGAIN_LATER
        session.follower.interest = replace(session.follower.interest, covers=_covers(grant))
        return None

    def _demand_same_site(self, request: web.BaseRequest) -> None:
        """Browsers let any page open a WebSocket to any address: only a page of the collector's own may read here."""
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("Host"):
            self._metrics.turned_away.labels("origin").inc()
            raise Refusal(403, "a page of another site cannot follow the tail")


async def _listen(socket: web.WebSocketResponse) -> None:
    """Answer pings and pass over what is said, until the follower goes."""
    async for _ in socket:
        pass


async def _close(session: _Session, code: WSCloseCode, why: str) -> None:
    try:
        async with asyncio.timeout(_FAREWELL_S):
            await session.socket.close(code=code, message=why.encode())
    except (TimeoutError, ConnectionError, RuntimeError):  # gone, does not read, or is not greeted yet
        _abort(session)


def _abort(session: _Session) -> None:
    if session.request.transport is not None:
        session.request.transport.abort()


def _interest(request: web.BaseRequest, params: Mapping[str, str], grant: Grant | None) -> Interest:
    unknown = sorted(params.keys() - _KNOWN)
    if unknown:
        raise Refusal(
            400, f'unknown filter "{unknown[0]}"; there are bucket, source, measurement, field, tag, rejected'
        )
    pairs = [pair.partition("=") for pair in request.query.getall("tag", ())]
    if not all(key and value for key, _, value in pairs):
        raise Refusal(400, "a tag is given as tag=KEY=VALUE, neither of them empty")
    return Interest(
        bucket=params.get("bucket", ""),
        source=params.get("source", ""),
        measurement=params.get("measurement", ""),
        tags=tuple([(key, value) for key, _, value in pairs]),
        field=params.get("field", ""),
        rejected=params.get("rejected") == "true",
        covers=_covers(grant),
    )


def _covers(grant: Grant | None) -> Callable[[str], bool]:
    return grant.covers if grant is not None else lambda _bucket: True


def _plain(shown: Slice) -> dict[str, Any]:
    plain: dict[str, Any] = {"bucket": shown.bucket, "source": shown.source} if shown.bucket else {}
    if shown.lines:
        plain["lines"] = [line.decode("utf-8", "replace") for line in shown.lines]
    if shown.rejected:
        plain["rejected"] = [_plain_rejection(one) for one in shown.rejected]
    if shown.skipped:
        plain["skipped"] = shown.skipped
    return plain


def _plain_rejection(rejection: Rejection) -> dict[str, str]:
    said = {"cause": rejection.objection.cause, "reason": rejection.objection.reason}
    try:
        return {"line": rejection.line.decode(), **said}
    except UnicodeDecodeError:
        return {"line_base64": base64.b64encode(rejection.line).decode(), **said}
