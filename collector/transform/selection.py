"""Which lines a transform is for: the part of its settings that all share, and the few things done to every line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Self

from collector.transform.contract import Effect
from collector.verdict import Origin
from foundation.line_protocol.encode import encode
from foundation.line_protocol.line import Line, LineError


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """`measurement` and the values of `where` (tag -> value) are patterns: `*`, `?`, `[ab]`. Both have to match."""

    measurement: str = "*"
    where: Mapping[str, str] = field(default_factory=dict)

    def selects(self, line: Line) -> bool:
        """Whether the line is meant."""
        if not fnmatchcase(line.measurement, self.measurement):
            return False
        tags = dict(line.tags)
        return all(tag in tags and fnmatchcase(tags[tag], value) for tag, value in self.where.items())

    def may_select(self, line: Line) -> bool:
        """Whether a line with this measurement and these tag keys can be meant, whatever its values."""
        return fnmatchcase(line.measurement, self.measurement) and self.where.keys() <= {tag for tag, _ in line.tags}

    @property
    def everything(self) -> bool:
        """Whether every line is meant."""
        return self.measurement == "*" and not self.where


class Unchanging:
    """The half of a transform that learns nothing from lines, so it is its own Transforming."""

    def begin(self, origin: Origin) -> Self:  # noqa: ARG002 - the same for every body
        """Nothing to begin."""
        return self

    def effect(self, line: Line) -> Effect | None:  # noqa: ARG002 - the same for every line
        """Unknown: lines are shown one by one."""
        return None

    def taken(self) -> None:
        """Nothing to learn."""

    def confirm(self) -> None:
        """Nothing was learnt."""


def demand_writable(*, measurement: str = "m", tags: tuple[str, ...] = (), fields: tuple[str, ...] = ("f",)) -> None:
    """Raise ValueError if a line with these names could not be written."""
    try:
        encode(measurement, dict.fromkeys(tags, "v"), dict.fromkeys(fields, 1.0))
    except LineError as error:
        raise ValueError(error.reason) from error
