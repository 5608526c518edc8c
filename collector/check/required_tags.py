"""Tags that a measurement has to carry: a reading without its device is of no use to anybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from collector.check.memoryless import ByShape, Memoryless
from collector.verdict import Cause, Objection, Origin, Ruling
from foundation.line_protocol.line import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredTagsConfig:
    """`measurements`: pattern -> tags. All patterns that fit count."""

    measurements: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class RequiredTags(Memoryless, ByShape):
    """Keeps nothing, so it is its own Checking."""

    name = "required_tags"

    def __init__(self, config: RequiredTagsConfig) -> None:
        self._measurements = config.measurements

    def begin(self, origin: Origin) -> RequiredTags:  # noqa: ARG002 - the same for every body
        """Nothing to begin."""
        return self

    def judge(self, line: Line) -> Ruling:
        """Refuse the line if a tag is missing, and name it."""
        there = {tag for tag, _ in line.tags}
        for pattern, tags in self._measurements.items():
            if fnmatchcase(line.measurement, pattern):
                for tag in tags:
                    if tag not in there:
                        reason = f'tag "{tag}" is missing on measurement "{line.measurement}"'
                        return Objection(Cause.REQUIRED_TAG, reason)
        return None

    def settles(self, line: Line) -> bool:  # noqa: ARG002 - holds for every line
        """Its tag keys are those of every line of its shape."""
        return True

    def commit(self) -> None:
        """Nothing was learnt."""
