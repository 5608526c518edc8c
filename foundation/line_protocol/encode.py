"""Values to one line that can be read back. Called for JSON readings and by whoever writes points of their own.

Invariant: `parse_line(encode(x)) == x`, or `encode` raises; nothing is repaired silently.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping

from foundation.line_protocol.line import (
    KEY_SEPARATOR_BYTES,
    MOST_KEY_BYTES,
    MOST_STRING_BYTES,
    RESERVED_TAG_KEYS,
    FieldValue,
    LineError,
    Unsigned,
)
from foundation.line_protocol.precision import LEAST_NS, MOST_NS

_UNWRITABLE = re.compile(r"\n|\\(?=[, =\\]|\Z)")
_UNWRITABLE_FIELD = re.compile(r'\A[\t\0]|\\"')
_ORDINARY = re.compile(r"[\w./:@%+-]+", re.ASCII)
"""Names that are written as they are; nearly all names are, and need no other look."""
_IN_MEASUREMENT = re.compile(r"([, ])")
_IN_NAME = re.compile(r"([, =])")
_IN_STRING = re.compile(r'(["\\])')
_SHORT_TEXT = 65_536
_LEAST_INT, _MOST_INT = -(2**63), 2**63 - 1
_MOST_UNSIGNED = 2**64 - 1
TIME = "time"
"""The one field key that InfluxDB strips."""


def encode(
    measurement: str,
    tags: Mapping[str, str],
    fields: Mapping[str, FieldValue],
    time_ns: int | None = None,
) -> bytes:
    """One line without newline. Tags are sorted by key, as InfluxDB stores them fastest.

    Raises LineError for what could not be read back: empty names or tag values, names with a newline or with a
    backslash where it would escape, reserved tag keys, no field, a field named `time`, numbers that are not finite or
    out of range, strings over 1 MiB.
    """
    if not fields:
        raise LineError("missing fields")
    head = encode_head(measurement, tags)
    body = b",".join(_field(head, key, value) for key, value in fields.items())
    if time_ns is None:
        return head + b" " + body
    if not LEAST_NS <= time_ns <= MOST_NS:
        raise LineError(f"time outside range {LEAST_NS} - {MOST_NS}")
    return b"%s %s %d" % (head, body, time_ns)


def encode_head(measurement: str, tags: Mapping[str, str] | Iterable[tuple[str, str]]) -> bytes:
    """Measurement and tags of a line. Raises LineError as `encode` does."""
    pairs = sorted(tags.items() if isinstance(tags, Mapping) else tags)
    head = _name(measurement, "measurement", _IN_MEASUREMENT)
    if head[:1] in b"#\t\x00":
        raise LineError(f"the measurement {measurement!r} starts with a character that would be skipped")
    for key, value in pairs:
        name = _name(key, "tag key", _IN_NAME)
        if name in RESERVED_TAG_KEYS:
            raise LineError(f'cannot use reserved tag key "{key}"')
        head += b"," + name + b"=" + _name(value, "value of a tag", _IN_NAME)
    return head


def encode_value(value: FieldValue) -> bytes:
    """A field's value as it stands behind the equals sign."""
    if type(value) is float and math.isfinite(value):
        return repr(value).encode()
    if type(value) is str and len(value) <= _SHORT_TEXT and value.isascii() and '"' not in value and "\\" not in value:
        return b'"%b"' % value.encode()
    match value:
        case float() if math.isfinite(value):
            return repr(value).encode()
        case bool():
            return b"true" if value else b"false"
        case Unsigned() if 0 <= value <= _MOST_UNSIGNED:
            return b"%du" % value
        case int() if not isinstance(value, Unsigned) and _LEAST_INT <= value <= _MOST_INT:
            return b"%di" % value
        case str():
            return b'"' + _IN_STRING.sub(r"\\\1", _text(value)).encode() + b'"'
        case _:
            raise LineError(f"{value!r} is no finite number within 64 bits")


def encode_key(key: str) -> bytes:
    """A field's key as it stands before the equals sign. Raises LineError as `encode` does."""
    name = _name(key, "field key", _IN_NAME)
    if key == TIME:
        raise LineError('a field cannot be named "time"')
    if _UNWRITABLE_FIELD.search(key):
        raise LineError(f"the field key {key!r} starts with a blank or holds an escaped quote, which would be lost")
    return name


def _field(head: bytes, key: str, value: FieldValue) -> bytes:
    name = encode_key(key)
    if len(head) + KEY_SEPARATOR_BYTES + len(name) > MOST_KEY_BYTES:
        raise LineError(f"max key length exceeded: {len(head) + KEY_SEPARATOR_BYTES + len(name)} > {MOST_KEY_BYTES}")
    return name + b"=" + encode_value(value)


def _name(text: str, what: str, special: re.Pattern[str]) -> bytes:
    if _ORDINARY.fullmatch(text):
        return text.encode()
    if not text:
        raise LineError(f"the {what} is empty")
    if _UNWRITABLE.search(text):
        raise LineError(f"the {what} {text!r} holds a newline or a backslash that line protocol cannot carry")
    return special.sub(r"\\\1", _plain(text)).encode()


def _text(text: str) -> str:
    if len(_plain(text).encode()) > MOST_STRING_BYTES:
        raise LineError(f"a string of more than {MOST_STRING_BYTES} bytes")
    return text


def _plain(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise LineError(f"{text[:40]!r} is no valid Unicode text") from error
    return text
