"""The seams around the evaluator: who remembers what it decides, and who knows whether data is still on its way."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from alerting.alert import Evaluation


class Recorder(Protocol):
    """Makes an evaluation durable, with everything that people will hear because of it.

    Concurrency: called by several tasks at once, for different rules; never twice at once for the same rule.
    """

    async def record(self, evaluation: Evaluation, *, now: datetime) -> None:
        """Store it whole, in one transaction. When this raises, the evaluator goes on as if it had decided nothing."""


class Lag(Protocol):
    """Knows how far the store is behind what the collector has acknowledged."""

    async def behind_s(self) -> float | None:
        """Age in seconds of the oldest acknowledged line that cannot be queried yet; 0 when there is none.

        None means unknown (the collector cannot be asked): the evaluator takes that for behind, since resolving an
        alert on data that may be missing is the worse mistake. Never raises.
        """
