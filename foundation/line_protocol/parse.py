"""One line of bytes to a `Line`: the slow path, and the judge that every faster path has to agree with.

What is accepted is said by the patterns below, once. influxd takes a comma, an equals sign or a blank as part of a name
when the byte before it is a backslash; in fields a second stage counts backslashes in pairs, and a measurement behind
several backslashes is stored but never found again. Where its stages disagree, the line is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from foundation.batch import FieldType
from foundation.line_protocol.diagnose import diagnose
from foundation.line_protocol.line import (
    KEY_SEPARATOR_BYTES,
    MOST_KEY_BYTES,
    RESERVED_TAG_KEYS,
    FieldValue,
    Line,
    LineError,
    Unsigned,
)
from foundation.line_protocol.precision import Precision, scale

_PLAIN_RUN = rb"\\++(?![,= \\])\n?+"
_MEASUREMENT = rb"(?!,)(?:[^, \\\n]|\\[, ]|" + _PLAIN_RUN + rb")++"
_TAG_NAME = rb"(?:[^, =\\\n]|" + _PLAIN_RUN + rb"|\\++[, =])++"
_FIELD_KEY = rb"(?:[^, =\\\n]|" + _PLAIN_RUN + rb"|(?:\\\\)*+\\[, =])++"
_HEAD = re.compile(rb"[ \t\0]*+(" + _MEASUREMENT + rb")((?:," + _TAG_NAME + rb"=" + _TAG_NAME + rb")*+) [ \t\0]*+")
_TAG = re.compile(rb",(" + _TAG_NAME + rb")=(" + _TAG_NAME + rb")")
_STRING = rb'"(?:[^"\\]|\\.)*+"'
_FIELD = re.compile(
    rb"(" + _FIELD_KEY + rb")=(?:(" + _STRING + rb")"
    rb"|(-?+(?:[0-9]++\.?+[0-9]*+|\.[0-9]++)(?:[eE][+-]?+[0-9]++)?+)(?![iu])|(-?+[0-9]++)i|([0-9]++)u"
    rb"|([tT]|true|True|TRUE)|([fF]|false|False|FALSE))(?=[, ]|\Z)",
    re.DOTALL,
)
_TAIL = re.compile(rb"(?: [ \t\0]*+(?:(-?+[0-9]++) *+)?+)?+\Z")
_ESCAPED_IN_MEASUREMENT = re.compile(rb"\\([, ])")
_ESCAPED_IN_TAG = re.compile(rb"\\([, =])")
_ESCAPED_IN_FIELD = re.compile(rb'\\([," =])')
_ESCAPED_IN_STRING = re.compile(rb'\\(["\\])')
_MOST_DIGITS = 400
_INT64 = range(-(2**63), 2**63)
_UINT64 = range(2**64)


@dataclass(frozen=True, slots=True)
class Point:
    """A line with its names and values as they were written, so that it can be written again byte for byte.

    `head` is measurement and tags, `fields` are the `(key, value)` pairs in the order of `line.fields`, `stamp` is the
    timestamp in the precision of the body, None where the line has none.
    """

    line: Line
    measurement: bytes
    tag_keys: tuple[bytes, ...]
    head: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    stamp: bytes | None

    @property
    def text(self) -> bytes:
        """Measurement, tags and fields without blanks around them and without the timestamp."""
        return self.head + b" " + b",".join([key + b"=" + value for key, value in self.fields])

    def without_field(self, key: bytes) -> Point | None:
        """The point without the field, itself if it has no such field, None if it has no other."""
        if all(name != key for name, _ in self.fields):
            return self
        kept = [at for at, (name, _) in enumerate(self.fields) if name != key]
        if not kept:
            return None
        line = replace(self.line, fields=tuple([self.line.fields[at] for at in kept]))
        return replace(self, line=line, fields=tuple([self.fields[at] for at in kept]))


def parse_line(line: bytes, precision: Precision = Precision.NS) -> Line:
    """Parse one line (no trailing newline). Raises LineError with influxd's reason, or ours where influxd garbles."""
    return parse_point(line, precision).line


def parse_point(line: bytes, precision: Precision = Precision.NS) -> Point:
    """Parse one line and keep what it was made of. Raises LineError as `parse_line` does."""
    head = _HEAD.match(line)
    if head is None:
        raise diagnose(line)
    raw, end = _fields(line, head.end())
    tail = _TAIL.match(line, end)
    if tail is None:
        raise diagnose(line)
    stamp = tail[1]
    tags = _tags(head[2])
    _limit_keys(len(head[1]) + len(head[2]), raw)
    try:
        parsed = Line(
            measurement=_ESCAPED_IN_MEASUREMENT.sub(rb"\1", head[1]).decode(),
            tags=tuple([(_untag(key), _untag(value)) for key, value in tags]),
            fields=tuple([(_ESCAPED_IN_FIELD.sub(rb"\1", field[1]).decode(), _value(field)) for field in raw]),
            time_ns=None if stamp is None else _time_ns(stamp, precision),
        )
    except UnicodeDecodeError as error:
        raise LineError("not valid UTF-8") from error
    return Point(
        line=parsed,
        measurement=head[1],
        tag_keys=tuple([key for key, _ in tags]),
        head=head[1] + head[2],
        fields=tuple([(field[1], field[0][len(field[1]) + 1 :]) for field in raw]),
        stamp=stamp,
    )


def value_reader(kind: FieldType) -> Callable[[bytes], FieldValue]:
    """Reads the value of a field of type `kind` from its text as written; raises LineError for one out of range."""
    match kind:
        case FieldType.STRING:
            return _string
        case FieldType.FLOAT:
            return _float
        case FieldType.INTEGER:
            return lambda text: _bounded(text[:-1], _INT64, "integer")
        case FieldType.UNSIGNED:
            return lambda text: Unsigned(_bounded(text[:-1], _UINT64, "unsigned"))
        case FieldType.BOOLEAN:
            return lambda text: text[:1] in b"tT"


def _string(text: bytes) -> str:
    return (_ESCAPED_IN_STRING.sub(rb"\1", text[1:-1]) if b"\\" in text else text[1:-1]).decode()


def _tags(text: bytes) -> list[tuple[bytes, bytes]]:
    tags: list[tuple[bytes, bytes]] = _TAG.findall(text)
    keys = {key for key, _ in tags}
    for key in keys & RESERVED_TAG_KEYS:
        raise LineError(f'cannot use reserved tag key "{key.decode("latin-1")}"')
    if len(keys) < len(tags):
        raise LineError("duplicate tags")
    return tags


def _untag(text: bytes) -> str:
    return (_ESCAPED_IN_TAG.sub(rb"\1", text) if b"\\" in text else text).decode()


def _fields(line: bytes, start: int) -> tuple[list[re.Match[bytes]], int]:
    fields: list[re.Match[bytes]] = []
    at = start
    while True:
        field = _FIELD.match(line, at)
        if field is None:
            raise diagnose(line)
        fields.append(field)
        at = field.end()
        if line[at : at + 1] != b",":
            return fields, at
        at += 1


def _limit_keys(head_bytes: int, fields: list[re.Match[bytes]]) -> None:
    size = head_bytes + KEY_SEPARATOR_BYTES + max(len(field[1]) for field in fields)
    if size > MOST_KEY_BYTES:
        raise LineError(f"max key length exceeded: {size} > {MOST_KEY_BYTES}")


def _value(field: re.Match[bytes]) -> FieldValue:
    text: bytes
    match field.lastindex:
        case 2:
            return _string(field[2])
        case 3:
            return _float(field[3])
        case 4:
            text = field[4]
            return _bounded(text, _INT64, "integer")
        case 5:
            return Unsigned(_bounded(field[5], _UINT64, "unsigned"))
        case last:
            return last == 6  # noqa: PLR2004 - the group of the true words


def _float(text: bytes) -> float:
    value = float(text)
    if math.isinf(value):
        raise LineError("invalid float")
    return value


def _bounded(text: bytes, bounds: range, kind: str) -> int:
    if len(text) > _MOST_DIGITS or int(text) not in bounds:
        raise LineError(f"unable to parse {kind} {text[:40].decode()}: value out of range")
    return int(text)


def _time_ns(text: bytes, precision: Precision) -> int:
    if len(text) > _MOST_DIGITS or int(text) not in _INT64:
        raise LineError(f'timestamp "{text[:40].decode()}" is out of range')
    return scale(int(text), precision)
