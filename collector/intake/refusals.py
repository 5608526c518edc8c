"""Lines refused at intake, on their way to the dead letters: a bounded queue that one task empties.

The door hands them in and never waits: an acknowledgement of good lines costs nothing more for the bad ones beside
them. They are durable within about half a second, and at a clean stop; a crash may lose the last of them, whose senders
were told. When more come than the queue holds, the rest are counted and not kept, so memory and disk stay flat.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import orjson

from collector.dead.box import DeadLetters, LettersNotKept
from collector.dead.letter import INTAKE, DeadLetter, Form
from collector.decode.contract import Arrival
from collector.decode.json_telemetry import JsonTelemetry
from collector.decode.line_protocol import LineProtocol
from collector.decode.tally import MOST_LINE_BYTES
from collector.metrics import DeadLetterMetrics
from collector.verdict import Cause, Rejection
from foundation.lifecycle import OnIncident, Tasks
from foundation.logs import logger

_log = logger("collector.refusals")
_MOST_WAITING = 10_000
_MOST_WAITING_BYTES = 8 << 20
_PAUSE_S = 0.5
"""Between two writes: what comes meanwhile shares the next, and a flood is sampled to the queue's size in this time."""


class Refusals:
    """The queue and its task."""

    def __init__(self, dead: DeadLetters, metrics: DeadLetterMetrics, on_incident: OnIncident) -> None:
        self._dead = dead
        self._metrics = metrics
        self._tasks = Tasks(on_incident)
        self._waiting: list[DeadLetter] = []
        self._waiting_bytes = 0
        self._wanted = asyncio.Event()
        self._writing = asyncio.Lock()

    def start(self) -> None:
        """Begin to write down what is taken."""
        _ = self._tasks.spawn(self._write_for_ever(), "intake.refusals")

    async def stop(self) -> None:
        """Let a running write end, write down what waits, and end."""
        async with self._writing:
            await self._tasks.stop()
        await self._write()

    def take(self, kind: str, arrival: Arrival, rejections: Iterable[Rejection], *, bucket: str, source: str) -> None:
        """Queue the refused lines of a body of protocol `kind`. Never waits."""
        for rejection in rejections:
            size = len(rejection.line)
            if rejection.objection.cause is Cause.FIELD_STRIPPED:
                continue
            if size >= MOST_LINE_BYTES:
                self._metrics.missed.labels(bucket, "too_long").inc()
            elif len(self._waiting) >= _MOST_WAITING or self._waiting_bytes + size > _MOST_WAITING_BYTES:
                self._metrics.missed.labels(bucket, "flood").inc()
            else:
                self._waiting_bytes += size
                self._waiting.append(_letter(kind, arrival, rejection, bucket, source))
        if self._waiting:
            self._wanted.set()

    async def _write_for_ever(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            await self._write()
            await asyncio.sleep(_PAUSE_S)

    async def _write(self) -> None:
        async with self._writing:
            letters, self._waiting, self._waiting_bytes = self._waiting, [], 0
            try:
                await self._dead.add(letters)
            except LettersNotKept as error:
                _log.error("refused lines could not be kept", cause=error, lines=len(letters))
                for letter in letters:
                    self._metrics.missed.labels(letter.bucket, "disk").inc()


def _letter(kind: str, arrival: Arrival, rejection: Rejection, bucket: str, source: str) -> DeadLetter:
    if rejection.as_sent:
        form = Form(kind, arrival.precision or "", arrival.measurement or "")
    else:
        form = Form(LineProtocol.name)
    item = kind == JsonTelemetry.name and rejection.as_sent
    return DeadLetter(
        line=rejection.line,
        reason=rejection.objection.reason,
        bucket=bucket,
        source=source,
        destination=INTAKE,
        accepted_ns=arrival.received_ns + (rejection.number - 1 if item else 0),
        measurement=_measurement(rejection.line, arrival) if item else "",
        kind=rejection.objection.cause,
        form=form,
    )


def _measurement(item: bytes, arrival: Arrival) -> str:
    reading = orjson.loads(item) if len(item) < MOST_LINE_BYTES else None
    named = reading.get("measurement") if isinstance(reading, dict) else None
    return named if isinstance(named, str) else arrival.measurement or ""
