"""Dead letters back through the door: pipeline, checks, buffer, as if they had just come, but at the time they came.

A letter leaves the dead letters only when its line is durable in the buffer again; one that is refused again stays,
with the new reason. What its token is bound by holds again, but for the rate; where that token is gone, what it had
refused stays. A crash in between replays a line twice, which is harmless: its timestamp is the one it had.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from collector.constraint.binding import Binding
from collector.dead.box import DeadLetters
from collector.dead.letter import INTAKE, DeadLetter, Kept, Wanted
from collector.decode.contract import Arrival, DecodeError
from collector.decode.json_telemetry import JsonTelemetry
from collector.intake.access import SenderGone
from collector.intake.door import Door
from collector.verdict import Cause
from foundation.errors import Transient
from foundation.line_protocol.precision import Precision

_AT_ONCE = 200
"""Letters that go through the door together, to share a group commit."""
_NOTHING_LEFT = ("nothing_left", "no line is left of it: the store would hold nothing of it")
_OF_TOKENS = frozenset({Cause.MEASUREMENT_SCOPE, Cause.FORCED_TAG})
"""Refused by what a token is for; without the token nobody can say that they are mended."""
Bound = Callable[[str], Binding | None]
"""What lines of a source are bound by. Raises SenderGone."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay did. `last` is the id of the last letter looked at; `stopped` says why it ended early, or is empty.

    `more` tells that letters may be left behind `last`.
    """

    replayed: int
    refused: int
    last: int
    more: bool
    stopped: str = ""


class Replayer:
    """Replays one batch of letters at a time, whoever asks."""

    def __init__(self, dead: DeadLetters) -> None:
        self._dead = dead
        self._turn = asyncio.Lock()

    async def replay(self, door: Door, wanted: Wanted, bound: Bound, *, after: int, most: int) -> Replay:
        """Replay the first `most` letters behind the id `after`. Raises LettersNotKept."""
        replayed = refused = 0
        async with self._turn:
            letters = await self._dead.find(wanted, after=after, most=most)
            for start in range(0, len(letters), _AT_ONCE):
                some = letters[start : start + _AT_ONCE]
                verdicts = await asyncio.gather(*(_offer(door, kept.letter, bound) for kept in some))
                replayed += await self._enter_taken(some, verdicts)
                refused += await self._enter_refused(some, verdicts)
                away = next((verdict for verdict in verdicts if isinstance(verdict, Transient)), None)
                if away is not None:
                    return Replay(replayed, refused, after, more=True, stopped=str(away))
                after = some[-1].id
        return Replay(replayed, refused, after, more=len(letters) == most)

    async def _enter_taken(self, some: Sequence[Kept], verdicts: Sequence[_Verdict]) -> int:
        taken = [kept.id for kept, verdict in zip(some, verdicts, strict=True) if verdict is None]
        await self._dead.replayed(taken)
        return len(taken)

    async def _enter_refused(self, some: Sequence[Kept], verdicts: Sequence[_Verdict]) -> int:
        refused = [
            (kept.id, *verdict) for kept, verdict in zip(some, verdicts, strict=True) if isinstance(verdict, tuple)
        ]
        await self._dead.refused_again(refused)
        return len(refused)


_Verdict = Transient | tuple[str, str] | None
"""None: durable or taken out by a policy; (kind, reason): refused; Transient: not now."""


async def _offer(door: Door, letter: DeadLetter, bound: Bound) -> _Verdict:
    form = letter.form
    arrival = Arrival(
        letter.line if form.protocol == JsonTelemetry.name else letter.line + b"\n",
        letter.accepted_ns,
        Precision(form.precision) if form.precision else None,
        measurement=form.measurement or None,
        transformed=letter.destination != INTAKE,
    )
    try:
        binding = bound(letter.source)
    except SenderGone as error:
        if letter.kind in _OF_TOKENS:
            return letter.kind, str(error)
        binding = None
    try:
        outcome = await door.admit_again(
            form.protocol, arrival, bucket=letter.bucket, source=letter.source, binding=binding
        )
    except DecodeError as error:
        return "syntax", str(error)
    except Transient as error:
        return error
    if outcome.dropped:
        objection = outcome.listed[-1].objection
        return objection.cause, objection.reason
    return None if outcome.accepted or outcome.taken_out else _NOTHING_LEFT
