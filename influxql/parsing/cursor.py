"""Where the parser stands in the text. All parsing functions take a cursor and leave it behind what they read."""

from __future__ import annotations

from typing import Final

import re2

from influxql.ast import RegexLiteral
from influxql.binding import Bindings
from influxql.errors import ParseError
from influxql.lexer import Lexer
from influxql.tokens import Kind, Token

MOST: Final = 2**63 - 1
"""The greatest count that a clause holds."""


class Cursor:
    """A place in one text, with a look-ahead of one token."""

    def __init__(self, text: str, bindings: Bindings) -> None:
        self._lexer = Lexer(text, bindings)
        self._offset = 0
        self._ahead: Token | None = None
        self._last = Token(Kind.BLANK, "", 0, 0)
        self._looked_past_end = False
        self._end_is_known = False

    def peek(self) -> Token:
        """The next token, left where it is."""
        if self._ahead is None:
            self._ahead = self._lexer.token(self._offset)
        return self._ahead

    def after(self) -> Token:
        """The token behind the next one."""
        return self._lexer.token(self.peek().end)

    def take(self) -> Token:
        """The next token; the cursor moves behind it."""
        token = self.peek()
        self._offset = token.end
        self._ahead = None
        self._looked_past_end = self._end_is_known or (token.greedy and self._lexer.ends_at(token.end))
        self._last = token
        return token

    def last(self) -> Token:
        """The token that was taken last."""
        return self._last

    def touching(self) -> Token:
        """What stands right here, white space and comments included; the cursor stays."""
        return self._lexer.touching(self._offset)

    def text_from(self, token: Token) -> str:
        """The text from the start of a token that was taken to where the cursor stands."""
        return self._lexer.text[token.start : self._offset]

    def touches(self, sign: str) -> bool:
        """Whether `sign` stands right here, without white space before it."""
        token = self.peek()
        return token.is_sign(sign) and token.start == self._offset

    def take_sign(self, sign: str) -> bool:
        """Take this sign if it is next."""
        return self.peek().is_sign(sign) and bool(self.take())

    def take_keyword(self, *words: str) -> str | None:
        """Take one of these keywords if it is next; which one."""
        return self.take().text if self.peek().is_keyword(*words) else None

    def look_ahead(self) -> None:
        """InfluxDB's reader looks at the next character here: an error at the end is placed behind it from now on."""
        self._looked_past_end = self._looked_past_end or self._lexer.ends_at(self._offset)

    def look_behind(self) -> None:
        """The same behind what stands right here, which it reads and puts back before it looks for a regex."""
        self._end_is_known = self._lexer.ends_at(self._lexer.skip_spaces(self.touching().end))

    def sees_word(self, word: str) -> bool:
        """Whether the unreserved word (`fill`, `tz`) is next, in any case."""
        token = self.peek()
        return token.kind is Kind.IDENT and token.text.lower() == word

    def character_behind(self) -> str:
        """The character behind what stands right here, at which InfluxDB's reader looks when it put that back."""
        end = self.touching().end
        return self._lexer.text[end : end + 1]

    def regex(self) -> RegexLiteral | None:
        """The regex literal that is next, or None. Its syntax is checked here."""
        start = self._lexer.skip_spaces(self._offset)
        token = self._lexer.regex(start)
        if token is None:
            self._looked_past_end = self._lexer.ends_at(start)
            return None
        self._offset, self._ahead = token.end, None
        fault = _regex_fault(token.text)
        if fault:
            raise self._lexer.error(fault, max(token.start - 1, 0))
        return RegexLiteral(token.text)

    def expect_sign(self, sign: str) -> None:
        """Take this sign, or fail."""
        if not self.take_sign(sign):
            raise self.expected(sign)

    def expect_keyword(self, *words: str) -> str:
        """Take one of these keywords, or fail."""
        found = self.take_keyword(*words)
        if found is None:
            raise self.expected(*words)
        return found

    def expect_ident(self) -> str:
        """Take a name, or fail."""
        if self.peek().kind is not Kind.IDENT:
            raise self.expected("identifier")
        return self.take().text

    def expect_kind(self, kind: Kind) -> str:
        """Take a token of this kind, or fail; its text."""
        if self.peek().kind is not kind:
            raise self.expected(kind.value)
        return self.take().text

    def expect_integer(self) -> int:
        """Take an integer, or fail; one beyond all numbers is the greatest."""
        digits = self.expect_kind(Kind.INTEGER).lstrip("0")
        return MOST if len(digits) > len(str(MOST)) else min(int(digits or "0"), MOST)

    def expect_touching(self, sign: str) -> None:
        """Take this sign if it stands right here, or fail."""
        if not self.touches(sign):
            raise self.expected(sign, found=self.touching())
        self.take()

    def expected(self, *wishes: str, found: Token | None = None) -> ParseError:
        """The error that something else than one of `wishes` is there: what is next, or `found`."""
        token = found or self.peek()
        return self.fault(f"found {token}, expected {', '.join(wishes)}", token)

    def fault(self, message: str, token: Token | None = None) -> ParseError:
        """An error at `token`, or else at the next one, placed where InfluxDB places it.

        It points one character before an opening quote, and one behind the end where its reader has already looked
        past the end: for the rest of a word, or for a regex.
        """
        token = token or self.peek()
        shift = 1 if token.kind is Kind.EOF and self._looked_past_end else -token.before
        return self._lexer.error(message, max(token.start + shift, 0))


def _regex_fault(pattern: str) -> str | None:
    """What is wrong with a pattern, in the words of Go's regexp package where they are known."""
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        text = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error.args[0])
        fault, _, part = text.partition(": ")
        return (
            f"error parsing regexp: {_GO_FAULTS.get(fault, fault)}: `{part}`"
            if part
            else f"error parsing regexp: {text}"
        )
    return None


_GO_FAULTS = {
    "no argument for repetition operator": "missing argument to repetition operator",
    "missing ]": "missing closing ]",
    "missing )": "missing closing )",
    "unexpected )": "unexpected )",
    "bad repetition operator": "invalid nested repetition operator",
    "invalid repetition size": "invalid repeat count",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid named capture group": "invalid named capture",
    "trailing \\": "trailing backslash at end of expression",
}
