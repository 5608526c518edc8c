"""A file of line protocol in bodies: whole lines, whatever stands in their strings."""

import io

import pytest

from foundation.line_protocol.split import split_lines
from tocsin.bringing import bodies

BLOCK = 1 << 20


@pytest.mark.parametrize("lines", [0, 1, 4_999, 5_000, 5_001, 60_000])
def test_bodies_hold_every_line_once(lines: int) -> None:
    """In their order, and at most 5 000 to a body."""
    text = b"".join(b"m,h=host%d f=%d %d\n" % (n % 97, n, n) for n in range(lines))
    found = list(bodies(io.BytesIO(text)))
    assert b"".join(found) == text
    assert all(body.count(b"\n") <= 5_000 for body in found)


def test_a_string_over_blocks_stays_whole() -> None:
    """A newline in a string ends no body, wherever the file is cut; a last line needs no newline."""
    string = (b"a" * 999 + b"\n") * 1_500
    assert len(string) > BLOCK
    text = b'm s="' + string + b'" 1\nm s="\n" 2\nm f=3 3'
    found = list(bodies(io.BytesIO(text)))
    lines = [line for body in found for _, line in split_lines(body)]
    assert lines == [b'm s="' + string + b'" 1', b'm s="\n" 2', b"m f=3 3"]


def test_a_quote_that_nothing_closes_ends() -> None:
    """The rest of such a file is no single line in memory."""
    text = b'm s="' + (b"x" * 999 + b"\n") * 10_000
    found = list(bodies(io.BytesIO(text)))
    assert sum(map(len, found)) == len(text)
    assert len(found) > 1
