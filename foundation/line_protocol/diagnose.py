"""Why a line is none: walks it as influxd does and names the first fault in influxd's words.

Called only for a line that `parse` did not accept, so it may be slow; it never decides whether a line is accepted.
"""

from __future__ import annotations

import re

from foundation.line_protocol.line import LineError

_BLANKS = re.compile(rb"[ \t\0]*+")
_FIELD_START = re.compile(rb"((?:[^,= \\]|\\.)*+)([,= ]?)", re.DOTALL)
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+("?)', re.DOTALL)
_WORD = re.compile(rb"[^, ]*+")
_NUMBER_STARTS = b"0123456789.-nN"
_BOOLEAN_STARTS = b"tTfF"
_TIME = re.compile(rb"-?+[0-9]*+(?=[ ]|\Z)")
_UNREADABLE = (
    "a name cannot be read back: a single backslash escapes a comma, an equals sign or a blank, "
    "and a measurement does not escape '='"
)


def diagnose(line: bytes) -> LineError:
    """The reason for a line that does not parse."""
    start = _skip(line, 0)
    if start >= len(line) or line[start : start + 1] == b",":
        return LineError("missing measurement")
    end = _name_end(line, start, b", ")
    while line[end : end + 1] == b",":
        equals = _name_end(line, end + 1, b"=, ")
        if equals == end + 1:
            return LineError("missing tag key")
        if line[equals : equals + 1] != b"=" or line[equals + 1 : equals + 2] in (b"", b",", b" "):
            return LineError("missing tag value")
        end = _name_end(line, equals + 1, b"=, ")
        if line[end : end + 1] == b"=":
            return LineError("invalid tag format" if end > equals + 1 else _UNREADABLE)
    if end >= len(line):
        return LineError("missing fields")
    return _fields(line, _skip(line, end))


def _skip(line: bytes, at: int) -> int:
    blanks = _BLANKS.match(line, at)
    return blanks.end() if blanks else at


def _name_end(line: bytes, start: int, stops: bytes) -> int:
    """Offset of the first of `stops` that has no backslash before it, or the length of the line."""
    at = start
    while at < len(line) and (line[at] not in stops or (at > start and line[at - 1 : at] == b"\\")):
        at += 1
    return at


def _fields(line: bytes, at: int) -> LineError:
    while True:
        field = _FIELD_START.match(line, at)
        if field is None or field[2] != b"=":
            return LineError("missing fields" if at >= len(line) else "invalid field format")
        if not field[1]:
            return LineError("missing field key")
        at, fault = _value(line, field.end())
        if fault:
            return LineError(fault)
        if line[at : at + 1] != b",":
            return LineError(_time(line, at))
        at += 1


def _value(line: bytes, at: int) -> tuple[int, str]:
    """The end of a value and what is wrong with it, or an empty text."""
    first = line[at : at + 1]
    if first in (b"", b",", b" "):
        return at, "missing field value"
    string = _STRING.match(line, at)
    if string:
        if not string[1]:
            return at, "unbalanced quotes"
        follows = line[string.end() : string.end() + 1]
        return string.end(), "" if follows in (b"", b",", b" ") else "text after the closing quote of a string"
    word = _WORD.match(line, at)
    text = word[0] if word else b""
    if first in _NUMBER_STARTS:
        return at + len(text), "" if _is_number(text) else "invalid number"
    if first not in _BOOLEAN_STARTS:
        return at, "invalid value"
    return at + len(text), "" if text in _BOOLEANS else "invalid boolean"


_NUMBER = re.compile(rb"-?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[0-9]+i)|[0-9]+u")
_BOOLEANS = frozenset({b"t", b"T", b"true", b"True", b"TRUE", b"f", b"F", b"false", b"False", b"FALSE"})


def _is_number(text: bytes) -> bool:
    return _NUMBER.fullmatch(text) is not None


def _time(line: bytes, at: int) -> str:
    start = _skip(line, at)
    stamp = _TIME.match(line, start)
    if stamp is None:
        return "bad timestamp"
    if stamp[0] == b"-":
        return 'bad timestamp: "-" is no number'
    return _UNREADABLE if not line[stamp.end() :].strip(b" ") else "point is invalid: text after the timestamp"
