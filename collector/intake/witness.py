"""A pipeline that is watched: the same decoders, transforms and checks, but every ruling is written down and nothing
is learnt, so that explaining a line changes nothing and has no rule of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from collector.check.contract import Check, Checking
from collector.pipeline import Pipeline
from collector.transform.contract import Effect, Transform, Transforming
from collector.verdict import Origin, Ruling
from foundation.line_protocol.line import Line


@dataclass(frozen=True, slots=True)
class Step:
    """What one transform or check said of a line as it came to it."""

    room: str
    line: Line
    ruling: Ruling


Note = Callable[[Step], None]


def watched(pipeline: Pipeline, note: Note) -> Pipeline:
    """The pipeline, telling `note` of every step. Its shapes are not known, so every line goes through every room."""
    return pipeline.seen_through(
        lambda transform: _WatchedTransform(transform, note), lambda check: _WatchedCheck(check, note)
    )


class _WatchedTransform:
    def __init__(self, transform: Transform, note: Note) -> None:
        self.name = transform.name
        self._transform = transform
        self._note = note

    def begin(self, origin: Origin) -> Transforming:
        return _WatchedTransforming(self.name, self._transform.begin(origin), self._note)


class _WatchedTransforming:
    def __init__(self, name: str, transforming: Transforming, note: Note) -> None:
        self._name = name
        self._transforming = transforming
        self._note = note

    def apply(self, line: Line) -> Ruling:
        ruling = self._transforming.apply(line)
        self._note(Step(self._name, line, ruling))
        return ruling

    def taken(self) -> None:
        """It is not: nothing is kept."""

    def leaves(self, line: Line) -> bool:  # noqa: ARG002 - every line is to be seen
        return False

    def effect(self, line: Line) -> Effect | None:  # noqa: ARG002 - as above
        return None

    def confirm(self) -> None:
        """Nothing became durable."""


class _WatchedCheck:
    unsettled = False
    surveys = False

    def __init__(self, check: Check, note: Note) -> None:
        self.name = check.name
        self._check = check
        self._note = note

    def begin(self, origin: Origin) -> Checking:
        return _WatchedChecking(self.name, self._check.begin(origin), self._note)

    def ready(self, bucket: str) -> bool:
        return self._check.ready(bucket)

    async def prepare(self, bucket: str) -> None:
        await self._check.prepare(bucket)

    async def settle(self) -> None:
        """Nothing was learnt."""


class _WatchedChecking:
    surveys = False

    def __init__(self, name: str, checking: Checking, note: Note) -> None:
        self._name = name
        self._checking = checking
        self._note = note

    def judge(self, line: Line) -> Ruling:
        ruling = self._checking.judge(line)
        self._note(Step(self._name, line, ruling))
        return ruling

    def settles(self, line: Line) -> bool:  # noqa: ARG002 - every line is to be seen
        return False

    def survey(self, run: object) -> bool:  # noqa: ARG002 - no run is ever taken
        return False

    def commit(self) -> None:
        """Nothing is kept."""
