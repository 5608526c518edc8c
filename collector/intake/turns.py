"""The outcomes of a body that was judged in turns, put together as if it had been judged at once. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from collector.decode.tally import MOST_LISTED
from collector.pipeline import Outcome
from collector.verdict import Cause, Rejection
from foundation.batch import Batch


class Turns:
    """Gathers outcomes in the order of the body."""

    def __init__(self) -> None:
        self._batches: list[Batch] = []
        self._listed: list[Rejection] = []
        self._refused: Counter[Cause] = Counter()
        self._taken_out: Counter[str] = Counter()
        self._altered: Counter[str] = Counter()
        self._confirms: list[Callable[[], None]] = []

    def add(self, outcome: Outcome) -> None:
        """Take the outcome of the next turn."""
        if outcome.batch is not None:
            self._batches.append(outcome.batch)
        room = MOST_LISTED - len(self._listed)
        self._listed += outcome.listed[:room]
        self._refused.update(outcome.refused)
        self._taken_out.update(outcome.taken_out)
        self._altered.update(outcome.altered)
        self._confirms.append(outcome.confirm)

    def whole(self) -> Outcome:
        """The outcome of the whole body."""
        batch = None
        if self._batches:
            body = b"".join(one.body for one in self._batches)
            batch = replace(self._batches[0], body=body, lines=sum(one.lines for one in self._batches))
        counts = (self._refused, self._taken_out, self._altered)
        return Outcome(batch, tuple(self._listed), *counts, self._confirm)

    def _confirm(self) -> None:
        for confirm in self._confirms:
            confirm()
