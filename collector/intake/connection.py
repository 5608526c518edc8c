"""One client's connection: aiohttp's own, less what a collector pays for and does not use.

aiohttp makes a task for each request, to keep context variables apart, and asks the transport to go on after each
body. Here requests are answered in the connection's own task, and reading is resumed only where it was paused. The
parser, the order of pipelined requests, keep-alive, errors and the shutdown stay aiohttp's.

What may be for the fast lane or the shortcut is shown to them first. Invariant: a request is shown only while aiohttp
has nothing of this client's in hand and no byte of an earlier request to come, and nothing is read on before it is
answered.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, cast

from aiohttp import web
from aiohttp.http_parser import RawRequestMessage
from aiohttp.http_writer import StreamWriter
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import ERROR, RequestHandler

from collector.intake.lane import Lane
from collector.intake.limits import Guard
from collector.intake.shortcut import BEGINNING, Shortcut
from foundation.tls import name_of

_TOO_MANY = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_SHORTEST_FAREWELL_S = 0.25
_LONGEST_FAREWELL_S = 8.0
_ABOUT_TO_ASK_S = 5.0
"""After a client was let in. Who has said nothing by then only holds a connection ready."""
_FAREWELL_LOOK_S = 0.02
_END = b"\r\n\r\n"
_LOST = -1
"""Bytes due to aiohttp where nobody but its parser knows how many they are."""
_MOST_HELD_BYTES = 64 << 10
"""Of what a client sends on before it is answered; beyond that, it is read when it was."""


class Connection(RequestHandler):
    """Speaks HTTP/1.1 with one client. `sender`: see `access.sender_of`."""

    __slots__ = (
        "_address",
        "_begun",
        "_due",
        "_guard",
        "_head_since",
        "_held",
        "_in_lane",
        "_lane",
        "_left_lane",
        "_parting",
        "_server",
        "_shortcut",
        "_since",
        "sender",
    )

    def __init__(self, server: ConnectionServer, guard: Guard, lane: Lane, shortcut: Shortcut, **options: Any) -> None:
        super().__init__(server, **options)
        self._server = server
        self._lane = lane
        self._shortcut = shortcut
        self.sender = ""
        self._begun = b""
        self._due = 0
        self._held = b""
        self._in_lane = False
        self._parting = False
        self._left_lane: asyncio.Future[None] | None = None
        self._guard = guard
        self._address: str | None = None
        self._head_since: float | None = None
        self._since = self._loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the client, or turn it away where its address has too many connections."""
        super().connection_made(transport)
        address = str((transport.get_extra_info("peername") or ("",))[0])
        name = name_of(transport.get_extra_info("peercert") or {})
        self.sender = f"cert:{name}" if name else f"host:{address}"
        if self._guard.enter(address):
            self._address = address
        else:
            self._dismiss(_TOO_MANY)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the client."""
        if self._begun:
            self._lane.abandon()
            self._begun = b""
        super().connection_lost(exc)
        if self._address is not None:
            self._guard.leave(self._address)
            self._address = None

    def data_received(self, data: bytes) -> None:
        """Take in what came, and show the lane what may be for it.

        The lane sees a request only where it begins for certain: `_due` bytes of the last one are still to come for
        aiohttp. A connection whose bytes cannot be followed is aiohttp's from then on. Many clients send a head by
        itself: one that is the lane's, `_begun`, waits here for its body, but not longer than until `look`.
        """
        if self._begun and data:
            data = self._begun + data
            self._begun = b""
            self._due = 0
        if not data:  # aiohttp itself goes on with what its parser has
            super().data_received(data)
        while data:
            if self._in_lane:
                self._hold(data)
                return
            if not self._due:
                data = data[self._show(data) :]
                continue
            part = data if self._due == _LOST else data[: self._due]
            if self._due != _LOST:
                self._due -= len(part)
            data = data[len(part) :]
            self._hand_on(part)

    def _show(self, data: bytes) -> int:
        """Show the lane a request where it begins; how many bytes it took. If none, `_due` says whose they are."""
        end = data.find(_END)
        if end > 0 and data.startswith(BEGINNING):
            return self._show_question(data[:end])
        plan = self._lane.plan(data[:end]) if end > 0 else None
        if plan is None:
            self._due = _LOST
            return 0
        begin = end + len(_END)
        size = begin + plan.body_bytes
        if plan.errand is not None and self._idle:
            if len(data) == begin:
                self._begun = data
                self._due = plan.body_bytes
                return begin
            if len(data) >= size and self._lane.take(self, plan, data[:size], self.sender):
                self._in_lane = True
                self._request_count += 1
                return size
        self._due = size
        return 0

    def _show_question(self, head: bytes) -> int:
        """Show the shortcut a question; as above."""
        size = len(head) + len(_END)
        question = self._shortcut.read(head)
        wire = self._shortcut.answer(question) if question is not None and self._idle else None
        if wire is None or self.transport is None:
            self._due = _LOST if question is None else size
            return 0
        self.transport.write(wire)
        self._request_count += 1
        self._watch_idleness()
        return size

    def _let_go(self) -> None:
        """Let aiohttp wait for the body of what has begun."""
        if self._begun:
            begun, self._begun = self._begun, b""
            self._hand_on(begun)

    def acknowledge(self, wire: bytes, now: float) -> None:
        """Send the lane's answer."""
        if self.transport is not None:
            self.transport.write(wire)
        self._next_keepalive_close_time = now + self._keepalive_timeout
        self._leave_lane()

    def take_back(self, request: bytes) -> None:
        """Let aiohttp answer what the lane cannot."""
        self._hand_on(request)
        self._leave_lane()

    def _leave_lane(self) -> None:
        self._in_lane = False
        if self._left_lane is not None and not self._left_lane.done():
            self._left_lane.set_result(None)
        if self._parting:
            self.close()
        if self._held:
            held, self._held = self._held, b""
            if len(held) > _MOST_HELD_BYTES and self.transport is not None:
                self.transport.resume_reading()
            self.data_received(held)

    def _hold(self, data: bytes) -> None:
        """Keep what came before the answer to what was before it."""
        before = len(self._held)
        self._held += data
        if before <= _MOST_HELD_BYTES < len(self._held) and self.transport is not None:
            self.transport.pause_reading()

    @property
    def _idle(self) -> bool:
        """Whether aiohttp has nothing of this client's in hand."""
        waiter = self._waiter
        return not (
            waiter is None
            or self._server.leaving
            or waiter.done()
            or self._messages
            or self._paused
            or self._reading_paused
            or self._buffer_paused
            or self._close
            or self._force_close
        )

    def close(self) -> None:
        """Close when what is under way is answered, in the lane too."""
        if self._in_lane:
            self._parting = True
        else:
            self._let_go()
            super().close()

    async def shutdown(self, timeout: float | None = 15.0) -> None:  # noqa: ASYNC109 - the signature is aiohttp's
        """Finish what runs, within `timeout` seconds, and close."""
        self._let_go()
        if self._in_lane:
            self._left_lane = self._loop.create_future()
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._left_lane
        await super().shutdown(timeout)

    def _process_keepalive(self) -> None:
        self._let_go()
        if self._in_lane:
            self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        super()._process_keepalive()

    def _hand_on(self, data: bytes) -> None:
        """Let aiohttp have it; note when the head of a request began to arrive.

        It may arrive before our task has run for the first time and waits for it.
        """
        if self._head_since is None and (self._waiter is not None or not self._request_count):
            self._head_since = self._loop.time()
        super().data_received(data)

    def look(self, now: float) -> None:
        """Leave a client whose head has been arriving for too long, or that never said anything."""
        self._let_go()
        if self._waiter is None:
            return
        limits = self._guard.limits
        if self._head_since is None:
            if not self._request_count and now - self._since > limits.idle_timeout.total_seconds():
                self.force_close()
        elif now - self._head_since > limits.head_timeout.total_seconds():
            self._guard.late()
            self._dismiss(_TOO_SLOW)

    def owed(self, now: float) -> bool:
        """Whether the client may count on an answer: it has begun to ask, or was let in just before and is about to."""
        asked = self._waiter is None or self._head_since is not None or self._in_lane or bool(self._begun)
        new = not self._request_count and now - self._since < _ABOUT_TO_ASK_S
        return not self._force_close and (asked or new)

    def _dismiss(self, last_words: bytes) -> None:
        if self.transport is not None:
            self.transport.write(last_words)
        self.force_close()

    async def start(self) -> None:
        """Answer request after request until the client, an error or the end of the process stops it."""
        try:
            while not self._force_close:
                message, payload = await self._next_message()
                if not await self._answer(message, payload):
                    break
                await self._pass_over(payload)
                if not self._keepalive or self._close or self._force_close:
                    break
                self._watch_idleness()
        except asyncio.CancelledError:
            self.force_close()
            raise
        if not self._force_close:
            self._task_handler = None
            if self.transport is not None:
                self.transport.close()

    async def _next_message(self) -> tuple[Any, StreamReader]:
        if not self._messages:
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        self._head_since = None
        message, payload = self._messages.popleft()
        if self._parser is not None:
            self._parser.message_consumed()
        if self._buffer_paused and len(self._messages) <= self._msg_queue_resume_size:
            self._resume_reading_if_drained()
        if self._server.leaving and isinstance(message, RawRequestMessage):
            message = message._replace(should_close=True)
        return message, payload

    async def _answer(self, message: Any, payload: StreamReader) -> bool:
        """Answer one request; whether the client is still there."""
        if self._manager is None or self._request_handler is None or self._request_factory is None:
            return False
        handler = self._request_handler
        if not isinstance(message, RawRequestMessage):
            handler, message = self._make_error_handler(message), ERROR
        task = self._task_handler or asyncio.current_task()
        request = self._request_factory(message, payload, self, StreamWriter(self, self._loop), task)  # type: ignore[arg-type]  # a running coroutine has a task
        self._manager.requests_count += 1
        try:
            response, gone = await self._handle_request(request, None, handler)
        except ConnectionError:
            return False
        self._keepalive = bool(response.keep_alive)
        return not gone

    async def _pass_over(self, payload: StreamReader) -> None:
        """Read what the handler left of the body, for a while; a client that sends on and on is left."""
        if not payload.is_eof():
            try:
                async with asyncio.timeout(self._lingering_time):
                    while not payload.is_eof():
                        await payload.readany()
            except (TimeoutError, web.RequestPayloadError, ConnectionError):
                self.close()

    def _watch_idleness(self) -> None:
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        if self._keepalive_handle is None:
            self._keepalive_handle = self._loop.call_at(self._next_keepalive_close_time, self._process_keepalive)

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Go on where reading was paused, and nowhere else."""
        if self._reading_paused:
            super().resume_reading(resume_parser)


class ConnectionServer(web.Server):
    """Makes the connections of one listening socket. `options` are those of aiohttp's RequestHandler."""

    def __init__(self, handler: Any, guard: Guard, lane: Lane, shortcut: Shortcut, **options: Any) -> None:
        super().__init__(handler, **options)
        self._guard = guard
        self._lane = lane
        self._shortcut = shortcut
        self.leaving = False
        self._options = options
        self._running = asyncio.get_running_loop()
        self._looking = self._running.call_later(self._pause_s(), self._look)

    def __call__(self) -> Connection:
        """A new connection."""
        return Connection(self, self._guard, self._lane, self._shortcut, loop=self._running, **self._options)

    async def leave(self) -> None:
        """Answer whoever was let in, each for the last time, because the process after this one accepts from now on.

        Returns when nobody is owed an answer, at the latest after `_LONGEST_FAREWELL_S`; who has been answered before
        and is silent for `_SHORTEST_FAREWELL_S` is let go.
        """
        self.leaving = True
        longest = self._running.time() + _LONGEST_FAREWELL_S
        await asyncio.sleep(_SHORTEST_FAREWELL_S)
        while (now := self._running.time()) < longest:
            if not any(cast("Connection", connection).owed(now) for connection in self.connections):
                return
            await asyncio.sleep(_FAREWELL_LOOK_S)

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - the signature is aiohttp's
        """Finish what runs and close all connections."""
        self._looking.cancel()
        await super().shutdown(timeout)

    def _look(self) -> None:
        now = self._running.time()
        for connection in self.connections:
            cast("Connection", connection).look(now)
        self._looking = self._running.call_later(self._pause_s(), self._look)

    def _pause_s(self) -> float:
        return self._guard.limits.head_timeout.total_seconds() / 4
