"""A load generator that costs little: prebuilt requests over keep-alive connections, one in flight on each.

Speaks only as much HTTP as it has to: an answer ends with its header (204), anything else is a failure.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

_END = b"\r\n\r\n"
_STORED = b"HTTP/1.1 204"


@dataclass(slots=True)
class Result:
    """What came back: how many were acknowledged, in how long, and how long each took (seconds)."""

    seconds: float = 0.0
    acknowledged: int = 0
    failed: int = 0
    waits: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Acknowledged requests a second."""
        return self.acknowledged / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """The wait that `share` (0 to 1) of the requests did not exceed."""
        waits = sorted(self.waits)
        return waits[min(int(len(waits) * share), len(waits) - 1)] if waits else 0.0


def request(path: str, body: bytes) -> bytes:
    """A POST as it goes over the wire."""
    return f"POST {path} HTTP/1.1\r\nHost: b\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def closed_loop(address: str, requests: Sequence[bytes], *, connections: int, seconds: float) -> Result:
    """Every connection sends its next request when the last was answered: the highest rate there is."""
    result = Result()
    end = time.perf_counter() + seconds
    began = time.perf_counter()
    await asyncio.gather(*(_keep_busy(address, requests, number, end, result) for number in range(connections)))
    result.seconds = time.perf_counter() - began
    return result


async def paced(address: str, requests: Sequence[bytes], *, rate: float, connections: int, seconds: float) -> Result:
    """Requests leave at a fixed `rate`, whatever became of earlier ones; waits count from when they were due."""
    result = Result()
    began = time.perf_counter()
    due = [began + number / rate for number in range(int(rate * seconds))]
    turns = [due[first::connections] for first in range(connections)]
    await asyncio.gather(*(_keep_pace(address, requests, turn, result) for turn in turns))
    result.seconds = time.perf_counter() - began
    return result


async def _keep_busy(address: str, requests: Sequence[bytes], first: int, end: float, result: Result) -> None:
    reader, writer = await _connect(address)
    number = first
    while (now := time.perf_counter()) < end:
        await _send(reader, writer, requests[number % len(requests)], now, result)
        number += 1
    writer.close()


async def _keep_pace(address: str, requests: Sequence[bytes], due: Sequence[float], result: Result) -> None:
    reader, writer = await _connect(address)
    for number, moment in enumerate(due):
        await asyncio.sleep(max(moment - time.perf_counter(), 0.0))
        await _send(reader, writer, requests[number % len(requests)], moment, result)
    writer.close()


async def _connect(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = address.rpartition(":")
    return await asyncio.open_connection(host, int(port))


async def _send(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, wire: bytes, since: float, result: Result
) -> None:
    writer.write(wire)
    answer = await reader.readuntil(_END)
    if answer.startswith(_STORED):
        result.acknowledged += 1
        result.waits.append(time.perf_counter() - since)
    else:
        result.failed += 1
        raise ConnectionError(answer.decode("latin-1"))
