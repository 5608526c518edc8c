"""The seam between transforms and the pipeline.

Concurrency: everything is called from one thread at a time and never waits; `confirm` may be called while another body
is examined. What one body teaches stays in its own Transforming until `confirm`, so lines that did not become durable
teach nothing: they will be sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from collector.verdict import Origin, Ruling
from foundation.line_protocol.line import FieldValue, Line


@dataclass(frozen=True, slots=True)
class Effect:
    """What a ruling on one line says of every other with the same measurement and the same tags, values included.

    It is the same for all of them; `by_fields`: for those that have the same field keys too, with the same types.
    `values`: fields of the line as it became -> the field of the line as it came, and what was done to its value (None:
    nothing). Fields that are not named are those of the same key, with their values.
    """

    by_fields: bool = False
    values: Mapping[str, tuple[str, Callable[[FieldValue], FieldValue] | None]] = field(default_factory=dict)


ALIKE = Effect()
"""The effect that hangs on measurement and tags alone, and touches no field."""


class Transforming(Protocol):
    """One transform's passage through one body. Its word depends on the line, the body's Origin and state alone."""

    def apply(self, line: Line) -> Ruling:
        """The line as it has to be, or that it goes, or why it cannot be; None leaves it as it is.

        The line has its timestamp, or None for the time of receipt.
        """

    def taken(self) -> None:
        """The line shown last goes on to be stored, as nobody behind has refused it or taken it out."""

    def leaves(self, line: Line) -> bool:
        """Asked for a line left as it is: whether all with this measurement, tag keys and fields are, for good.

        Then such lines are never shown again. Fields are asked for one by one: what holds for two lines must hold for
        one with the fields of both.
        """

    def effect(self, line: Line) -> Effect | None:
        """Asked behind `apply` for a line that it did not refuse: how far its ruling holds for others, for good.

        None: it may be another for the next line. Such lines are shown one by one.
        """

    def confirm(self) -> None:
        """The lines of the body are durable: keep what they taught."""


class Transform(Protocol):
    """A change to lines, before they are checked and stored."""

    name: str

    def begin(self, origin: Origin) -> Transforming:
        """Start on a body."""
