"""A new field from others by arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from collector.transform.contract import ALIKE, Effect
from collector.transform.expression import parse_expression
from collector.transform.selection import Selection, Unchanging, demand_writable
from collector.verdict import Ruling
from foundation.line_protocol.line import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class DeriveConfig(Selection):
    """`field` gets the value of `expression` (a float), in place of one that it may have."""

    kind: Literal["derive"] = "derive"
    field: str
    expression: str

    def __post_init__(self) -> None:
        """Refuse what cannot be read or written."""
        demand_writable(fields=(self.field,))
        parse_expression(self.expression)


class Derive(Unchanging):
    """A line without one of the fields, with one that is no number, or for which there is no result, is left alone."""

    name = "derive"

    def __init__(self, config: DeriveConfig) -> None:
        self._config = config
        self._expression = parse_expression(config.expression)

    def apply(self, line: Line) -> Ruling:
        """The line with the field."""
        config, needed = self._config, self._expression.fields
        if not config.selects(line):
            return None
        values = {
            key: float(value) for key, value in line.fields if key in needed and not isinstance(value, (bool, str))
        }
        result = self._expression.value(values) if len(values) == len(needed) else None
        if result is None:
            return None
        kept = [(key, value) for key, value in line.fields if key != config.field]
        return replace(line, fields=(*kept, (config.field, result)))

    def effect(self, line: Line) -> Effect | None:
        """Whether there is a result hangs on the values."""
        return None if self._config.selects(line) else ALIKE

    def leaves(self, line: Line) -> bool:
        """Whether it cannot be meant, or has none of the fields: with one, the next line may have all."""
        return not (self._config.may_select(line) and any(key in self._expression.fields for key, _ in line.fields))
