"""What a benchmark is: a module with one function of this shape, named in the catalog."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from benchmarks.figures import Figure


class Measure(Protocol):
    """`measure` in a benchmark's module."""

    def __call__(self, *, quick: bool) -> Iterable[Figure]:
        """Measure and return figures; `quick` takes a few seconds and is for seeing that it works.

        A benchmark that lacks something (a server, a second core) returns what it can.
        """
