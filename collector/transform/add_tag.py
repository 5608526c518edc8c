"""A tag that the sender does not know of: site, team, environment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from collector.transform.contract import ALIKE, Effect
from collector.transform.selection import Selection, Unchanging, demand_writable
from collector.verdict import Ruling
from foundation.line_protocol.encode import encode_head
from foundation.line_protocol.line import Line, LineError


@dataclass(frozen=True, slots=True, kw_only=True)
class AddTagConfig(Selection):
    """`tag` gets `value`; one that is there already stays, unless `overwrite`."""

    kind: Literal["add_tag"] = "add_tag"
    tag: str
    value: str
    overwrite: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be written."""
        demand_writable(tags=(self.tag,))
        try:
            encode_head("m", {self.tag: self.value})
        except LineError as error:
            raise ValueError(error.reason) from error


class AddTag(Unchanging):
    """The tags of a line stand in the order of their keys afterwards."""

    name = "add_tag"

    def __init__(self, config: AddTagConfig) -> None:
        self._config = config

    def apply(self, line: Line) -> Ruling:
        """The line with the tag."""
        config = self._config
        if not config.selects(line):
            return None
        tags = dict(line.tags)
        if tags.get(config.tag) == config.value or (config.tag in tags and not config.overwrite):
            return None
        return replace(line, tags=tuple({**tags, config.tag: config.value}.items()))

    def effect(self, line: Line) -> Effect:  # noqa: ARG002 - the same for every line
        """It looks at the tags alone."""
        return ALIKE

    def leaves(self, line: Line) -> bool:
        """Whether it cannot be meant, or keeps the tag that it has."""
        if not self._config.may_select(line):
            return True
        return not self._config.overwrite and any(tag == self._config.tag for tag, _ in line.tags)
