"""A run of lines of known shape, as the fast path takes it: what a check can see of all of them at once."""

from __future__ import annotations

import re
from functools import cached_property

from foundation.line_protocol.precision import Precision

_HEAD = re.compile(rb"(?m)^(?:[^ \\\n]|\\[^\n])+")


class Run:
    """Lines that a pattern took: each with a timestamp in `precision` (`stamped`), or none with one."""

    def __init__(self, text: bytes, precision: Precision, *, stamped: bool) -> None:
        self._text = text
        self._precision = precision
        self._stamped = stamped

    @cached_property
    def _lines(self) -> list[bytes]:
        return self._text.split(b"\n")[:-1]

    @cached_property
    def heads(self) -> set[bytes]:
        """Every measurement with its tags, as written."""
        if b"\\ " in self._text:
            return set(_HEAD.findall(self._text))
        return {line.partition(b" ")[0] for line in self._lines}

    @cached_property
    def times_ns(self) -> tuple[int, int] | None:
        """The first and the last timestamp; None where there are none."""
        if not self._stamped:
            return None
        stamps = [int(line.rpartition(b" ")[2]) for line in self._lines]
        return min(stamps) * self._precision.ns, max(stamps) * self._precision.ns
