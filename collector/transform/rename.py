"""Another name for a measurement, for tags or for fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from collector.transform.contract import ALIKE, Effect
from collector.transform.selection import Selection, Unchanging, demand_writable
from collector.verdict import Cause, Objection, Ruling
from foundation.line_protocol.line import Line

V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameConfig(Selection):
    """`to`: the measurement's new name; `tags`, `fields`: old name -> new name. A name that is taken is refused."""

    kind: Literal["rename"] = "rename"
    to: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse names that nobody could write, and a rename of nothing."""
        if self.to is None and not self.tags and not self.fields:
            raise ValueError("rename what? give `to` (the measurement's new name), `tags` or `fields`")
        if self.to is not None and self.measurement == "*":
            raise ValueError("`to` would give every measurement one name; name one in `measurement`")
        for names in (self.tags, self.fields):
            if len(set(names.values())) < len(names):
                raise ValueError("two names would become one")
        demand_writable(
            measurement=self.to or "m", tags=tuple(self.tags.values()), fields=tuple(self.fields.values()) or ("f",)
        )


class Rename(Unchanging):
    """Renames in one step: old names are looked up in the line as it came."""

    name = "rename"

    def __init__(self, config: RenameConfig) -> None:
        self._config = config

    def apply(self, line: Line) -> Ruling:
        """The line under its new names."""
        config = self._config
        if not config.selects(line) or not self._names(line):
            return None
        tags, doubled_tag = _renamed(line.tags, config.tags)
        fields, doubled_field = _renamed(line.fields, config.fields)
        doubled = doubled_tag or doubled_field
        if doubled:
            return Objection(Cause.TRANSFORM, f'rename: "{doubled}" is there already')
        return replace(line, measurement=config.to or line.measurement, tags=tags, fields=fields)

    def effect(self, line: Line) -> Effect:
        """Values stay what they are."""
        config = self._config
        if not config.fields or not config.selects(line):
            return ALIKE
        there = {key for key, _ in line.fields}
        return Effect(by_fields=True, values={new: (old, None) for old, new in config.fields.items() if old in there})

    def leaves(self, line: Line) -> bool:
        """Whether no name of it is among the old ones."""
        return not (self._config.may_select(line) and self._names(line))

    def _names(self, line: Line) -> bool:
        config = self._config
        return (
            config.to is not None
            or any(tag in config.tags for tag, _ in line.tags)
            or any(key in config.fields for key, _ in line.fields)
        )


def _renamed(pairs: tuple[tuple[str, V], ...], names: Mapping[str, str]) -> tuple[tuple[tuple[str, V], ...], str]:
    """The pairs under their new names, and a name that two of them would have, or an empty text."""
    renamed = tuple([(names.get(key, key), value) for key, value in pairs])
    before = {key for key, _ in pairs}
    after = {key for key, _ in renamed}
    if len(after) == len(before):
        return renamed, ""
    return renamed, next(new for old, new in names.items() if old in before and new in before)
