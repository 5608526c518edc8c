"""A load generator that costs little: prebuilt requests over keep-alive connections, one in flight on each.

Speaks only as much HTTP as it has to: an answer ends with its header (204), anything else is a failure. What it reaches
against `benchmarks.trivial`, which does nothing with a request, is the highest figure it can measure.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import cast

if sys.platform == "win32":
    from asyncio import run
else:
    from uvloop import run

__all__ = ["Result", "closed_loop", "paced", "request", "run"]

_END = b"\r\n\r\n"
_STORED = b"HTTP/1.1 204"
_GRACE_S = 20.0
"""How long behind its end a run may wait for the last answers."""


@dataclass(slots=True)
class Result:
    """What came back: how many were acknowledged, in how long, and how long each took (seconds)."""

    seconds: float = 0.0
    acknowledged: int = 0
    waits: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Acknowledged requests a second."""
        return self.acknowledged / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """The wait that `share` (0 to 1) of the requests did not exceed."""
        waits = sorted(self.waits)
        return waits[min(int(len(waits) * share), len(waits) - 1)] if waits else 0.0


def request(path: str, body: bytes, **headers: str) -> bytes:
    """A POST as it goes over the wire; `_` in a header's name stands for `-`."""
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/1.1\r\nHost: b\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def closed_loop(address: str, requests: Sequence[bytes], *, connections: int, seconds: float) -> Result:
    """Every connection sends its next request when the last was answered: the highest rate there is."""
    end = time.perf_counter() + seconds

    def turns(number: int) -> Iterator[tuple[float, bytes]]:
        for wire in islice(cycle(requests), number % len(requests), None):
            if (now := time.perf_counter()) >= end:
                return
            yield now, wire

    return await _converse(address, [turns(number) for number in range(connections)], seconds)


async def paced(
    address: str,
    requests: Sequence[bytes] | Callable[[int], bytes],
    *,
    rate: float,
    connections: int,
    seconds: float,
) -> Result:
    """Requests leave at a fixed `rate`, whatever became of earlier ones; waits count from when they were due.

    A callable makes the request of that number when its turn comes.
    """
    make = requests if callable(requests) else lambda number: requests[number % len(requests)]
    began = time.perf_counter()
    total = int(rate * seconds)

    def turns(first: int) -> Iterator[tuple[float, bytes]]:
        for number in range(first, total, connections):
            yield began + number / rate, make(number)

    return await _converse(address, [turns(number) for number in range(connections)], seconds)


async def _converse(address: str, turns: Sequence[Iterator[tuple[float, bytes]]], seconds: float) -> Result:
    result = Result()
    loop = asyncio.get_running_loop()
    host, _, port = address.rpartition(":")
    began = time.perf_counter()
    senders = [_Sender(one, result, loop) for one in turns]
    for sender in senders:
        await loop.create_connection(lambda sender=sender: sender, host, int(port))  # type: ignore[misc]  # one each
    try:
        async with asyncio.timeout(seconds + _GRACE_S):
            await asyncio.gather(*(sender.done for sender in senders))
    finally:
        for sender in senders:
            sender.close()
    result.seconds = time.perf_counter() - began
    return result


class _Sender(asyncio.Protocol):
    """One connection: sends a turn's request when it is due and the one before was answered."""

    def __init__(self, turns: Iterator[tuple[float, bytes]], result: Result, loop: asyncio.AbstractEventLoop) -> None:
        self._turns = turns
        self._result = result
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._since = 0.0
        self._answer = b""
        self.done: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first."""
        self._transport = cast("asyncio.Transport", transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        """An answer, or a piece of one."""
        answer = self._answer = self._answer + data if self._answer else data
        if not answer.endswith(_END):
            return
        self._answer = b""
        if not answer.startswith(_STORED):
            self._fail(ConnectionError(answer.decode("latin-1")))
            return
        self._result.acknowledged += 1
        self._result.waits.append(time.perf_counter() - self._since)
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        """The server is gone."""
        self._fail(exc or ConnectionError("the server closed the connection"))

    def close(self) -> None:
        """Give up what is under way."""
        if not self.done.done():
            self.done.cancel()
        if self._transport is not None:
            self._transport.abort()

    def _next(self) -> None:
        due, wire = next(self._turns, (0.0, b""))
        if not wire:
            if not self.done.done():
                self.done.set_result(None)
            return
        self._since = due
        early_s = due - time.perf_counter()
        if early_s > 0:
            self._loop.call_later(early_s, self._send, wire)
        else:
            self._send(wire)

    def _send(self, wire: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(wire)

    def _fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)
