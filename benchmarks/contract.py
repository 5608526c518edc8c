"""What a benchmark is: a module with one function of this shape, named in the catalog."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.figures import Figure
from foundation.errors import Permanent


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was asked for on the command line; each benchmark heeds what concerns it.

    `quick`: a few seconds each, to see that it works. `minutes`: how long memory is watched. `lines`: how many wait
    when an outage ends. `points`: how many the stores hold that are queried, 0 for what is usual. `seconds`: for how
    long so many `rules` on so many `series` each are evaluated. `profile`: the folder to which a profile of the
    measured process is written.
    """

    quick: bool = False
    minutes: float = 1.0
    lines: int = 1_000_000
    points: int = 0
    seconds: float = 30.0
    rules: int = 1_000
    series: int = 100
    profile: Path | None = None


class Skipped(Permanent):
    """What the whole benchmark is about is not here; the words say what, and how to get it."""


class Measure(Protocol):
    """`measure` in a benchmark's module."""

    def __call__(self, wish: Wish) -> Iterable[Figure]:
        """Measure and return figures. A benchmark that lacks something (a server, a second core) returns what it can,
        and raises Skipped where that is nothing.

        Bounded in time: a server that answers no more ends it with an error.
        """
