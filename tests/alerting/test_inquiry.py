"""Recipes are asked one by one or by few scans; the fake reader answers a rule's question as a real store does."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from isal import igzip
from prometheus_client import CollectorRegistry

from alerting.inquiry import Answers, Round, ask, rounds
from alerting.rules.query import NothingThere, Question, bound, nanoseconds, read_query
from alerting.rules.recipe import Combination, Part, Recipe
from foundation.batch import Position, Shipment
from foundation.clock import SystemClock
from store.catalog import build
from store.contract import Reader, Series, StatementResult
from store.embedded.store import EmbeddedConfig
from store.errors import QueryLimitExceeded
from tests.fakes.reader import FakeReader, dawdle

AT = datetime(2026, 1, 1, tzinfo=UTC)
LINES = f"m,host=a cpu=95 {nanoseconds(AT)}\nm,host=b cpu=5 {nanoseconds(AT)}\nm cpu=7 {nanoseconds(AT)}\n"


def recipe(bucket: str = "telemetry") -> Recipe:
    parts = bound(read_query("SELECT mean(cpu) FROM m GROUP BY host"))
    return Recipe(Part(Question(parts, bucket, timedelta(minutes=1), timedelta(minutes=1))))


@pytest.fixture(params=["fake", "embedded"])
async def reader(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Reader]:
    if request.param == "fake":
        yield FakeReader(lambda at: {"a": 95.0, "b": 5.0, "": 7.0} if at == AT else {})
        return
    store = build(EmbeddedConfig(), state=tmp_path, clock=SystemClock(), registry=CollectorRegistry())
    await store.open()
    body = LINES.encode()
    await store.write(Shipment("telemetry", igzip.compress(body), 3), Position("log", "telemetry", len(body)))
    yield store
    await store.close()


async def test_values_by_labels(reader: Reader):
    """Each series has its value; a missing tag is no label."""
    assert await ask(reader, recipe(), AT) == {(("host", "a"),): 95.0, (("host", "b"),): 5.0, (): 7.0}


async def test_the_window_is_open_on_the_left(reader: Reader):
    """A minute later the points at the left edge are out of the window, and there is no series."""
    assert await ask(reader, recipe(), AT + timedelta(minutes=1)) == {}


async def test_no_such_bucket(reader: Reader):
    """A bucket that does not exist is told from an empty answer."""
    with pytest.raises(NothingThere, match="database not found: nosuch"):
        await ask(reader, recipe("nosuch"), AT)


def a_part(value: str = "mean(cpu)", where: str = "", ago: timedelta = timedelta(0)) -> Part:
    select = read_query(f"SELECT {value} FROM m {where} GROUP BY host")  # noqa: S608 - InfluxQL of the tests below
    return Part(Question(bound(select), "telemetry", timedelta(minutes=1), timedelta(minutes=1), select), ago)


class Store:
    """Answers each column with 1, but none of `slow` in time and none of `bad` at all; it remembers what was asked."""

    def __init__(self, *, slow: str = "none", bad: str = "none") -> None:
        self.slow, self.bad = slow, bad
        self.asked: list[str] = []

    async def query(self, influxql: str, db: str, *, deadline_s: float = 30.0) -> tuple[StatementResult, ...]:
        del db, deadline_s
        fields = influxql.removeprefix("SELECT ").partition(" FROM ")[0]
        self.asked.append(fields)
        if self.slow in fields:
            raise QueryLimitExceeded("the query was stopped after 30 s")
        if self.bad in fields:
            return (StatementResult(0, error=f"not for {self.bad}"),)
        columns = fields.split("), ")
        return (StatementResult(0, (Series("m", ("time", *columns), [[0, *[1.0 for _ in columns]]], {"host": "a"}),)),)

    async def buckets(self) -> tuple[str, ...]:
        return ("telemetry",)


MEAN, MAX, MIN = a_part("mean(cpu)"), a_part("max(cpu)"), a_part("min(cpu)")
ONE = {(("host", "a"),): 1.0}


def a_round(*parts: Part) -> Round:
    (one,) = rounds(Recipe(part) for part in parts)
    return one


async def asked(one: Round, store: Store) -> Answers:
    store.asked.clear()
    return await one.ask(store, AT, asyncio.Semaphore(2))


async def test_a_scan_that_fails_is_asked_again_part_by_part():
    """One bad question does not blind the others, its own rule is told why, and from then on it is asked alone."""
    one, store = a_round(MEAN, MAX, MIN), Store(bad="max")

    answers = await asked(one, store)

    assert store.asked == ["mean(cpu), max(cpu), min(cpu)", "mean(cpu)", "max(cpu)", "min(cpu)"]
    assert (answers[MEAN], answers[MIN]) == (ONE, ONE)
    assert str(answers[MAX]) == "not for max"
    answers = await asked(one, store)
    assert store.asked == ["mean(cpu), min(cpu)", "max(cpu)"]
    assert (answers[MEAN], answers[MIN], str(answers[MAX])) == (ONE, ONE, "not for max")


async def test_a_scan_that_takes_too_long_is_taken_apart_the_next_time():
    """There is no time left to ask again at once: the next time tells who is slow."""
    one, store = a_round(MEAN, MAX, MIN), Store(slow="max")

    answers = await asked(one, store)

    assert len(store.asked) == 1
    assert all(isinstance(answer, QueryLimitExceeded) for answer in answers.values())
    answers = await asked(one, store)
    assert (answers[MEAN], answers[MIN]) == (ONE, ONE)
    assert isinstance(answers[MAX], QueryLimitExceeded)
    await asked(one, store)
    assert store.asked == ["mean(cpu), min(cpu)", "max(cpu)"]


async def test_a_store_that_was_slow_is_asked_by_few_scans_again():
    """Where all parts are answered by themselves, they are folded again."""
    one, store = a_round(MEAN, MAX), Store(slow="mean")
    await asked(one, store)
    store.slow = "none"
    await asked(one, store)

    answers = await asked(one, store)

    assert store.asked == ["mean(cpu), max(cpu)"]
    assert answers == {MEAN: ONE, MAX: ONE}


def test_recipes_that_share_a_scan_share_a_round():
    """A ratio ties the scans of its two parts together; what shares nothing has a round of its own."""
    other = read_query("SELECT mean(cpu) FROM n GROUP BY host")
    elsewhere = Part(Question(bound(other), "telemetry", timedelta(minutes=1), timedelta(minutes=1), other))
    before = a_part("max(cpu)", ago=timedelta(hours=1))
    compared = Recipe(MEAN, before, Combination.DIFFERENCE)

    made = rounds([Recipe(MAX), compared, Recipe(elsewhere)])

    assert [one.plans for one in made] == [(Recipe(MAX), compared), (Recipe(elsewhere),)]
    assert [len(one.scans) for one in made] == [2, 1]


class ManyAtOnce(Store):
    """Answers every statement of a text, up to the first that fails, as InfluxDB does."""

    async def query(self, influxql: str, db: str, *, deadline_s: float = 30.0) -> tuple[StatementResult, ...]:
        self.asked.append(influxql)
        if self.slow in influxql and ";" in influxql:
            raise QueryLimitExceeded("the query was stopped after 1 s")
        results: list[StatementResult] = []
        for text in influxql.split("; "):
            single = Store(bad=self.bad)
            (result,) = await single.query(text, db, deadline_s=deadline_s)
            if result.error is not None and ";" in influxql:
                return (*results, StatementResult(len(results), error="not executed"))
            results.append(result)
        return tuple(results)


OTHER = a_part("mean(cpu)", "WHERE v > 1")


async def test_scans_that_were_quick_share_a_query():
    """What was answered alone is asked as one text of several statements from then on, with the same values."""
    one, store = a_round(MEAN, MAX, OTHER), ManyAtOnce()

    apart, together = await asked(one, store), await asked(one, store)

    assert apart == together == {MEAN: ONE, MAX: ONE, OTHER: ONE}
    (text,) = store.asked
    assert text.count("SELECT") == 2
    assert len(one.scans) == 2


async def test_a_bad_statement_costs_the_others_nothing():
    """Where one of several statements fails, each scan is asked by itself at once; the bad one stays alone."""
    store = ManyAtOnce()
    one = a_round(MEAN, OTHER, a_part("max(cpu)", "WHERE v > 2"))
    await asked(one, store)
    store.bad = "max"

    answers = await asked(one, store)

    assert (answers[MEAN], answers[OTHER]) == (ONE, ONE)
    assert [str(answer) for answer in answers.values() if isinstance(answer, Exception)] == ["not for max"]
    assert [text.count("SELECT") for text in store.asked] == [3, 1, 1, 1]
    await asked(one, store)
    assert sorted(text.count("SELECT") for text in store.asked) == [1, 2]


async def test_a_query_of_many_that_takes_too_long_is_taken_apart():
    """There is no time left to ask again: the next time each is asked by itself, and later together again."""
    store = ManyAtOnce()
    one = a_round(MEAN, OTHER)
    await asked(one, store)
    store.slow = "mean"

    answers = await asked(one, store)

    assert {type(answer) for answer in answers.values()} == {QueryLimitExceeded}
    assert await asked(one, store) == {MEAN: ONE, OTHER: ONE}
    assert len(store.asked) == 2


async def test_an_answer_of_another_length_is_no_answer():
    """A store that answers fewer statements than were asked is asked for each."""
    store = Store()
    one = a_round(MEAN, OTHER)
    for _ in range(2):
        assert await asked(one, store) == {MEAN: ONE, OTHER: ONE}
    assert len(store.asked) == 3


class Sleepy(ManyAtOnce):
    """Takes half a second of the loop's time for each text."""

    async def query(self, influxql: str, db: str, *, deadline_s: float = 30.0) -> tuple[StatementResult, ...]:
        await dawdle(0.5)
        return await super().query(influxql, db, deadline_s=deadline_s)


@pytest.mark.looptime
async def test_scans_that_lasted_stay_apart():
    """Together they may last a quarter of their time: two that lasted half a second each of a second may not."""
    parts = [replace(part, question=replace(part.question, every=timedelta(seconds=1))) for part in (MEAN, OTHER)]
    store = Sleepy()
    one = a_round(*parts)
    for _ in range(3):
        await asked(one, store)
        assert len(store.asked) == 2
