"""One line of bytes to a `Line`: the slow path, and the judge that every faster path has to agree with.

What is accepted is said by the patterns below, once. influxd takes a comma, an equals sign or a blank as part of a name
when the byte before it is a backslash; in fields a second stage counts backslashes in pairs, and a measurement behind
several backslashes is stored but never found again. Where its stages disagree, the line is refused.
"""

from __future__ import annotations

import math
import re

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


def parse_line(line: bytes, precision: Precision = Precision.NS) -> Line:
    """Parse one line (no trailing newline). Raises LineError with influxd's reason, or ours where influxd garbles."""
    head = _HEAD.match(line)
    if head is None:
        raise diagnose(line)
    fields, end = _fields(line, head.end(), len(head[1]) + len(head[2]))
    tail = _TAIL.match(line, end)
    if tail is None:
        raise diagnose(line)
    tags = _tags(head[2])
    stamp = tail[1]
    try:
        return Line(
            measurement=_ESCAPED_IN_MEASUREMENT.sub(rb"\1", head[1]).decode(),
            tags=tuple((_untag(key), _untag(value)) for key, value in tags),
            fields=fields,
            time_ns=None if stamp is None else _time_ns(stamp, precision),
        )
    except UnicodeDecodeError as error:
        raise LineError(f"not valid UTF-8 at byte {error.start} of a name or value") from error


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


def _fields(line: bytes, start: int, key_bytes: int) -> tuple[tuple[tuple[str, FieldValue], ...], int]:
    fields: list[tuple[str, FieldValue]] = []
    at = start
    while True:
        field = _FIELD.match(line, at)
        if field is None:
            raise diagnose(line)
        size = key_bytes + KEY_SEPARATOR_BYTES + len(field[1])
        if size > MOST_KEY_BYTES:
            raise LineError(f"max key length exceeded: {size} > {MOST_KEY_BYTES}")
        try:
            fields.append((_ESCAPED_IN_FIELD.sub(rb"\1", field[1]).decode(), _value(field)))
        except UnicodeDecodeError as error:
            raise LineError("not valid UTF-8 in a field") from error
        at = field.end()
        if line[at : at + 1] != b",":
            return tuple(fields), at
        at += 1


def _value(field: re.Match[bytes]) -> FieldValue:
    text: bytes
    match field.lastindex:
        case 2:
            return _ESCAPED_IN_STRING.sub(rb"\1", field[2][1:-1]).decode()
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
