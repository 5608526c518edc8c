"""Lines, tags or fields that are not wanted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Literal

from collector.transform.contract import ALIKE, Effect
from collector.transform.selection import Selection, Unchanging
from collector.verdict import Removal, Ruling
from foundation.line_protocol.line import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class DropConfig(Selection):
    """Without `tags` and `fields` the whole line goes; else only these keys (patterns) of it."""

    kind: Literal["drop"] = "drop"
    tags: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse to drop everything."""
        if self.everything and not self.tags and not self.fields:
            raise ValueError("drop what? give `measurement` or `where` for lines, `tags` or `fields` for parts of them")


class Drop(Unchanging):
    """A line whose last field is dropped goes too."""

    name = "drop"

    def __init__(self, config: DropConfig) -> None:
        self._config = config

    def apply(self, line: Line) -> Ruling:
        """The line without what is not wanted."""
        config = self._config
        if not config.selects(line):
            return None
        if not config.tags and not config.fields:
            return Removal(f"dropped: the measurement is {line.measurement}")
        tags = tuple([pair for pair in line.tags if not _matches(pair[0], config.tags)])
        fields = tuple([pair for pair in line.fields if not _matches(pair[0], config.fields)])
        if not fields:
            return Removal("dropped: every field of the line is")
        if len(tags) == len(line.tags) and len(fields) == len(line.fields):
            return None
        return replace(line, tags=tags, fields=fields)

    def effect(self, line: Line) -> Effect:
        """Values stay what they are."""
        return Effect(by_fields=True) if self._config.fields and self._config.selects(line) else ALIKE

    def leaves(self, line: Line) -> bool:
        """Whether it cannot be meant, or has none of the keys."""
        config = self._config
        if not config.may_select(line):
            return True
        if not config.tags and not config.fields:
            return False
        unwanted = any(_matches(key, config.tags) for key, _ in line.tags)
        return not unwanted and not any(_matches(key, config.fields) for key, _ in line.fields)


def _matches(key: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(key, pattern) for pattern in patterns)
