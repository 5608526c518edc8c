"""SQL that is asked again with other values bound is parsed once: boards refresh, and rules ask every few seconds.

A session asks for each SELECT that it runs. What is kept is only what DuckDB's parser makes of a text: names are looked
up, and the plan is made, anew by every run, so neither another schema nor another connection makes it wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from influxql.translate.parameters import bound_in

if TYPE_CHECKING:
    import duckdb

_MOST_TEXTS: Final = 500
_LONGEST: Final = 4_000
"""Longer texts list many values, and seldom come again."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """One SELECT, and the names of what it wants bound."""

    statement: duckdb.Statement | str
    names: frozenset[str]


class Statements:
    """Parses SQL and remembers it. Safe for threads: two may parse the same text, and either result serves."""

    def __init__(self) -> None:
        self._parsed: dict[str, Parsed] = {}

    def parse(self, connection: duckdb.DuckDBPyConnection, sql: str) -> Parsed:
        """The one statement in `sql`. Raises duckdb.ParserException."""
        known = self._parsed.get(sql)
        if known is not None:
            return known
        names = bound_in(sql)
        if len(sql) > _LONGEST:
            return Parsed(sql, names)
        (statement,) = connection.extract_statements(sql)
        if len(self._parsed) >= _MOST_TEXTS:
            self._parsed.clear()
        self._parsed[sql] = parsed = Parsed(statement, names)
        return parsed
