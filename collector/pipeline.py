"""Decode, transform and check in one pure call: a request body in, a Batch and a verdict for every line out.

Called by intake; never waits and never reads a clock. Intake calls `prepare` before and `settle` behind it where they
have something to do. Checks see what the transforms have made: types are those of the lines as they are stored.
Invariant: `accepted` lines are in the batch, every other one is counted by its cause or by the policy that took it out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from collector.check.contract import Check, Checking
from collector.check.run import Run
from collector.decode.contract import Arrival, Decoder
from collector.shapes import Books, ShapeBook
from collector.transform.contract import Transform, Transforming
from collector.verdict import Cause, Objection, Origin, Rejection, Removal
from foundation.batch import Batch, FieldType
from foundation.line_protocol.encode import encode
from foundation.line_protocol.grammar import Head, Pattern
from foundation.line_protocol.line import Line, LineError, field_type
from foundation.line_protocol.parse import Point
from foundation.line_protocol.precision import Precision


class BadLines(StrEnum):
    """What becomes of a body with a line that is none."""

    KEEP = "keep"
    """Its good lines are taken; a CR before a newline is forgiven."""
    REJECT = "reject"
    """Nothing of it is taken, as influxd 2 does it."""


_OPEN: Sequence[Check] = ()
"""The gate of who is under no constraint."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a body. `batch` is None when no line is left; `listed` are the first rejections, `refused` all.

    `taken_out` counts the lines that a policy removed on purpose, `altered` those that it changed, by its name.
    `confirm` is to be called once the batch is durable, and not at all when it is not. `rest` is where the part of the
    body begins that was not judged yet, 0 when all was.
    """

    batch: Batch | None
    listed: tuple[Rejection, ...] = ()
    refused: Mapping[Cause, int] = field(default_factory=dict)
    taken_out: Mapping[str, int] = field(default_factory=dict)
    altered: Mapping[str, int] = field(default_factory=dict)
    confirm: Callable[[], None] = lambda: None
    rest: int = 0

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

    def run(
        self, kind: str, arrival: Arrival, *, bucket: str, source: str, constraint: Constraint | None = None
    ) -> Outcome:
        """Judge a body of protocol `kind` for the bucket, under its sender's constraint if there is one.

        Raises DecodeError for a body that is not of the protocol at all.
        """
        origin = Origin(bucket, source, arrival.received_ns)
        gate, transforms, checks = _OPEN, self._transforms, self._checks
        if constraint is not None:
            constraint = self._show(constraint)
            gate = constraint.gate
            transforms, checks = (*constraint.transforms, *transforms), (*constraint.checks, *checks)
        key = (bucket, constraint.key if constraint else None)
        book = ShapeBook() if arrival.transformed else self._books[key]
        examination = _Examination(
            book,
            origin,
            [] if arrival.transformed else [(check.name, check.begin(origin)) for check in gate],
            [] if arrival.transformed else [(transform.name, transform.begin(origin)) for transform in transforms],
            [(check.name, check.begin(origin)) for check in checks],
        )
        decoded = self._decoders[kind].decode(arrival, examination)
        if self._bad_lines is BadLines.REJECT and decoded.refused.get(Cause.SYNTAX):
            listed = tuple(r for r in decoded.listed if r.objection.cause is Cause.SYNTAX)
            syntax = decoded.refused[Cause.SYNTAX]
            others = decoded.lines + examination.taken_out.total()
            others += sum(
                count for cause, count in decoded.refused.items() if cause not in (Cause.SYNTAX, Cause.FIELD_STRIPPED)
            )
            return Outcome(None, listed, {Cause.SYNTAX: syntax, Cause.WHOLE_BODY: others})
        grown = examination.commit()
        if not arrival.transformed:  # its shapes were not shown to the transforms, so others of them must be
            self._books[key] = grown
        batch = Batch(bucket, decoded.body, decoded.lines, source) if decoded.lines else None
        counts = (examination.taken_out, examination.altered)
        return Outcome(batch, decoded.listed, decoded.refused, *counts, examination.confirm, decoded.rest)

    @property
    def divisible(self) -> bool:
        """Whether parts of a body may be judged by themselves: nothing is decided over the whole of it."""
        return self._bad_lines is BadLines.KEEP and not self._transforms

    def seen_through(self, transform: Callable[[Transform], Transform], check: Callable[[Check], Check]) -> Pipeline:
        """The same rooms in the same order, each as these show it; no shape is known to it, so every line is walked."""
        return Pipeline(
            self._decoders,
            [check(one) for one in self._checks],
            self._bad_lines,
            [transform(one) for one in self._transforms],
            lambda constraint: constraint.seen_through(transform, check),
        )

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
    """The Examiner of one body: asks every transform and check, and gathers the shapes that need no second look."""

    def __init__(
        self,
        book: ShapeBook,
        origin: Origin,
        gate: Sequence[tuple[str, Checking]],
        transforming: Sequence[tuple[str, Transforming]],
        checkings: Sequence[tuple[str, Checking]],
    ) -> None:
        self._book = book
        self._origin = origin
        self._transforming = transforming
        self._checkings = [*gate, *checkings]
        self._rules = [
            *((name, one.judge) for name, one in gate),
            *((name, one.apply) for name, one in transforming),
            *((name, one.judge) for name, one in checkings),
        ]
        self._surveying = [one for _, one in self._checkings if one.surveys]
        self.taken_out: Counter[str] = Counter()
        self.altered: Counter[str] = Counter()
        self._news: dict[Head, dict[bytes, FieldType]] = {}
        self._walked = 0
        self._patience = 1

    def pattern(self, precision: Precision, *, stamped: bool) -> Pattern:
        return self._book.pattern(precision, stamped=stamped)

    def survey(self, run: bytes, precision: Precision, *, stamped: bool) -> bool:
        if not self._surveying:
            return True
        seen = Run(run, precision, stamped=stamped)
        return all(checking.survey(seen) for checking in self._surveying)

    def examine(self, point: Point) -> bytes | Objection | Removal | None:
        line, by = point.line, list[str]()
        for name, rule in self._rules:
            ruling = rule(line)
            if isinstance(ruling, Removal):
                self.taken_out[name] += 1
            if isinstance(ruling, (Objection, Removal)):
                return ruling
            if ruling is not None:
                line = ruling
                by.append(name)
        if by:
            return self._write(line, by)
        self._take()
        if self._settles(line):
            self._learn(point)
        return None

    def commit(self) -> ShapeBook:
        for _, checking in self._checkings:
            checking.commit()
        return self._book.grown(self._news)

    def confirm(self) -> None:
        for _, transforming in self._transforming:
            transforming.confirm()

    def _take(self) -> None:
        for _, transforming in self._transforming:
            transforming.taken()

    def _settles(self, line: Line) -> bool:
        return all(one.leaves(line) for _, one in self._transforming) and all(
            one.settles(line) for _, one in self._checkings
        )

    def _write(self, line: Line, by: Sequence[str]) -> bytes | Objection:
        time_ns = self._origin.now_ns if line.time_ns is None else line.time_ns
        try:
            text = encode(line.measurement, dict(line.tags), dict(line.fields), time_ns)
        except LineError as error:
            return Objection(Cause.TRANSFORM, f"{', '.join(by)}: {error.reason}")
        self._take()
        self.altered.update(dict.fromkeys(by, 1))
        return text + b"\n"

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
