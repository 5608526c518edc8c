"""The words and signs of InfluxQL. A token remembers where it starts, so that errors can point at it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What a token is."""

    EOF = "EOF"
    IDENT = "identifier"
    KEYWORD = "keyword"
    STRING = "string"
    NUMBER = "number"
    INTEGER = "integer"
    DURATION = "duration"
    REGEX = "regex"
    SIGN = "sign"
    PARAMETER = "parameter"
    BLANK = "blank"
    ILLEGAL = "illegal"


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is what the token says: a name without quotes, a keyword in capitals, `!=` for `<>`.

    `start`, `end`: offsets. `before`: how many characters before its start an error points. `label`: what an error
    calls it where its text is empty. `greedy`: InfluxDB's reader has looked behind it to know its end.
    """

    kind: Kind
    text: str
    start: int
    end: int
    label: str = ""
    before: int = 0
    greedy: bool = False

    def is_sign(self, *signs: str) -> bool:
        """Whether this is one of these operators or punctuation marks."""
        return self.kind is Kind.SIGN and self.text in signs

    def is_keyword(self, *words: str) -> bool:
        """Whether this is one of these keywords (given in capitals)."""
        return self.kind is Kind.KEYWORD and self.text in words

    def __str__(self) -> str:
        return self.text or self.label


KEYWORDS: Final = frozenset(
    (
        "ALL",
        "ALTER",
        "ANALYZE",
        "AND",
        "ANY",
        "AS",
        "ASC",
        "BEGIN",
        "BY",
        "CARDINALITY",
        "CONTINUOUS",
        "CREATE",
        "DATABASE",
        "DATABASES",
        "DEFAULT",
        "DELETE",
        "DESC",
        "DESTINATIONS",
        "DIAGNOSTICS",
        "DISTINCT",
        "DROP",
        "DURATION",
        "END",
        "EVERY",
        "EXACT",
        "EXPLAIN",
        "FALSE",
        "FIELD",
        "FOR",
        "FROM",
        "FUTURE",
        "GRANT",
        "GRANTS",
        "GROUP",
        "GROUPS",
        "IN",
        "INF",
        "INSERT",
        "INTO",
        "KEY",
        "KEYS",
        "KILL",
        "LIMIT",
        "MEASUREMENT",
        "MEASUREMENTS",
        "NAME",
        "OFFSET",
        "ON",
        "OR",
        "ORDER",
        "PASSWORD",
        "PAST",
        "POLICIES",
        "POLICY",
        "PRIVILEGES",
        "QUERIES",
        "QUERY",
        "READ",
        "REPLICATION",
        "RESAMPLE",
        "RETENTION",
        "REVOKE",
        "SELECT",
        "SERIES",
        "SET",
        "SHARD",
        "SHARDS",
        "SHOW",
        "SLIMIT",
        "SOFFSET",
        "STATS",
        "SUBSCRIPTION",
        "SUBSCRIPTIONS",
        "TAG",
        "TO",
        "TRUE",
        "USER",
        "USERS",
        "VALUES",
        "VERBOSE",
        "WHERE",
        "WITH",
        "WRITE",
    ),
)
"""Words that need quotes to be a name, in capitals."""

PRECEDENCE: Final = {
    "OR": 1,
    "AND": 2,
    **dict.fromkeys(("=", "!=", "=~", "!~", "<", "<=", ">", ">="), 3),
    **dict.fromkeys(("+", "-", "|", "^"), 4),
    **dict.fromkeys(("*", "/", "%", "&"), 5),
}
"""Operators that stand between two operands; the higher binds the closer, equals from left to right."""
