"""What a check is and what it finds. Nothing here reads, asks or prints; `catalog` lists the checks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from foundation.errors import Transient

if TYPE_CHECKING:
    from tocsin.doctor.patient import Patient


class Level(StrEnum):
    """How bad it is. Only `wrong` counts for the exit code."""

    FINE = "fine"
    HINT = "hint"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what it is like, and the command or key that mends it (empty where it is fine)."""

    level: Level
    words: str
    mend: str = ""


class NotNow(Transient):
    """There is nothing to look at: what the check needs does not run, or is not configured. The message says which."""


class Check(Protocol):
    """Looks at one thing. Stateless; changes nothing but where its docstring says so.

    May raise NotNow, and what `Web` raises of a role of ours: whoever runs the checks says so in its place.
    """

    @property
    def name(self) -> str:
        """What is looked at, in a word or two; one of its own in the catalog."""

    def look(self, patient: Patient) -> Iterator[Finding]:
        """What was found; everything that waits has a time-out."""


def fine(words: str) -> Finding:
    """Nothing to do."""
    return Finding(Level.FINE, words)


def hint(words: str, mend: str) -> Finding:
    """No fault, yet worth knowing."""
    return Finding(Level.HINT, words, mend)


def wrong(words: str, mend: str) -> Finding:
    """A fault."""
    return Finding(Level.WRONG, words, mend)
