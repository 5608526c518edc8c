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
    loop = asyncio.get_running_loop()

    def look() -> None:
        nonlocal looking
        if request.transport is None or request.transport.is_closing():
            patience.reschedule(loop.time())
        else:
            looking = loop.call_later(_LOOK_S, look)

    looking = loop.call_later(_LOOK_S, look)
    try:
        async with asyncio.timeout(None) as patience:
            return await work
    except TimeoutError as error:
        if patience.expired():
            raise Refusal(499, "the client went away") from error
        raise
    finally:
        looking.cancel()
