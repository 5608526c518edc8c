"""Text to tokens, one at a time: only the parser knows whether a `/` divides or starts a regex."""

from __future__ import annotations

import re
from typing import Final

from influxql.binding import Bindings, bind_value
from influxql.errors import ParseError
from influxql.tokens import KEYWORDS, Kind, Token

_BLANK: Final = re.compile(r"(?:[ \t\n\r]+|--[^\n]*)*")
_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_IDENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DURATION: Final = re.compile(r"\d+(?:ns|[uµsmhdw]|[A-Za-zµ])[A-Za-z0-9µ]*")
_NUMBER: Final = re.compile(r"\d+\.\d*|\.\d+")
_INTEGER: Final = re.compile(r"\d+")
_SIGN: Final = re.compile(r"::|=~|!=|!~|<=|<>|>=|[-+*/%&|^=<>(),;:.]")
_ESCAPES: Final = {"n": "\n", "\\": "\\", '"': '"', "'": "'"}


class Lexer:
    """Reads tokens of one text at any offset. Holds nothing but the text and what is bound to its parameters."""

    def __init__(self, text: str, bindings: Bindings) -> None:
        self.text = text
        self._bindings = bindings

    def skip_blank(self, offset: int) -> int:
        """The offset behind white space and comments that start at `offset`."""
        while True:
            blank = _BLANK.match(self.text, offset)
            offset = blank.end() if blank else offset
            comment = _COMMENT.match(self.text, offset)
            if not comment:
                return offset
            offset = comment.end()

    def skip_spaces(self, offset: int) -> int:
        """The offset behind white space alone: where a regex may stand, `/*` starts no comment."""
        while self.text[offset : offset + 1] in (" ", "\t", "\n", "\r"):
            offset += 1
        return offset

    def token(self, offset: int) -> Token:
        """The token at or behind `offset` (white space and comments skipped)."""
        start = self.skip_blank(offset)
        if start >= len(self.text):
            return Token(Kind.EOF, "", start, start)
        if self.text[start] in "\"'":
            return self._quoted(start)
        for kind, pattern in _PATTERNS:
            match = pattern.match(self.text, start)
            if match:
                return (
                    _word(match.group(), start)
                    if kind is Kind.IDENT
                    else Token(kind, match.group(), start, match.end())
                )
        if self.text[start] == "$":
            return self._parameter(start)
        return Token(Kind.ILLEGAL, self.text[start], start, start + 1)

    def regex(self, offset: int) -> Token | None:
        """The regex literal that starts at `offset` exactly, or None where no slash and no bound regex stands."""
        if self.text[offset : offset + 1] == "$":
            token = self._parameter(offset)
            return token if token.kind is Kind.REGEX else None
        if self.text[offset : offset + 1] != "/":
            return None
        end, parts = offset + 1, list[str]()
        while end < len(self.text) and self.text[end] not in "/\n":
            if self.text[end] == "\\" and self.text[end + 1 : end + 2] == "/":
                end += 1
            elif self.text[end] == "\\":
                parts.append("\\")
                end += 1
            parts.append(self.text[end : end + 1])
            end += 1
        if self.text[end : end + 1] != "/":
            raise self.error("bad regex: ", max(offset - 1, 0))
        return Token(Kind.REGEX, "".join(parts), offset, end + 1)

    def ends_at(self, offset: int) -> bool:
        """Whether the text ends there."""
        return offset >= len(self.text)

    def error(self, message: str, offset: int) -> ParseError:
        """The error `message` with the line and character of `offset`."""
        before = self.text[:offset]
        return ParseError(message, line=before.count("\n") + 1, char=offset - (before.rfind("\n") + 1) + 1)

    def _parameter(self, start: int) -> Token:
        """What stands for the parameter whose `$` is at `start`."""
        end, name = start + 1, ""
        if self.text[end : end + 1] == '"':
            word = self._quoted(end)
            end, name = word.end, word.text
        elif found := _IDENT.match(self.text, end):
            end, name = found.end(), found.group()
        return Token(*bind_value(name, self._bindings), start, end)

    def _quoted(self, start: int) -> Token:
        quote, end, parts = self.text[start], start + 1, list[str]()
        while True:
            char = self.text[end : end + 1]
            if char in ("", "\n"):
                return Token(Kind.ILLEGAL, "".join(parts), start, end, quoted=True)
            if char == quote:
                kind = Kind.IDENT if quote == '"' else Kind.STRING
                return Token(kind, "".join(parts), start, end + 1, quoted=True)
            if char == "\\":
                end += 1
                char = _ESCAPES.get(self.text[end : end + 1], "")
                if not char:
                    raise self.error(f"bad escape: \\{self.text[end : end + 1]}", start)
            parts.append(char)
            end += 1


_PATTERNS: Final = (
    (Kind.IDENT, _IDENT),
    (Kind.NUMBER, _NUMBER),
    (Kind.DURATION, _DURATION),
    (Kind.INTEGER, _INTEGER),
    (Kind.SIGN, _SIGN),
)


def _word(text: str, start: int) -> Token:
    upper = text.upper()
    if upper in KEYWORDS:
        return Token(Kind.KEYWORD, upper, start, start + len(text))
    return Token(Kind.IDENT, text, start, start + len(text))
