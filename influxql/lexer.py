"""Text to tokens, one at a time: only the parser knows whether a `/` divides or starts a regex."""

from __future__ import annotations

import re
from typing import Final

from influxql.binding import Bindings, bind_value
from influxql.errors import ParseError
from influxql.tokens import KEYWORDS, Kind, Token

_BLANK: Final = re.compile(r"(?:[ \t\n]+|--[^\n]*\n?|/\*.*?\*/)*", re.DOTALL)
_ONE_BLANK: Final = re.compile(r"[ \t\n]+|--[^\n]*\n?|/\*.*?\*/", re.DOTALL)
_SPACES: Final = re.compile(r"[ \t\n]*")
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAME: Final = re.compile(r"[A-Za-z0-9_]*")
_DURATION: Final = re.compile(r"\d+[A-Za-zµ][A-Za-z0-9µ]*", re.ASCII)
_NUMBER: Final = re.compile(r"(\d+\.\d+|\.\d+)|(\d+)\.", re.ASCII)
_INTEGER: Final = re.compile(r"\d+", re.ASCII)
_SIGN: Final = re.compile(r"::|=~|!=|!~|<=|<>|>=|[-+*/%&|^=<>(),;:.]")
_LINE_ENDS: Final = re.compile("\r\n?")
_ESCAPES: Final = {"n": "\n", "\\": "\\", '"': '"', "'": "'"}


class Lexer:
    """Reads tokens of one text at any offset. Holds nothing but the text and what is bound to its parameters."""

    def __init__(self, text: str, bindings: Bindings) -> None:
        # InfluxDB's reader ends at the first character zero.
        self.text = _LINE_ENDS.sub("\n", text).strip().partition("\0")[0]
        self._bindings = bindings

    def skip_blank(self, offset: int) -> int:
        """The offset behind white space and comments that start at `offset`."""
        blank = _BLANK.match(self.text, offset)
        return blank.end() if blank else offset

    def skip_spaces(self, offset: int) -> int:
        """The offset behind white space alone: where a regex may stand, `/*` starts no comment."""
        spaces = _SPACES.match(self.text, offset)
        return spaces.end() if spaces else offset

    def touching(self, offset: int) -> Token:
        """What starts at `offset` exactly: white space, a comment (which errors call nothing), or a token."""
        blank = _ONE_BLANK.match(self.text, offset)
        if not blank:
            return self.token(offset)
        return Token(Kind.BLANK, "" if blank.group()[0] in "-/" else blank.group(), offset, blank.end())

    def token(self, offset: int) -> Token:
        """The token at or behind `offset` (white space and comments skipped)."""
        start = self.skip_blank(offset)
        if start >= len(self.text):
            return self._end(offset)
        char = self.text[start]
        if char == "'":
            return self._quoted(start, start)
        if char == "$":
            return self._parameter(start)
        if char == '"' or _WORD.match(self.text, start):
            return self._word(start)
        return self._number(start) or self._sign(start)

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

    def _end(self, offset: int) -> Token:
        """The end of the text. Its reader has looked behind it already where a comment has no end of line."""
        end, last = len(self.text), ""
        for blank in _ONE_BLANK.finditer(self.text, offset):
            last = blank.group()
        passed = last.startswith("--") and not last.endswith("\n")
        return Token(Kind.EOF, "", end, end, "EOF", before=-1 if passed else 0)

    def _parameter(self, start: int) -> Token:
        """What stands for the parameter whose `$` is at `start`; a token of its own where nothing does."""
        found = _NAME.match(self.text, start + 1)
        end = found.end() if found else start + 1
        name = self.text[start + 1 : end]
        if self.text[end : end + 1] == '"':
            word = self._quoted(end, start)
            if word.kind is Kind.ILLEGAL:
                return Token(Kind.ILLEGAL, f"${word.text}", start, word.end)
            name, end = word.text, word.end
        return Token(*bind_value(name, self._bindings), start, end, greedy=True)

    def _word(self, start: int) -> Token:
        """A name or a keyword. A quote within a word begins the name anew, as in InfluxDB's reader."""
        found = _NAME.match(self.text, start)
        end = found.end() if found else start
        if self.text[end : end + 1] == '"':
            return self._quoted(end, start)
        text = self.text[start:end]
        upper = text.upper()
        if upper in KEYWORDS:
            return Token(Kind.KEYWORD, upper, start, end, greedy=True)
        return Token(Kind.IDENT, text, start, end, greedy=True)

    def _quoted(self, quote: int, start: int) -> Token:
        """What the quote at `quote` opens; `start`: where the token does."""
        sign, end, parts = self.text[quote], quote + 1, list[str]()
        while (char := self.text[end : end + 1]) != sign:
            if char in ("", "\n"):
                return Token(Kind.ILLEGAL, "".join(parts), quote, end, "BADSTRING", before=1)
            if char == "\\":
                end += 1
                escaped = self.text[end : end + 1]
                char = _ESCAPES.get(escaped, "")
                if not char:
                    return Token(Kind.ILLEGAL, f"\\{escaped}", end, end + 1)
            parts.append(char)
            end += 1
        text = "".join(parts)
        if sign == '"':
            return Token(Kind.IDENT, text, start, end + 1, "IDENT")
        return Token(Kind.STRING, text, start, end + 1, "STRING", before=1)

    def _number(self, start: int) -> Token | None:
        if match := _NUMBER.match(self.text, start):
            return Token(Kind.NUMBER, match.group(1) or match.group(2), start, match.end())
        for kind, pattern in ((Kind.DURATION, _DURATION), (Kind.INTEGER, _INTEGER)):
            if match := pattern.match(self.text, start):
                return Token(kind, match.group(), start, match.end())
        return None

    def _sign(self, start: int) -> Token:
        if self.text.startswith("/*", start):  # a comment without an end
            return Token(Kind.ILLEGAL, "", start, len(self.text), "ILLEGAL")
        match = _SIGN.match(self.text, start)
        if not match:
            return Token(Kind.ILLEGAL, self.text[start], start, start + 1)
        return Token(Kind.SIGN, "!=" if match.group() == "<>" else match.group(), start, match.end())
