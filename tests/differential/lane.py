"""One run: schemas one after the other, the same number of queries to each, differences collected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from store.embedded.recent.memory import Outcome
from tests.differential.pair import Difference, filled_pair
from tests.differential.queries import Queries
from tests.differential.schema import make_schema
from tests.fakes.influxd import Influxd

QUERIES_PER_SCHEMA = 125
BEHIND_CHANGES = 15
"""So many of them are asked after points were taken away, a few after each time."""
QUERIES_PER_CHANGE = 5
BROKEN_PER_SCHEMA = 30
"""Statements with a fault in how they are written, which come on top."""


@dataclass(frozen=True, slots=True)
class Compared:
    """How many queries were asked of both stores, how many answers came from memory, and which ones differ."""

    queries: int
    from_memory: int
    differences: list[Difference]


async def compare_one_schema(
    server: Influxd, folder: Path, seed: int, goes_on: Callable[[int], bool] = lambda _: True
) -> Compared:
    """Random queries over the schema of `seed`.

    `goes_on` is asked before each query how many were compared.
    """
    random = Random(seed)  # noqa: S311 - a seed that makes the same run again is what is wanted
    schema = make_schema(random)
    queries = Queries(schema, random)
    found: list[Difference | None] = []
    compared = 0
    async with filled_pair(server, folder, schema.bodies) as pair:
        broken = [queries.break_one() for _ in range(BROKEN_PER_SCHEMA if goes_on(0) else 0)]
        found += [await pair.compare_refusal(text) for text in broken]
        while compared < QUERIES_PER_SCHEMA and goes_on(compared):
            left = QUERIES_PER_SCHEMA - compared
            if left <= BEHIND_CHANGES and left % QUERIES_PER_CHANGE == 0:
                found.append(await pair.compare_refusal(queries.change()))
            text = queries.make()
            while left <= BEHIND_CHANGES and text.startswith("SHOW"):
                text = queries.make()  # InfluxDB goes on naming tags that are gone
            found.append(await pair.compare(text))
            compared += 1
        differences = [replace(one, seed=seed) for one in found if one is not None]
        return Compared(compared, pair.outcomes[Outcome.MEMORY], differences)


async def compare_many(
    server: Influxd, seed: int, goes_on: Callable[[int], bool], tell: Callable[[Difference], None]
) -> tuple[int, list[Difference]]:
    """Schemas from `seed` on, as long as `goes_on` says so of the number of queries compared; `tell` hears at once."""
    found: list[Difference] = []
    total = 0
    while goes_on(total):
        with TemporaryDirectory() as folder:
            one = await compare_one_schema(server, Path(folder), seed, _behind(total, goes_on))
        total, seed = total + one.queries, seed + 1
        found += one.differences
        for difference in one.differences:
            tell(difference)
    return total, found


def _behind(total: int, goes_on: Callable[[int], bool]) -> Callable[[int], bool]:
    return lambda compared: goes_on(total + compared)
