"""Decode, transform and check in one pure call: a request body in, a Batch and a verdict for every line out.

Called by intake; never waits and never reads a clock. Intake calls `prepare` before and `settle` behind it where they
have something to do. Checks see what the transforms have made: types are those of the lines as they are stored.
Invariant: `accepted` lines are in the batch, every other one is counted by its cause or by the policy that took it out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from collector.check.contract import Check
from collector.decode.contract import Arrival, Decoded, Decoder
from collector.decode.tally import MOST_LISTED
from collector.decode.walk import take_known
from collector.examination import Examination, Rooms, Sieve
from collector.shapes import Book, Books
from collector.transform.contract import Transform
from collector.verdict import NOTHING, Cause, Origin, Rejection
from foundation.batch import Batch
from foundation.line_protocol.precision import Precision

PATIENCE = 100
"""Lines judged one by one in a turn: a few milliseconds. Those of known shapes cost next to nothing: any number."""


class BadLines(StrEnum):
    """What becomes of a body with a line that is none."""

    KEEP = "keep"
    """Its good lines are taken; a CR before a newline is forgiven."""
    REJECT = "reject"
    """Nothing of it is taken, as influxd 2 does it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a body. `batch` is None when no line is left; `listed` are the first rejections, `refused` all.

    `taken_out` counts the lines that a policy removed on purpose, `altered` those that it changed, by its name.
    `confirm` is to be called once the batch is durable, and not at all when it is not.
    """

    batch: Batch | None
    listed: tuple[Rejection, ...] = ()
    refused: Mapping[Cause, int] = field(default_factory=dict)
    taken_out: Mapping[str, int] = field(default_factory=dict)
    altered: Mapping[str, int] = field(default_factory=dict)
    confirm: Callable[[], None] = lambda: None

    @property
    def accepted(self) -> int:
        """Lines in the batch."""
        return self.batch.lines if self.batch else 0

    @property
    def dropped(self) -> int:
        """Lines that were refused."""
        return sum(count for cause, count in self.refused.items() if cause is not Cause.FIELD_STRIPPED)


@dataclass(frozen=True, slots=True)
class Constraint:
    """Rooms that stand for one kind of sender beside those for all: its transforms and its checks come first.

    The checks of its `gate` judge lines as they came, before any transform. None keeps what has to be prepared or
    settled. What is known of lines under it is kept by its `key`: constraints with one key must settle the same shapes.
    """

    key: Hashable
    transforms: Sequence[Transform] = ()
    checks: Sequence[Check] = ()
    gate: Sequence[Check] = ()

    def seen_through(self, transform: Callable[[Transform], Transform], check: Callable[[Check], Check]) -> Constraint:
        """The same rooms, each as these show it."""
        return Constraint(
            self.key,
            [transform(one) for one in self.transforms],
            [check(one) for one in self.checks],
            [check(one) for one in self.gate],
        )


class Pipeline:
    """All decoders, transforms and checks, and what is known of each bucket's lines."""

    def __init__(
        self,
        decoders: Mapping[str, Decoder],
        checks: Sequence[Check],
        bad_lines: BadLines,
        transforms: Sequence[Transform] = (),
        show: Callable[[Constraint], Constraint] = lambda constraint: constraint,
    ) -> None:
        self._show = show
        self._decoders = decoders
        self._transforms = transforms
        self._checks = checks
        self._bad_lines = bad_lines
        self._books = Books()
        self._rooms = Rooms((), transforms, checks)
        self._surveyed = self._rooms.survey

    def run(
        self, kind: str, arrival: Arrival, *, bucket: str, source: str, constraint: Constraint | None = None
    ) -> Outcome:
        """Judge a body of protocol `kind` for the bucket, under its sender's constraint if there is one.

        Raises DecodeError for a body that is not of the protocol at all.
        """
        return self._judge(kind, arrival, bucket, source, constraint, None)[0]

    def turns(
        self, kind: str, arrival: Arrival, *, bucket: str, source: str, constraint: Constraint | None = None
    ) -> Iterator[Outcome]:
        """Judge a long body part by part, each in a few milliseconds; put together they are what `run` would say.

        What one part teaches counts at once. The last one's `confirm` is for all. Raises DecodeError.
        """
        arrival = replace(arrival, patience=PATIENCE)
        if self._bad_lines is BadLines.REJECT:
            refused = yield from self._sift(kind, arrival, bucket)
            if refused is not None:
                yield refused
                return
        part: Arrival | None = arrival
        examination: Examination | None = None
        while part is not None:
            outcome, examination, part = self._judge(kind, part, bucket, source, constraint, examination)
            yield outcome if part is None else replace(outcome, confirm=_nothing)

    def _sift(self, kind: str, arrival: Arrival, bucket: str) -> Generator[Outcome, None, Outcome | None]:
        """Look for lines that are none, part by part, and learn nothing; the refusal of the body if there are some."""
        listed: list[Rejection] = []
        refused: Counter[Cause] = Counter()
        lines = 0
        part: Arrival | None = arrival
        while part is not None:
            decoded = self._decoders[kind].decode(part, Sieve(self._books[bucket]))
            listed += _unreadable(decoded)[: MOST_LISTED - len(listed)]
            refused.update(decoded.refused)
            lines += decoded.lines
            part = decoded.rest
            yield Outcome(None)
        return _refuse_whole(listed, refused, lines) if refused[Cause.SYNTAX] else None

    def _judge(
        self,
        kind: str,
        arrival: Arrival,
        bucket: str,
        source: str,
        constraint: Constraint | None,
        before: Examination | None,
    ) -> tuple[Outcome, Examination, Arrival | None]:
        rooms, surveyed, key = self._rooms, self._surveyed, bucket if constraint is None else (bucket, constraint.key)
        if constraint is not None or arrival.transformed:
            rooms = self._rooms_for(constraint, transformed=arrival.transformed)
            surveyed = rooms.survey
        book = Book() if arrival.transformed else self._books[key]
        origin = Origin(bucket, source, arrival.received_ns)
        examination = Examination(book, rooms, origin, surveyed=surveyed, follows=before)
        decoded = self._decoders[kind].decode(arrival, examination)
        if examination.untouched and decoded.lines and not decoded.refused:
            batch = Batch(bucket, decoded.body, decoded.lines, source)
            return Outcome(batch, (), NOTHING, NOTHING, NOTHING, examination.confirm), examination, decoded.rest
        if self._bad_lines is BadLines.REJECT and decoded.refused.get(Cause.SYNTAX):
            lines = decoded.lines + sum(examination.taken_out.values())
            return _refuse_whole(_unreadable(decoded), decoded.refused, lines), examination, None
        grown, recipes = examination.commit()
        if not arrival.transformed and (grown is not book or recipes):
            self._books.keep(key, grown, recipes)  # shapes of transformed lines were not shown to the transforms
        kept = Batch(bucket, decoded.body, decoded.lines, source) if decoded.lines else None
        counts = (examination.taken_out, examination.altered)
        outcome = Outcome(kept, decoded.listed, decoded.refused, *counts, examination.confirm)
        return outcome, examination, decoded.rest

    def _rooms_for(self, constraint: Constraint | None, *, transformed: bool) -> Rooms:
        if constraint is None:
            return Rooms((), (), self._checks)
        constraint = self._show(constraint)
        checks = (*constraint.checks, *self._checks)
        if transformed:
            return Rooms((), (), checks)
        return Rooms(constraint.gate, (*constraint.transforms, *self._transforms), checks)

    def known(self, text: bytes, precision: Precision, *, bucket: str, stamp_ns: int | None = None) -> bytes | None:
        """What would be stored of a short text of known lines that ends in a newline, if no survey has a word to say.

        Either all lines have a timestamp, or none has and `stamp_ns` is theirs; None for any other text. Nothing is
        kept: texts may be put together for `run_known`.
        """
        return take_known(text, precision, self._books[bucket].known, stamp_ns)

    def run_known(self, body: bytes, lines: int, *, bucket: str, source: str, now_ns: int) -> Outcome | None:
        """Judge what `known` has just made; None where some line needs another look, and then nothing was learnt."""
        if self._surveyed:
            book = self._books[bucket]
            examination = Examination(book, self._rooms, Origin(bucket, source, now_ns), surveyed=True)
            if not examination.survey(body, Precision.NS, stamped=True):
                return None
            examination.commit()
        return Outcome(Batch(bucket, body, lines, source), (), NOTHING, NOTHING, NOTHING)

    def seen_through(self, transform: Callable[[Transform], Transform], check: Callable[[Check], Check]) -> Pipeline:
        """The same rooms in the same order, each as these show it; no shape is known to it, so every line is walked."""
        return Pipeline(
            self._decoders,
            [check(one) for one in self._checks],
            self._bad_lines,
            [transform(one) for one in self._transforms],
            lambda constraint: constraint.seen_through(transform, check),
        )

    def forget_shapes(self) -> None:
        """Look at every line again: what was settled about its shape may hold no more."""
        self._books = Books()

    def ready(self, bucket: str) -> bool:
        """Whether `prepare` has nothing to do."""
        return all(check.ready(bucket) for check in self._checks)

    async def prepare(self, bucket: str) -> None:
        """Let the checks learn what they have to know before the bucket's first body."""
        for check in self._checks:
            await check.prepare(bucket)

    @property
    def unsettled(self) -> bool:
        """Whether `settle` has something to do."""
        return any(check.unsettled for check in self._checks)

    async def settle(self) -> None:
        """Make durable what the checks learnt. Raises Transient; then nothing may be acknowledged."""
        for check in self._checks:
            await check.settle()


def _unreadable(decoded: Decoded) -> list[Rejection]:
    return [rejection for rejection in decoded.listed if rejection.objection.cause is Cause.SYNTAX]


def _refuse_whole(listed: Sequence[Rejection], refused: Mapping[Cause, int], lines: int) -> Outcome:
    """The outcome of a body of which nothing is taken; `lines` would have been, or were taken out by a policy."""
    others = sum(count for cause, count in refused.items() if cause not in (Cause.SYNTAX, Cause.FIELD_STRIPPED))
    return Outcome(None, tuple(listed), {Cause.SYNTAX: refused[Cause.SYNTAX], Cause.WHOLE_BODY: lines + others})


def _nothing() -> None:
    """Nothing to confirm yet."""
