"""Where a line ends. A newline inside a quoted string field, or behind a backslash, belongs to the line.

The end is found exactly as influxd finds it, so that one broken line swallows here what it swallows there and nothing
else. Called for bodies (or the part of a body) that the whole-body pattern did not take.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_MARK = re.compile(rb'[\\ "=,\n]')
BLANK = b" \t\x00"
"""Bytes that are skipped in front of a line, of its fields and of its timestamp."""


def line_end(body: bytes, start: int) -> int:
    """Offset of the newline that ends the line at `start`, or the length of the body."""
    end = body.find(b"\n", start)
    if end < 0:
        return len(body)
    if body.find(b'"', start, end) < 0 and body.find(b"\\", start, end) < 0:
        return end
    return _walk(body, start)


def split_lines(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Each line that holds data, with its 1-based number, without newline and leading blanks; comments are skipped.

    A line that spans several rows because a string holds newlines has the number of its first row.
    """
    start, number = 0, 1
    while start < len(body):
        end = line_end(body, start)
        line = body[start:end].lstrip(BLANK)
        if line and not line.startswith(b"#"):
            yield number, line
        number += 1 + body.count(b"\n", start, end)
        start = end + 1


def _walk(body: bytes, start: int) -> int:
    in_fields = quoted = False
    equals = commas = 0
    at = start
    while mark := _MARK.search(body, at):
        at = mark.end()
        match mark[0]:
            case b"\\":
                at += at + 1 < len(body)
            case b" ":
                in_fields = True
            case b"\n" if not quoted:
                return at - 1
            case b'"' if in_fields and equals > commas:
                quoted = not quoted
            case b"=" if in_fields and not quoted:
                equals += 1
            case b"," if in_fields and not quoted:
                commas += 1
    return len(body)
