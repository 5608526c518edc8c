"""Decode and check in one pure call: a request body in, a Batch and a verdict for every line out.

Called by intake; never waits and never reads a clock. Intake calls `prepare` before and `settle` behind it where they
have something to do. Invariant: `accepted` lines are in the batch, every other line is counted by its cause.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from collector.check.contract import Check, Checking
from collector.decode.contract import Arrival, Decoder
from collector.shapes import ShapeBook
from collector.verdict import Cause, Objection, Rejection
from foundation.batch import Batch, FieldType
from foundation.line_protocol.grammar import Head, Pattern
from foundation.line_protocol.line import field_type
from foundation.line_protocol.parse import Point
from foundation.line_protocol.precision import Precision


class BadLines(StrEnum):
    """What becomes of a body with a line that is none."""

    KEEP = "keep"
    """Its good lines are taken; a CR before a newline is forgiven."""
    REJECT = "reject"
    """Nothing of it is taken, as influxd 2 does it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a body. `batch` is None when no line is left; `listed` are the first rejections, `refused` all."""

    batch: Batch | None
    listed: tuple[Rejection, ...] = ()
    refused: Mapping[Cause, int] = field(default_factory=dict)

    @property
    def accepted(self) -> int:
        """Lines in the batch."""
        return self.batch.lines if self.batch else 0

    @property
    def dropped(self) -> int:
        """Lines that are not."""
        return sum(count for cause, count in self.refused.items() if cause is not Cause.FIELD_STRIPPED)


class Pipeline:
    """All decoders, all checks, and what is known of each bucket's lines."""

    def __init__(self, decoders: Mapping[str, Decoder], checks: Sequence[Check], bad_lines: BadLines) -> None:
        self._decoders = decoders
        self._checks = checks
        self._bad_lines = bad_lines
        self._books: dict[str, ShapeBook] = {}

    def run(self, kind: str, arrival: Arrival, *, bucket: str, source: str) -> Outcome:
        """Judge a body of protocol `kind` for the bucket. Raises DecodeError for a body that is not of it at all."""
        examination = _Examination(self._books.get(bucket) or ShapeBook(), [c.begin(bucket) for c in self._checks])
        decoded = self._decoders[kind].decode(arrival, examination)
        if self._bad_lines is BadLines.REJECT and decoded.refused.get(Cause.SYNTAX):
            listed = tuple(r for r in decoded.listed if r.objection.cause is Cause.SYNTAX)
            syntax = decoded.refused[Cause.SYNTAX]
            others = decoded.lines + sum(
                count for cause, count in decoded.refused.items() if cause not in (Cause.SYNTAX, Cause.FIELD_STRIPPED)
            )
            return Outcome(None, listed, {Cause.SYNTAX: syntax, Cause.WHOLE_BODY: others})
        self._books[bucket] = examination.commit()
        batch = Batch(bucket, decoded.body, decoded.lines, source) if decoded.lines else None
        return Outcome(batch, decoded.listed, decoded.refused)

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


class _Examination:
    """The Examiner of one body: asks every check, and gathers the shapes that need no second look."""

    def __init__(self, book: ShapeBook, checkings: list[Checking]) -> None:
        self._book = book
        self._checkings = checkings
        self._news: dict[Head, dict[bytes, FieldType]] = {}
        self._walked = 0
        self._patience = 1

    def pattern(self, precision: Precision, *, stamped: bool) -> Pattern:
        return self._book.pattern(precision, stamped=stamped)

    def examine(self, point: Point) -> Objection | None:
        for checking in self._checkings:
            objection = checking.judge(point.line)
            if objection:
                return objection
        if all(checking.settles(point.line) for checking in self._checkings):
            self._learn(point)
        return None

    def commit(self) -> ShapeBook:
        for checking in self._checkings:
            checking.commit()
        return self._book.grown(self._news)

    def _learn(self, point: Point) -> None:
        head = Head(point.measurement, point.tag_keys)
        types = {raw: field_type(value) for (raw, _), (_, value) in zip(point.fields, point.line.fields, strict=True)}
        if self._book.knows(head, types):
            return
        self._news.setdefault(head, {}).update(types)
        self._walked += 1
        if self._walked >= self._patience:  # a pattern is dear to make: later news of a body wait for more of them
            self._book = self._book.grown(self._news)
            self._news = {}
            self._walked = 0
            self._patience *= 2
