"""What a check finds, and how it says so. Values alone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from foundation.errors import Transient


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


def fine(words: str) -> Finding:
    """Nothing to do."""
    return Finding(Level.FINE, words)


def hint(words: str, mend: str) -> Finding:
    """No fault, yet worth knowing."""
    return Finding(Level.HINT, words, mend)


def wrong(words: str, mend: str) -> Finding:
    """A fault."""
    return Finding(Level.WRONG, words, mend)
