"""One run: schemas one after the other, the same number of queries to each, differences collected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from tests.differential.pair import Difference, filled_pair
from tests.differential.queries import Queries
from tests.differential.schema import make_schema
from tests.fakes.influxd import Influxd

QUERIES_PER_SCHEMA = 125


async def compare_one_schema(
    server: Influxd, folder: Path, seed: int, goes_on: Callable[[int], bool] = lambda _: True
) -> tuple[int, list[Difference]]:
    """How many queries were compared over the schema of `seed`, and where the answers differ.

    `goes_on` is asked before each query how many were compared.
    """
    random = Random(seed)  # noqa: S311 - a seed that makes the same run again is what is wanted
    schema = make_schema(random)
    queries = Queries(schema, random)
    found: list[Difference] = []
    compared = 0
    async with filled_pair(server, folder, schema.bodies) as pair:
        while compared < QUERIES_PER_SCHEMA and goes_on(compared):
            difference = await pair.compare(queries.make())
            compared += 1
            if difference is not None:
                found.append(difference)
    return compared, found


async def compare_many(server: Influxd, seed: int, goes_on: Callable[[int], bool]) -> tuple[int, list[Difference]]:
    """Schemas from `seed` on, as long as `goes_on` says so of the number of queries compared."""
    found: list[Difference] = []
    total = 0
    while goes_on(total):
        with TemporaryDirectory() as folder:
            count, differences = await compare_one_schema(server, Path(folder), seed, _behind(total, goes_on))
        total, seed = total + count, seed + 1
        found += differences
    return total, found


def _behind(total: int, goes_on: Callable[[int], bool]) -> Callable[[int], bool]:
    return lambda compared: goes_on(total + compared)
