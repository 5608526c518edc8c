"""Work that is done for one client, and given up when the client goes: slow questions, copies of the store."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from aiohttp import web

from collector.intake.answers import Refusal

T = TypeVar("T")
_LOOK_S = 0.5
"""How often is looked whether the client is still there."""


async def while_connected(request: web.BaseRequest, work: Coroutine[None, None, T]) -> T:
    """What the work comes to; where the client goes away before, it is cancelled.

    It is done in the task of whoever calls: to start another and wait for it costs as much as a small answer.
    """
    patience = asyncio.timeout(None)
    watch = _Watch(request, patience)
    try:
        async with patience:
            return await work
    except TimeoutError as error:
        if patience.expired():
            raise Refusal(499, "the client went away") from error
        raise
    finally:
        watch.end()


class _Watch:
    """Ends the patience when the client is gone."""

    def __init__(self, request: web.BaseRequest, patience: asyncio.Timeout) -> None:
        self._request = request
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._next = self._loop.call_later(_LOOK_S, self._look)

    def end(self) -> None:
        """Look no more."""
        self._next.cancel()

    def _look(self) -> None:
        if self._request.transport is None or self._request.transport.is_closing():
            self._patience.reschedule(self._loop.time())
        else:
            self._next = self._loop.call_later(_LOOK_S, self._look)
