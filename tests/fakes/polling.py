"""Waits for something real (a server, a process, a file) to come true: by asking, with a deadline."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

PAUSE_S = 0.02


async def until(
    predicate: Callable[[], Any] | Callable[[], Awaitable[Any]], *, seconds: float = 30.0, what: str = ""
) -> Any:
    """The first truthy value of `predicate` (a plain function or a coroutine function).

    Fails the test when `seconds` have gone by without one, saying `what` was waited for and the last value.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while True:
        value = predicate()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        if loop.time() >= end:
            raise AssertionError(f"waited {seconds:g} s for {what or predicate}; last seen: {value!r}")
        await asyncio.sleep(PAUSE_S)
