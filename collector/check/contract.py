"""The seam between checks and the pipeline.

Concurrency: everything but `prepare` and `settle` is called from one thread and never waits. What one body teaches
stays in its own Checking until `commit`, so a body that is refused as a whole teaches nothing.
"""

from __future__ import annotations

from typing import Protocol

from collector.check.run import Run
from collector.verdict import Origin, Ruling
from foundation.line_protocol.line import Line


class Checking(Protocol):
    """One check's examination of one body."""

    def judge(self, line: Line) -> Ruling:
        """What speaks against the line, or the line as it may pass, or None; then it counts as taken as it is.

        The line has its timestamp, or None for the time of receipt.
        """

    def settles(self, line: Line) -> bool:
        """Asked behind `judge`: whether every line with this measurement, tag keys and field types passes for good.

        Fields are settled one by one: what holds for two lines must hold for one with the fields of both.
        """

    @property
    def surveys(self) -> bool:
        """Whether a run of settled shapes has to be shown to `survey`."""

    def survey(self, run: Run) -> bool:
        """Whether every line of the run passes; they count as taken then. If not, all of them come to `judge`."""

    def commit(self) -> None:
        """Keep what the body taught."""


class Check(Protocol):
    """A rule for lines."""

    name: str
    surveys: bool
    """Whether its Checking may want to see runs of settled shapes; if not, it need not begin for a body of such."""

    def begin(self, origin: Origin) -> Checking:
        """Start to examine a body."""

    def ready(self, bucket: str) -> bool:
        """Whether `prepare` has nothing to do."""

    async def prepare(self, bucket: str) -> None:
        """Learn what has to be known about the bucket before its first body. Never fails for a store that is away."""

    @property
    def unsettled(self) -> bool:
        """Whether something was learnt that is not durable yet."""

    async def settle(self) -> None:
        """Make durable what was learnt. Raises Transient when that fails; then nothing may be acknowledged."""
