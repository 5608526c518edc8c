"""The seam between protocols and the pipeline.

Concurrency: calls come one at a time. A decoder keeps nothing between them but what spares work, within bounds; the
examiner belongs to one call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from collector.verdict import Cause, Objection, Rejection, Removal
from foundation.errors import Permanent
from foundation.line_protocol.grammar import Pattern
from foundation.line_protocol.parse import Point
from foundation.line_protocol.precision import Precision


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request body, inflated, and what its request says about it.

    `precision` is the unit of its timestamps, None for the protocol's own default. `forgive_cr`: a CR before the
    newline is no part of the line. `measurement` names readings that do not name their own. `transformed`: its lines
    have been through the transforms before. `patience`: after so many lines judged one by one a decoder stops, and
    hands back the rest; 0 means never. Of a rest, `number` is that of its first line or item, and `items` are what its
    protocol has read of it already.
    """

    body: bytes
    received_ns: int
    precision: Precision | None = None
    forgive_cr: bool = True
    measurement: str | None = None
    transformed: bool = False
    patience: int = 0
    number: int = 1
    items: Sequence[Any] | None = None


@dataclass(frozen=True, slots=True)
class Decoded:
    """Line protocol (ns timestamps, trailing newline), how many lines, the rejections listed, and all by cause.

    `rest` is what patience did not suffice for, None when all was judged.
    """

    body: bytes
    lines: int
    listed: tuple[Rejection, ...] = ()
    refused: Mapping[Cause, int] = field(default_factory=dict)
    rest: Arrival | None = None


@dataclass(frozen=True, slots=True)
class Altered:
    """What to write instead of a line: everything in front of its timestamp, and that where it is another."""

    text: bytes
    time_ns: int | None


class Rewritten(NamedTuple):
    """What became of the first `taken` lines of some: `text` is the `lines` that were made of them.

    None: these have to be examined one by one. With none taken, the first one has to be.
    """

    text: bytes | None
    lines: int
    taken: int


class Examiner(Protocol):
    """Changes and judges lines by everything but their grammar, for the length of one body."""

    def covers(self, text: bytes, precision: Precision, *, stamped: bool) -> bool:
        """Whether the text is lines that need no second look but a survey, and nothing else."""

    def pattern(self, precision: Precision, *, stamped: bool) -> Pattern:
        """Lines that need no second look. May grow as lines are examined."""

    def survey(self, run: bytes, precision: Precision, *, stamped: bool) -> bool:
        """Whether every line of a run that a pattern took passes; if not, they have to be examined one by one."""

    def changing(self, precision: Precision, *, stamped: bool) -> Pattern | None:
        """Lines that can be given to `rewrite`; None where there are none."""

    def may_rewrite(self, text: bytes, precision: Precision, *, stamped: bool) -> bool:
        """Whether the text is lines that can be given to `rewrite`, and nothing else."""

    def rewrite(self, lines: Sequence[bytes], start: int, precision: Precision, *, stamped: bool) -> Rewritten:
        """Change and judge some of the lines (no newlines) from the one at `start`; their timestamps stay."""

    def examine(self, point: Point) -> Altered | Objection | Removal | None:
        """What speaks against the line, or what to write instead, or that it goes.

        None takes it as it is, and lines of its kind may match from now on.
        """


class Decoder(Protocol):
    """One protocol."""

    name: str

    def decode(self, arrival: Arrival, examiner: Examiner) -> Decoded:
        """Turn a body into line protocol, judging every line. Raises DecodeError when it cannot be read at all."""


class DecodeError(Permanent):
    """The body as a whole is not of its protocol. The message says where it stops being so."""


class TooManyItems(DecodeError):
    """The body is of its protocol, and of more items than one may have."""
