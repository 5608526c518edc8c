"""A store that answers from a table that the test fills: what each series is worth at each moment."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

from store.contract import Series, StatementResult

Answer = Mapping[str, float | None]
"""value of the tag `host` -> value of the series"""

_BOUNDS = re.compile(r"time > (-?\d+) AND time <= (-?\d+)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FakeReader:
    """Keeps the Reader contract: many calls at once, errors of store.errors, times in nanoseconds.

    `answer` says what each series is worth at the upper bound of a query, or raises what a store raises.
    """

    def __init__(self, answer: Callable[[datetime], Answer], *, takes_s: float = 0.0) -> None:
        self.answer = answer
        self.takes_s = takes_s
        self.queries: list[str] = []
        self.deadlines_s: list[float] = []
        self.at_once = 0
        self.most_at_once = 0

    async def query(self, influxql: str, db: str, *, deadline_s: float = 30.0) -> tuple[StatementResult, ...]:
        if db != "telemetry":
            return (StatementResult(0, error=f"database not found: {db}"),)
        bounds = _BOUNDS.search(influxql)
        assert bounds is not None, f"a rule's query must be bounded in time: {influxql}"
        self.queries.append(influxql)
        self.deadlines_s.append(deadline_s)
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            await asyncio.sleep(self.takes_s)
            until = int(bounds[2])
            values = self.answer(_EPOCH + timedelta(microseconds=until // 1000))
        finally:
            self.at_once -= 1
        return (
            StatementResult(
                0,
                tuple(
                    Series("m", ("time", "mean"), [[until, value]], {"host": host}) for host, value in values.items()
                ),
            ),
        )

    async def buckets(self) -> tuple[str, ...]:
        return ("telemetry",)


class FaultyReader(FakeReader):
    """The same store with something wrong: while there is a `fault`, each query is answered by that."""

    fault: Callable[[], Awaitable[tuple[StatementResult, ...]]] | None = None
    text = ""

    async def query(self, influxql: str, db: str, *, deadline_s: float = 30.0) -> tuple[StatementResult, ...]:
        self.text = influxql
        if self.fault is not None:
            return await self.fault()
        return await super().query(influxql, db, deadline_s=deadline_s)


async def dawdle(seconds: float) -> None:
    """Take so much of the loop's time, which flies under looptime."""
    await asyncio.sleep(seconds)
