"""Halves that checks share: of those that keep nothing on disk, and of those that judge by shape alone."""

from __future__ import annotations

from collector.check.run import Run


class Memoryless:
    """Always ready, never with anything to make durable."""

    unsettled = False

    def ready(self, bucket: str) -> bool:  # noqa: ARG002 - the same for every bucket
        """Always."""
        return True

    async def prepare(self, bucket: str) -> None:
        """Nothing to learn."""

    async def settle(self) -> None:
        """Nothing to keep."""


class ByShape:
    """The half of a Checking that says of lines of settled shape that they pass, wherever they stand."""

    surveys = False

    def survey(self, run: Run) -> bool:  # noqa: ARG002 - holds for every run
        """They pass."""
        return True
