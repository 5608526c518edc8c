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


async def while_connected(request: web.BaseRequest, work: Coroutine[None, None, T], name: str) -> T:
    """What the work comes to; where the client goes away before, it is cancelled. `name` is that of its task."""
    task = asyncio.create_task(work, name=name)
    try:
        while not (await asyncio.wait((task,), timeout=_LOOK_S))[0]:
            if request.transport is None or request.transport.is_closing():
                raise Refusal(499, "the client went away")
        return task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
