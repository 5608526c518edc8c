"""A run of lines of known shape, as the fast path takes it: what a check can see of all of them at once."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from functools import cached_property

from foundation.line_protocol.precision import Precision

_HEAD = re.compile(rb"(?m)^(?:[^ \\\n]|\\[^\n])+")


class Run:
    """Lines that a pattern took: each with a timestamp in `precision` (`stamped`), or none with one.

    `text` is all of them, each with its newline.
    """

    def __init__(self, text: bytes, precision: Precision, *, stamped: bool) -> None:
        self.text = text
        self._precision = precision
        self._stamped = stamped

    @cached_property
    def heads(self) -> AbstractSet[bytes]:
        """Measurement and tags of the lines as written, each once."""
        if self._words is not None:
            return set(self._words[:: self._columns])
        if b"\\ " in self.text:
            return set(_HEAD.findall(self.text))
        return {line.partition(b" ")[0] for line in self._lines}

    @cached_property
    def times_ns(self) -> tuple[int, int] | None:
        """The first and the last timestamp; None where there are none."""
        if not self._stamped:
            return None
        column = slice(self._columns - 1, None, self._columns)
        words = [line.rpartition(b" ")[2] for line in self._lines] if self._words is None else self._words[column]
        first, last = min(words), max(words)
        if first.startswith(b"-") or len(set(map(len, words))) > 1:  # else texts stand in the order of their numbers
            first, last = min(words, key=int), max(words, key=int)
        return int(first) * self._precision.ns, int(last) * self._precision.ns

    @property
    def _columns(self) -> int:
        return 3 if self._stamped else 2

    @cached_property
    def _words(self) -> list[bytes] | None:
        """Head, fields and timestamp of all lines by one split; None where a blank may stand within one of them."""
        if b'"' in self.text or b"\\" in self.text:
            return None
        return self.text[:-1].replace(b"\n", b" ").split(b" ")

    @cached_property
    def _lines(self) -> list[bytes]:
        return self.text.split(b"\n")[:-1]
