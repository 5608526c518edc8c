"""Two thousand queries, always the same ones, to the embedded store and to a real InfluxDB."""

from pathlib import Path
from random import Random

import pytest

from tests.differential.constructs import count_constructs
from tests.differential.known import KNOWN, UNCHECKED, Known
from tests.differential.lane import QUERIES_PER_SCHEMA, compare_one_schema
from tests.differential.pair import equal, filled_pair
from tests.differential.queries import Queries
from tests.differential.schema import make_schema
from tests.fakes.influxd import Influxd
from tests.fakes.servers import ROOT

SEEDS = range(16)
LEAST = 5
"""In so many of the seeded queries each part of the grammar has to stand."""
TRIES = 200
"""Of a query that InfluxDB answers right by chance."""


def test_the_set_is_as_large_as_promised() -> None:
    """The seeds together make two thousand queries."""
    assert len(SEEDS) * QUERIES_PER_SCHEMA == 2_000


def test_every_part_of_the_grammar_is_asked_for() -> None:
    """Each function, clause and statement stands in several of the seeded queries."""
    asked: list[str] = []
    for seed in SEEDS:
        random = Random(seed)  # noqa: S311 - the same queries every time
        queries = Queries(make_schema(random), random)
        asked += [queries.make() for _ in range(QUERIES_PER_SCHEMA)]
    counts = count_constructs(asked)
    assert {name: count for name, count in counts.items() if count < LEAST} == {}


@pytest.mark.parametrize("seed", SEEDS)
async def test_answers_are_equal(influxd: Influxd, tmp_path: Path, seed: int) -> None:
    """The same lines, the same queries, the same answers, floats to 1e-9, those from memory among them."""
    compared = await compare_one_schema(influxd, tmp_path, seed)
    assert compared.queries == QUERIES_PER_SCHEMA
    assert not compared.differences, "\n".join(map(str, compared.differences))
    assert compared.from_memory >= LEAST


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.reason)
async def test_what_is_known_to_differ_still_does(influxd: Influxd, tmp_path: Path, known: Known) -> None:
    """A known difference that is none any more leaves the list."""
    async with filled_pair(influxd, tmp_path, [known.lines]) as pair:
        if known.before:
            await pair.compare(known.before)
        for _ in range(TRIES if known.by_chance else 1):
            if await pair.compare(known.query) is not None:
                return
    pytest.fail("both answer the same by now")


def test_every_difference_is_told() -> None:
    """The page has a row for each, and no row that no query is held to, unless there is a reason."""
    page = (ROOT / "docs" / "influxql.md").read_text().partition("## Where answers differ")[2].partition("\n## ")[0]
    rows = {line.split(" | ")[0].removeprefix("| ") for line in page.splitlines() if line.startswith("| ")}
    assert rows - {"query"} == {known.told for known in KNOWN} | UNCHECKED.keys()


def test_one_seed_is_one_run() -> None:
    """A difference is found again from its seed."""
    first, second = Random(7), Random(7)  # noqa: S311 - the same numbers again are what is wanted
    one, other = make_schema(first), make_schema(second)
    assert one == other
    ours, theirs = Queries(one, first), Queries(other, second)
    assert [ours.make() for _ in range(50)] == [theirs.make() for _ in range(50)]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [([1.0], [1.1]), ([True], [1]), ([1], [None]), ([], [[]]), (["1"], [1]), ([0, 1], [1, 0]), ("error", [])],
)
def test_what_is_not_equal(ours: object, theirs: object) -> None:
    """The comparison tells values, types, orders and errors apart."""
    assert not equal(ours, theirs)
    assert not equal(theirs, ours)
