"""A body cut into lines, and each line into its head and the rest, by the places of newlines and blanks alone.

A line may span several rows where a newline stands in a string or behind a backslash. Such lines are told apart first:
what looks like a line inside of a string must never be taken for one, nor teach anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from foundation.line_protocol.split import BLANK, line_end
from store.embedded.shapes import PLAIN_LINES

if TYPE_CHECKING:
    import numpy.typing as npt

    Places = npt.NDArray[np.int64]

_NEWLINE: Final = ord("\n")
_SPACE: Final = ord(" ")


@dataclass(frozen=True)
class Cut:
    """A body by rows, which are counted from 0. `long` are the lines of several rows: first row -> (last row, line)."""

    body: bytes
    ends: Places
    """where each row's newline stands"""
    long: dict[int, tuple[int, bytes]] = field(default_factory=dict)

    @cached_property
    def starts(self) -> Places:
        """Where each row begins."""
        return np.concatenate([np.zeros(1, np.int64), self.ends[:-1] + 1])

    def line(self, row: int) -> bytes:
        """The row's text without its newline."""
        return self.body[self.starts[row] : self.ends[row]]

    def odd_line(self, row: int) -> bytes | None:
        """The line that begins in the row, without blanks before it; None where there is nothing, or a comment."""
        text = (self.long[row][1] if row in self.long else self.line(row)).lstrip(BLANK)
        return text if text and not text.startswith(b"#") else None

    @cached_property
    def halves(self) -> Any:
        """Arrow's binary array of all heads and rests in turns; the rest begins with the blank and has the newline."""
        blanks = np.flatnonzero(np.frombuffer(self.body, np.uint8) == _SPACE)
        firsts = np.append(blanks, len(self.body))[np.searchsorted(blanks, self.starts)]
        offsets = np.zeros(2 * len(self.ends) + 1, np.int32)
        offsets[1::2] = np.minimum(firsts, self.ends)
        offsets[2::2] = self.ends + 1
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(self.body)]
        return pa.Array.from_buffers(pa.binary(), 2 * len(self.ends), buffers)


def cut_body(body: bytes) -> Cut:
    """Cut it; a newline that is missing at its end is set."""
    whole = body if body.endswith(b"\n") else body + b"\n"
    ends = np.flatnonzero(np.frombuffer(whole, np.uint8) == _NEWLINE)
    cut = Cut(whole, ends)
    if b'"' in body or b"\\" in body:
        _find_long(cut, len(body))
    return cut


def _find_long(cut: Cut, size: int) -> None:
    at = 0
    while at < size:
        at = PLAIN_LINES.match(cut.body, at).end()
        if at < size:
            row = int(np.searchsorted(cut.ends, at))
            end = min(line_end(cut.body, at), size)
            last = int(np.searchsorted(cut.ends, end))
            if last > row:
                cut.long[row] = last, cut.body[at:end]
            at = end + 1
