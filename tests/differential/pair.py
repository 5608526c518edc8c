"""Two stores that hold the same lines, and what they say to the same query."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from foundation.clock import SystemClock
from foundation.secret import Secret
from store.contract import Store
from store.embedded.recent.memory import Outcome
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from store.errors import QuerySyntaxError
from store.influxdb import InfluxConfig, InfluxStore
from tests.fakes.influxd import Influxd
from tests.fakes.shipping import Log

_TIMES = 4
"""What was asked three times within half a minute is answered from memory where that can."""
_UNREADABLE = "failed to parse query: "


@dataclass(frozen=True, slots=True)
class Difference:
    """Two answers to one query that are not equal."""

    query: str
    embedded: Any
    influxdb: Any
    seed: int | None = None
    """of the schema that was asked"""

    def __str__(self) -> str:
        return f"{self.query}\n    seed {self.seed}\n    embedded {self.embedded}\n    influxdb {self.influxdb}"


@dataclass(frozen=True, slots=True)
class Pair:
    """Both stores, open and filled."""

    embedded: Store
    influxdb: Store
    bucket: str
    outcomes: Counter[Outcome]
    """where the embedded store's answers came from"""

    async def compare(self, query: str) -> Difference | None:
        """None where both answer the same, the embedded store also when it is asked again and knows by heart."""
        theirs = await _ask(self.influxdb, query, self.bucket)
        for _ in range(_TIMES if query.startswith("SELECT") else 1):
            ours = await _ask(self.embedded, query, self.bucket)
            if not equal(ours, theirs):
                return Difference(query, ours, theirs)
        return None

    async def compare_refusal(self, query: str) -> Difference | None:
        """None where the text is refused by both with the same words at the same place, or read by both."""
        ours, theirs = await _ask(self.embedded, query, self.bucket), await _ask(self.influxdb, query, self.bucket)
        refused = [isinstance(answer, str) and answer.startswith(_UNREADABLE) for answer in (ours, theirs)]
        return Difference(query, ours, theirs) if any(refused) and ours != theirs else None


@asynccontextmanager
async def filled_pair(server: Influxd, folder: Path, bodies: Sequence[bytes]) -> AsyncIterator[Pair]:
    """A bucket of its own in `server`, an embedded store in `folder`, the bodies written to both in order."""
    bucket = f"pair-{uuid4().hex}"
    made = server.make_bucket(bucket)
    outcomes: Counter[Outcome] = Counter()
    embedded = EmbeddedStore(
        EmbeddedConfig(), state=folder, clock=SystemClock(), on_question=lambda one: outcomes.update([one])
    )
    config = InfluxConfig(kind="influxdb", url=server.url, org=server.org, token=Secret(server.token))
    influxdb = InfluxStore(config)
    await embedded.open()
    await influxdb.open()
    try:
        log = Log(embedded, bucket)
        for body in bodies:
            verdict = await log.put(body)
            status, answer = server.call("POST", f"/api/v2/write?org={server.org}&bucket={bucket}", body)
            assert (status, verdict.refused) == (204, ()), answer
        yield Pair(embedded, influxdb, bucket, outcomes)
    finally:
        await embedded.close()
        await influxdb.close()
        server.drop_bucket(made)


async def _ask(store: Store, query: str, bucket: str) -> Any:
    """The error, or (name, tags, columns, rows) of each series; None where there is no result at all."""
    try:
        results = await store.query(query, bucket)
    except QuerySyntaxError as error:
        return str(error)
    if not results:
        return None
    (result,) = results
    if result.error is not None:
        return result.error
    return [
        [series.name, dict(series.tags), list(series.columns), [*map(list, series.values)]] for series in result.series
    ]


def equal(ours: Any, theirs: Any) -> bool:
    """Equal, floats to 1e-9 of their size; a whole float is its integer, as in JSON."""
    if isinstance(theirs, list):
        return isinstance(ours, list) and len(ours) == len(theirs) and all(map(equal, ours, theirs))
    if isinstance(theirs, bool) or isinstance(ours, bool):
        return ours is theirs
    if isinstance(theirs, float) or (isinstance(ours, float) and isinstance(theirs, int)):
        return isinstance(ours, int | float) and math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-11)
    return bool(ours == theirs)
