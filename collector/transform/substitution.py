"""Values put in place of others, under the same names: what hash and mask share."""

from __future__ import annotations

from dataclasses import dataclass, replace

from collector.transform.contract import ALIKE, Effect
from collector.transform.selection import Selection, Unchanging
from collector.verdict import Ruling
from foundation.line_protocol.line import FieldValue, Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Substituted(Selection):
    """The values of these `tags` and `fields` of the lines meant."""

    tags: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()

    def demand_names(self, what: str) -> None:
        """Raise ValueError if there is nothing to do."""
        if not self.tags and not self.fields:
            raise ValueError(f"{what} what? give `tags` or `fields`")


class Substitution(Unchanging):
    """The half of a transform that puts the `instead` of a value in its place. A field of any type becomes a text."""

    def __init__(self, config: Substituted) -> None:
        self._config = config

    def instead(self, value: FieldValue) -> str:
        """What stands in place of the value, and of every equal one."""
        raise NotImplementedError

    def apply(self, line: Line) -> Ruling:
        """The line with other values."""
        config = self._config
        if not config.selects(line) or not self._names(line):
            return None
        tags = tuple([(key, self.instead(value) if key in config.tags else value) for key, value in line.tags])
        fields = tuple([(key, self.instead(value) if key in config.fields else value) for key, value in line.fields])
        return replace(line, tags=tags, fields=fields)

    def effect(self, line: Line) -> Effect:
        """A value's place is taken by another, whatever else there is."""
        config = self._config
        if not config.fields or not config.selects(line):
            return ALIKE
        there = {key for key, _ in line.fields}
        return Effect(by_fields=True, values={key: (key, self.instead) for key in config.fields if key in there})

    def leaves(self, line: Line) -> bool:
        """Whether it cannot be meant, or has none of the keys."""
        return not (self._config.may_select(line) and self._names(line))

    def _names(self, line: Line) -> bool:
        config = self._config
        return any(key in config.tags for key, _ in line.tags) or any(key in config.fields for key, _ in line.fields)
