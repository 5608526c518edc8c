"""RE2 patterns over whole bodies: one DFA pass says how many lines of known shape stand at an offset.

A shape is a measurement with its tag keys in the order in which a sender writes them, and the type of each field. What
a pattern takes, `parse_line` takes as well, with these types: that is a property test. It takes less: a line with a
newline in a string, blanks around it, several backslashes in a row, a number near the end of its range or a shape that
was never seen goes to the slow path. So behind a match no newline stands in a string, every line carries a timestamp
(`stamped`) or none does, and neither tags nor field types have to be looked at again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import re2

from foundation.batch import FieldType
from foundation.line_protocol.precision import MOST_NS, Precision

LONGEST_FAST_LINE = 32_768
"""Longer lines may break InfluxDB's limits on keys and strings, which no pattern counts."""

_TAG_VALUE = rb"(?:[^,= \\\n]|\\[^\\\n])+"
_VALUES = {
    FieldType.FLOAT: rb"-?(?:[0-9]{1,20}(?:\.[0-9]{0,24})?|\.[0-9]{1,24})(?:[eE][+-]?[0-9]{1,2})?",
    FieldType.INTEGER: rb"-?(?:[0-9]{1,18}|[0-8][0-9]{18})i",
    FieldType.UNSIGNED: rb"[0-9]{1,19}u",
    FieldType.STRING: rb'"(?:[^"\\\n]|\\[^\n])*"',
    FieldType.BOOLEAN: rb"(?:[tTfF]|true|True|TRUE|false|False|FALSE)",
}
_MOST_MEMORY = 64 << 20


@dataclass(frozen=True, slots=True)
class Head:
    """Measurement and tag keys as they are written, escapes included."""

    measurement: bytes
    tag_keys: tuple[bytes, ...]


Shapes = Mapping[Head, Mapping[bytes, FieldType]]
"""head -> field key as written -> type"""


class Span(Protocol):
    """A match."""

    def end(self) -> int:
        """The offset behind it."""


class Pattern(Protocol):
    """A compiled pattern; safe to use from any thread."""

    def match(self, text: bytes, pos: int, endpos: int = ...) -> Span | None:
        """The longest run of known lines at `pos`; an empty run matches too."""


class Cover(Protocol):
    """A pattern that says of whole texts alone whether they match, at a third of the cost for a single line."""

    def Match(self, text: bytes) -> Sequence[int] | None:  # noqa: N802 - RE2's own name
        """Something if the whole text is known lines."""


def compile_shapes(shapes: Shapes, precision: Precision, *, stamped: bool) -> Pattern:
    """A pattern for any number of lines of these shapes, each with (or each without) a timestamp in `precision`."""
    pattern: Pattern = re2.compile(_run(shapes, precision, stamped=stamped), _options())
    re2.purge()  # or re2 keeps outgrown patterns, with their automata, alive
    return pattern


def compile_cover(shapes: Shapes, precision: Precision, *, stamped: bool) -> Cover:
    """The same for whole texts."""
    cover = re2.Set.FullMatchSet(_options())
    cover.Add(_run(shapes, precision, stamped=stamped))
    cover.Compile()
    found: Cover = cover
    return found


def _options() -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = True
    options.log_errors = False
    options.max_mem = _MOST_MEMORY
    return options


def _run(shapes: Shapes, precision: Precision, *, stamped: bool) -> bytes:
    lines = b"|".join(_line(head, fields) for head, fields in shapes.items())
    tail = b" " + _stamp(precision) + b"\n" if stamped else b"\n"
    return b"(?:(?:" + lines + b")" + tail + b")*" if shapes else b""


def fits(body: bytes) -> bool:
    """Whether a pattern may judge the body: it is UTF-8, and no line is so long that it may break a limit."""
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError:
            return False
    step = LONGEST_FAST_LINE // 2
    return len(body) <= step or all(body.find(b"\n", at, at + step) >= 0 for at in range(0, len(body) - step, step))


def _line(head: Head, fields: Mapping[bytes, FieldType]) -> bytes:
    tags = b"".join(b"," + _literal(key) + b"=" + _TAG_VALUE for key in head.tag_keys)
    field = _field(fields)
    return _literal(head.measurement) + tags + b" " + field + b"(?:," + field + b")*"


def _field(fields: Mapping[bytes, FieldType]) -> bytes:
    by_type: dict[FieldType, list[bytes]] = {}
    for key, kind in fields.items():
        by_type.setdefault(kind, []).append(key)
    choices = [_choice(keys) + b"=" + _VALUES[kind] for kind, keys in by_type.items()]
    return b"(?:" + b"|".join(choices) + b")"


def _choice(keys: Iterable[bytes]) -> bytes:
    return b"(?:" + b"|".join(map(_literal, keys)) + b")"


def _literal(text: bytes) -> bytes:
    return b"".join(b"%c" % byte if chr(byte).isascii() and chr(byte).isalnum() else b"\\x%02x" % byte for byte in text)


def _stamp(precision: Precision) -> bytes:
    most = str(MOST_NS // precision.ns)
    rest = len(most) - 1
    return b"-?(?:[0-9]{1,%d}|[0-%d][0-9]{%d})" % (rest, int(most[0]) - 1, rest)
