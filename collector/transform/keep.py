"""Nothing but the lines, tags or fields that are wanted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Literal

from collector.transform.contract import ALIKE, Effect
from collector.transform.selection import Selection, Unchanging
from collector.verdict import Removal, Ruling
from foundation.line_protocol.line import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepConfig(Selection):
    """Without `tags` and `fields` every other line goes; else selected lines lose all other keys (patterns)."""

    kind: Literal["keep"] = "keep"
    tags: tuple[str, ...] | None = None
    fields: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        """Refuse to keep what nothing threatens, or no field at all."""
        if self.everything and self.tags is None and self.fields is None:
            raise ValueError("keep what? give `measurement` or `where` for lines, `tags` or `fields` for parts of them")
        if self.fields == ():
            raise ValueError("a line without fields is none; use drop for whole lines")


class Keep(Unchanging):
    """A line of which no field is left goes too."""

    name = "keep"

    def __init__(self, config: KeepConfig) -> None:
        self._config = config

    def apply(self, line: Line) -> Ruling:
        """The line with nothing but what is wanted."""
        config = self._config
        if config.tags is None and config.fields is None:
            return None if config.selects(line) else Removal("dropped: it is none of the lines to keep")
        if not config.selects(line):
            return None
        tags = tuple([pair for pair in line.tags if _matches(pair[0], config.tags)])
        fields = tuple([pair for pair in line.fields if _matches(pair[0], config.fields)])
        if not fields:
            return Removal("dropped: none of its fields is to be kept")
        if len(tags) == len(line.tags) and len(fields) == len(line.fields):
            return None
        return replace(line, tags=tags, fields=fields)

    def effect(self, line: Line) -> Effect:
        """Values stay what they are."""
        return Effect(by_fields=True) if self._config.fields is not None and self._config.selects(line) else ALIKE

    def leaves(self, line: Line) -> bool:
        """Whether nothing of it can go."""
        config = self._config
        if config.tags is None and config.fields is None:
            return not config.where and config.selects(line)
        if not config.may_select(line):
            return True
        return all(_matches(key, config.tags) for key, _ in line.tags) and all(
            _matches(key, config.fields) for key, _ in line.fields
        )


def _matches(key: str, patterns: tuple[str, ...] | None) -> bool:
    return patterns is None or any(fnmatchcase(key, pattern) for pattern in patterns)
