"""What a lane is, and what it found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

GoesOn = Callable[[], bool]
"""Whether there is time and number left for one more example; asked before each."""


@dataclass(slots=True)
class Findings:
    """What was compared and where the judges differ. `notes` count what else is worth knowing."""

    bodies: int = 0
    lines: int = 0
    notes: dict[str, int] = field(default_factory=dict)
    disagreements: list[str] = field(default_factory=list)

    def note(self, what: str, count: int = 1) -> None:
        """Count something."""
        self.notes[what] = self.notes.get(what, 0) + count


class Lane(Protocol):
    """Compares two judges until it is told to stop."""

    name: str

    def run(self, seed: int, goes_on: GoesOn, findings: Findings) -> None:
        """Compare examples that follow from the seed alone, in their order."""
