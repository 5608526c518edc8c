"""The door for inputs that live in this process: the same pipeline and the same buffer as for a request."""

from __future__ import annotations

from collector.buffer.contract import Buffer
from collector.decode.contract import Arrival
from collector.decode.line_protocol import LineProtocol
from collector.pipeline import Pipeline
from foundation.clock import Clock
from foundation.errors import Permanent
from foundation.line_protocol.precision import Precision


class LinesRefused(Permanent):
    """Lines of our own making did not pass the checks."""


class Door:
    """Takes line protocol for one bucket; see `collector.intake.contract.HandIn`."""

    def __init__(self, pipeline: Pipeline, buffer: Buffer, clock: Clock, bucket: str) -> None:
        self._pipeline = pipeline
        self._buffer = buffer
        self._clock = clock
        self._bucket = bucket

    async def __call__(self, body: bytes, source: str) -> None:
        """Return when the good lines are durable. Raises Transient, or LinesRefused naming the first bad line."""
        if not self._pipeline.ready(self._bucket):
            await self._pipeline.prepare(self._bucket)
        arrival = Arrival(body, self._clock.now_ns(), Precision.NS)
        outcome = self._pipeline.run(LineProtocol.name, arrival, bucket=self._bucket, source=source)
        if self._pipeline.unsettled:
            await self._pipeline.settle()
        if outcome.batch is not None:
            await self._buffer.append(outcome.batch)
        if outcome.listed:
            first = outcome.listed[0]
            raise LinesRefused(f"{outcome.dropped} lines of {source}: {first.line!r}: {first.objection.reason}")
