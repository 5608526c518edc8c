"""What is wrong with a query.

Permanent
|- ParseError    the text is no InfluxQL; nothing of the request runs
`- QueryError    one statement cannot be answered; the message is InfluxDB's
"""

from __future__ import annotations

from foundation.errors import Permanent


class ParseError(Permanent):
    """The text does not parse. `line` and `char` count from 1; both are None where InfluxDB names no place."""

    def __init__(self, message: str, *, line: int | None = None, char: int | None = None) -> None:
        super().__init__(message if line is None else f"{message} at line {line}, char {char}")
        self.message = message
        self.line = line
        self.char = char


class QueryError(Permanent):
    """A statement that parses but cannot be answered: it belongs into the statement's own result."""
