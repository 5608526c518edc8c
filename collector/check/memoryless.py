"""The half of a check that asks nobody and keeps nothing on disk, for all checks that are so."""

from __future__ import annotations


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
