"""Which rows of a table are read into memory: those from a moment on, of all of its series or of some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from influxql.ast import Expr
from influxql.translate.parameters import Parameters
from influxql.translate.predicate import condition_sql
from influxql.translate.statement import select_sql
from store.embedded.recent.contract import Asking
from store.embedded.recent.room import texts_among
from store.embedded.recent.texts import LONGEST_BYTES
from store.embedded.schema import SERIES, TIME, Column, Table

_FEW_OF: Final = 4


@dataclass(frozen=True, slots=True)
class Since:
    """The rows of a table from a moment on; under a `condition` those of the series whose tags fulfil it."""

    table: Table
    first_ns: int
    condition: Expr | None = None

    def sql(self, parameters: Parameters) -> str:
        """What to select from, and which rows of it."""
        rows = f"{self.table.points} WHERE {TIME} >= {parameters.bind(self.first_ns)}"
        if self.condition is None:
            return rows
        meant = f"{self.table.keys} WHERE {self._meant(self.condition, parameters)}"
        return f"{rows} AND {SERIES} IN ({select_sql([SERIES], meant)})"

    def is_of_few(self, session: Asking) -> bool:
        """Whether the condition leaves no more than one in four of the table's series."""
        if self.condition is None:
            return False
        parameters = Parameters()
        meant = self._meant(self.condition, parameters)
        counts = ["count(*)", f"count(*) FILTER (WHERE {meant})"]
        ((every, few),) = session.fetch(select_sql(counts, self.table.keys), parameters)
        return bool(few * _FEW_OF <= every)

    def count(self, session: Asking) -> int:
        """How many rows these are."""
        parameters = Parameters()
        return int(session.fetch(select_sql(["count(*)"], self.sql(parameters)), parameters)[0][0])

    def without_long_texts(self, session: Asking, fields: Sequence[Column]) -> tuple[Column, ...]:
        """Those of these fields of whose texts none is too long."""
        texts = texts_among(fields)
        if not texts:
            return tuple(fields)
        parameters = Parameters()
        longest = [f'max(strlen("{column.physical}"))' for column in texts]
        (row,) = session.fetch(select_sql(longest, self.sql(parameters)), parameters)
        long = {column for column, most in zip(texts, row, strict=True) if (most or 0) > LONGEST_BYTES}
        return tuple(column for column in fields if column not in long)

    def _meant(self, condition: Expr, parameters: Parameters) -> str:
        table = self.table
        return condition_sql(condition, Table(table.measurement, table.keys, table.columns), parameters)
