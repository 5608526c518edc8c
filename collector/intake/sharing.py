"""Equal questions asked at once are answered by one run: many boards that refresh together cost what one costs.

Whoever asks while an equal question is being answered waits for the next run, together with all who come meanwhile: a
run looks at the store only after everybody whom it answers has asked. Invariants: nobody gets an answer that is older
than the question; no two runs of one question go on at once; who goes away takes nothing from the others, and a run
that nobody waits for any more is taken back.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from collector.intake.metrics import QueryMetrics
from store.contract import Reader, StatementResult

Results = tuple[StatementResult, ...]
_Question = tuple[str, str, float]
"""text, database, deadline"""


@dataclass(slots=True, eq=False)
class _Run:
    """One answer that several wait for. `askers` is how many."""

    task: asyncio.Task[Results] = field(init=False)
    askers: int = 0


class Sharing:
    """Asks a reader. Used by one event loop."""

    def __init__(self, reader: Reader, metrics: QueryMetrics) -> None:
        self._reader = reader
        self._metrics = metrics
        self._open: dict[_Question, _Run] = {}
        self._running: dict[_Question, asyncio.Future[None]] = {}
        """what is done when the answer is there"""
        metrics.running.set_function(lambda: len(self._running))

    async def query(self, influxql: str, db: str, *, deadline_s: float) -> Results:
        """See `Reader.query`; only for what reads. The deadline counts from when the run begins."""
        question = (influxql, db, deadline_s)
        if question not in self._running and question not in self._open:
            return await self._ask(question)  # in the asker's own task: most have nobody to share with
        run = self._open.get(question)
        if run is None:
            run = self._open[question] = _Run()
            run.task = asyncio.create_task(self._answer(question, run), name=f"query.{db}")
        else:
            self._metrics.shared.inc()
        run.askers += 1
        try:
            return await asyncio.shield(run.task)
        finally:
            run.askers -= 1
            if not run.askers and not run.task.done():
                self._close(question, run)
                run.task.cancel()
                await asyncio.gather(run.task, return_exceptions=True)

    async def query_alone(self, influxql: str, db: str, *, deadline_s: float) -> Results:
        """See `Reader.query`; for what changes anything, and so is asked as often as it came."""
        return await self._reader.query(influxql, db, deadline_s=deadline_s)

    async def _answer(self, question: _Question, run: _Run) -> Results:
        while (before := self._running.get(question)) is not None:
            await asyncio.wait((before,))
        self._close(question, run)
        return await self._ask(question)

    async def _ask(self, question: _Question) -> Results:
        influxql, db, deadline_s = question
        over = self._running[question] = asyncio.get_running_loop().create_future()
        try:
            return await self._reader.query(influxql, db, deadline_s=deadline_s)
        finally:
            del self._running[question]
            over.set_result(None)

    def _close(self, question: _Question, run: _Run) -> None:
        """From here on nobody joins the run."""
        if self._open.get(question) is run:
            del self._open[question]
