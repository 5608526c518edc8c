"""What hands lines in by itself, without a request: this host, and whatever comes to be polled or listened to.

Concurrency: `start` and `stop` are called in turn, from one event loop; an input owns the tasks it makes in between.
"""

from __future__ import annotations

from typing import Protocol

from foundation.lifecycle import OnIncident


class HandIn(Protocol):
    """The door for inputs: the same checks and the same buffer as for everybody."""

    async def __call__(self, body: bytes, source: str) -> None:
        """Take lines (line protocol, ns timestamps, trailing newline) for the default bucket.

        Returns when they are durable. Raises Transient when they cannot be taken now, Permanent when never.
        """


class Input(Protocol):
    """A source of lines."""

    name: str

    async def start(self, on_incident: OnIncident) -> None:
        """Begin to hand lines in."""

    async def stop(self) -> None:
        """Stop, in a bounded time."""
