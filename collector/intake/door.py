"""The one door for lines, whoever brings them: check, make durable, count. HTTP and this host's own inputs use it.

Invariant: `admit` returns only when every line of the outcome's batch is durable, and what the checks learnt of it too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from copy import copy
from functools import partial
from typing import TypeVar

from collector.buffer.contract import Buffer
from collector.constraint.binding import Binding
from collector.constraint.line_rate import RateSpent
from collector.decode.contract import Arrival
from collector.decode.line_protocol import LineProtocol
from collector.intake.metrics import IntakeMetrics
from collector.intake.refusals import Refusals
from collector.intake.turns import Turns
from collector.intake.witness import Step, watched
from collector.ledger import Account
from collector.pipeline import Constraint, Outcome, Pipeline
from collector.tail import Tail
from collector.verdict import Cause
from foundation.clock import Clock
from foundation.errors import Permanent, Transient
from foundation.line_protocol.precision import Precision

R = TypeVar("R")
_UNAVAILABLE, _QUOTA_RATE = "unavailable", "quota_rate"
_INLINE_BYTES = 4 << 20
"""Bodies up to this size are judged on the spot, larger ones in a thread."""
_SHORT_BYTES = 16 << 10
"""Bodies up to this size take one turn, whatever their lines are."""


class LinesRefused(Permanent):
    """Lines that an input of our own handed in are not acceptable."""


class Door:
    """Pipeline, then buffer."""

    def __init__(
        self,
        pipeline: Pipeline,
        buffer: Buffer,
        metrics: IntakeMetrics,
        clock: Clock,
        refusals: Refusals,
        tail: Tail,
        *,
        default_bucket: str,
    ) -> None:
        self._pipeline = pipeline
        self._buffer = buffer
        self._metrics = metrics
        self._clock = clock
        self._refusals = refusals
        self._tail = tail
        self._default_bucket = default_bucket
        self._busy = asyncio.Lock()

    def successor(self, pipeline: Pipeline, *, default_bucket: str) -> Door:
        """A door with another pipeline for what is to come; what is in this one ends in it. Both take turns."""
        door = copy(self)
        door._pipeline = pipeline  # noqa: SLF001 - a copy of ours
        door._default_bucket = default_bucket  # noqa: SLF001 - as above
        return door

    async def admit(
        self, kind: str, arrival: Arrival, *, bucket: str, source: str, binding: Binding | None = None
    ) -> Outcome:
        """Take a body in. Raises DecodeError for one that is not of its protocol, Transient when it cannot be kept."""
        outcome = await self.admit_again(kind, arrival, bucket=bucket, source=source, binding=binding)
        if outcome.listed:
            self._refusals.take(kind, arrival, outcome.listed, bucket=bucket, source=source)
            if self._tail.followers:
                self._tail.pass_on_rejected(bucket, source, outcome.listed)
        return outcome

    async def admit_again(
        self, kind: str, arrival: Arrival, *, bucket: str, source: str, binding: Binding | None = None
    ) -> Outcome:
        """Take in what is a dead letter and stays one where it is refused. Raises as `admit` does."""
        pipeline = self._pipeline
        if not pipeline.ready(bucket):
            await pipeline.prepare(bucket)
        outcome = await self._judge(kind, arrival, bucket, source, binding.constraint if binding else None)
        try:
            if binding is not None and binding.rate is not None:
                binding.rate.take(_received(outcome), self._clock.monotonic())
            await self._keep(pipeline, bucket, source, outcome)
        except Transient as error:
            reason = _QUOTA_RATE if isinstance(error, RateSpent) else _UNAVAILABLE
            if binding is not None and binding.rate is not None and reason == _UNAVAILABLE:
                binding.rate.give_back(_received(outcome))
            self._metrics.rejected.labels(bucket, reason).inc(outcome.accepted)
            self._buffer.note(bucket, source, _account(outcome, turned_away=reason))
            self._count(bucket, outcome, accepted=0)
            raise
        self._confirm(bucket, outcome)
        return outcome

    def known(self, text: bytes, precision: Precision, *, bucket: str, stamp_ns: int | None = None) -> bytes | None:
        """What would be stored of lines of known shape, see `Pipeline.known`; None while the pipeline is busy, too."""
        return None if self._busy.locked() else self._pipeline.known(text, precision, bucket=bucket, stamp_ns=stamp_ns)

    async def admit_known(self, body: bytes, *, bucket: str, source: str) -> bool:
        """Take in what `known` has just made, of one body or several; False where that needs another look.

        Then nothing was kept, counted or learnt.
        """
        pipeline, lines = self._pipeline, body.count(b"\n")
        if self._busy.locked() or not pipeline.ready(bucket):
            return False
        outcome = pipeline.run_known(body, lines, bucket=bucket, source=source, now_ns=self._clock.now_ns())
        if outcome is None:
            return False
        try:
            await self._keep(pipeline, bucket, source, outcome)
        except Transient:
            return False
        self._confirm(bucket, outcome)
        return True

    async def _keep(self, pipeline: Pipeline, bucket: str, source: str, outcome: Outcome) -> None:
        """Make durable what is left of a body, what it taught, and its account. Raises Transient."""
        if pipeline.unsettled:
            await pipeline.settle()
        if outcome.batch is not None:
            whole = not (outcome.refused or outcome.taken_out)
            await self._buffer.append(outcome.batch, None if whole else _account(outcome))
        elif outcome.refused or outcome.taken_out:
            self._buffer.note(bucket, source, _account(outcome))

    def _confirm(self, bucket: str, outcome: Outcome) -> None:
        """What is left of the body is durable: tell whoever learns of that."""
        outcome.confirm()
        if self._tail.followers and outcome.batch is not None:
            self._tail.pass_on(outcome.batch)
        self._count(bucket, outcome, accepted=outcome.accepted)

    async def explain(
        self, kind: str, arrival: Arrival, *, bucket: str, source: str, constraint: Constraint | None = None
    ) -> tuple[Outcome, list[Step]]:
        """What would become of the body, and each step on the way; nothing is kept, counted or learnt from it.

        Raises DecodeError.
        """
        if not self._pipeline.ready(bucket):
            await self._pipeline.prepare(bucket)
        steps: list[Step] = []
        seen = watched(self._pipeline, steps.append)
        outcome = seen.run(kind, arrival, bucket=bucket, source=source, constraint=constraint)
        return outcome, steps

    async def _judge(
        self, kind: str, arrival: Arrival, bucket: str, source: str, constraint: Constraint | None
    ) -> Outcome:
        """Judge a body in turns, of which most take one; between two of them others have theirs."""
        pipeline, size = self._pipeline, len(arrival.body)
        if size <= _SHORT_BYTES:
            run = partial(pipeline.run, kind, arrival, bucket=bucket, source=source, constraint=constraint)
            return await self._turn(run, size)
        parts = pipeline.turns(kind, arrival, bucket=bucket, source=source, constraint=constraint)
        turns = Turns()
        while (outcome := await self._turn(partial(next, parts, None), size)) is not None:
            turns.add(outcome)
            await asyncio.sleep(0)
        return turns.whole()

    async def _turn(self, judge: Callable[[], R], size: int) -> R:
        """Run the pipeline, one at a time; for a huge body in a thread, so that the others' questions are answered."""
        if size <= _INLINE_BYTES and not self._busy.locked():
            return judge()
        async with self._busy:
            return await asyncio.to_thread(judge)

    async def __call__(self, body: bytes, source: str) -> None:
        """Take lines of an input of our own into the default bucket. Raises LinesRefused, or Transient."""
        arrival = Arrival(body, self._clock.now_ns())
        outcome = await self.admit(LineProtocol.name, arrival, bucket=self._default_bucket, source=source)
        if outcome.dropped:
            raise LinesRefused(f"{outcome.dropped} lines refused, the first: {outcome.listed[0].objection.reason}")

    def _count(self, bucket: str, outcome: Outcome, *, accepted: int) -> None:
        metrics = self._metrics
        metrics.count_lines(bucket, _received(outcome), accepted)
        for policy, count in outcome.taken_out.items():
            metrics.taken_out.labels(bucket, policy).inc(count)
        if accepted:
            for policy, count in outcome.altered.items():
                metrics.altered.labels(bucket, policy).inc(count)
        for cause, count in outcome.refused.items():
            if cause is Cause.FIELD_STRIPPED:
                metrics.altered.labels(bucket, cause).inc(count)
            else:
                metrics.rejected.labels(bucket, cause).inc(count)


def _received(outcome: Outcome) -> int:
    if not (outcome.refused or outcome.taken_out):
        return outcome.accepted
    return outcome.accepted + outcome.dropped + sum(outcome.taken_out.values())


def _account(outcome: Outcome, *, turned_away: str = "") -> Account:
    """For the ledger, which is durable: what came, and what of it goes no further; all, if the body is turned away."""
    rejected: dict[str, int] = {
        cause: count for cause, count in outcome.refused.items() if cause is not Cause.FIELD_STRIPPED
    }
    if turned_away and outcome.accepted:
        rejected[turned_away] = outcome.accepted
    return Account(_received(outcome), rejected, outcome.taken_out)
