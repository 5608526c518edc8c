"""Equal questions asked at once: one run for all of them, never an answer older than the question."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from collector.intake.metrics import QueryMetrics
from collector.intake.sharing import Sharing
from store.contract import StatementResult
from store.errors import QueryLimitExceeded

DEADLINE_S = 30.0
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.sampled_from("ab")),
        st.tuples(st.just("leave"), st.integers(0, 30)),
        st.tuples(st.just("end"), st.integers(0, 30)),
        st.tuples(st.just("fail"), st.integers(0, 30)),
    ),
    max_size=40,
)


class HeldReader:
    """Answers when it is told to, with the moment at which it looked; moments are counted up by whoever asks."""

    def __init__(self) -> None:
        self.moment = 0
        self.under_way: list[tuple[tuple[str, str, float], int, asyncio.Future[None]]] = []
        self.runs: Counter[str] = Counter()
        self.taken_back: Counter[str] = Counter()

    async def query(self, influxql: str, db: str, *, deadline_s: float = DEADLINE_S) -> tuple[StatementResult, ...]:
        question = (influxql, db, deadline_s)
        assert question not in [other for other, _, _ in self.under_way], "two runs of one question"
        held = (question, self.moment, asyncio.get_running_loop().create_future())
        self.runs[influxql] += 1
        self.under_way.append(held)
        try:
            await held[2]
        except asyncio.CancelledError:
            self.taken_back[influxql] += 1
            raise
        finally:
            self.under_way.remove(held)
        return (StatementResult(held[1]),)

    async def buckets(self) -> tuple[str, ...]:
        return ()


class Desk:
    """A sharing, who asks it, and when each of them asked."""

    def __init__(self) -> None:
        self.reader = HeldReader()
        self.registry = CollectorRegistry()
        self.sharing = Sharing(self.reader, QueryMetrics(self.registry))
        self.askers: list[tuple[int, asyncio.Task[tuple[StatementResult, ...]]]] = []
        self.left: set[int] = set()

    async def ask(self, text: str) -> None:
        self.reader.moment += 1
        asked = self.sharing.query(text, "db", deadline_s=DEADLINE_S)
        self.askers.append((self.reader.moment, asyncio.ensure_future(asked)))
        await settle()

    async def leave(self, number: int) -> None:
        if self.askers:
            self.left.add(number % len(self.askers))
            self.askers[number % len(self.askers)][1].cancel()
        await settle()

    async def end(self, number: int, error: Exception | None = None) -> None:
        self.reader.moment += 1
        if self.reader.under_way:
            held = self.reader.under_way[number % len(self.reader.under_way)][2]
            if not held.done():
                held.set_exception(error) if error else held.set_result(None)
        await settle()

    async def end_all(self) -> None:
        while self.reader.under_way:
            await self.end(0)

    def count(self, name: str) -> float:
        return self.registry.get_sample_value(name) or 0.0


async def settle() -> None:
    """Let everything that can go on go on."""
    for _ in range(12):
        await asyncio.sleep(0)


def at_a_desk(work: Callable[[Desk], Coroutine[None, None, None]]) -> None:
    async def run() -> None:
        await work(Desk())

    asyncio.run(run())


@settings(max_examples=150)
@given(STEPS)
def test_nobody_sees_an_answer_older_than_the_question(steps: list[tuple[str, str | int]]) -> None:
    """Whoever asks, leaves or fails in whatever order: who stays is answered, from a look after the question."""

    async def play(desk: Desk) -> None:
        for step, what in steps:
            if isinstance(what, str):
                await desk.ask(what)
            elif step == "leave":
                await desk.leave(what)
            else:
                await desk.end(what, QueryLimitExceeded("too much") if step == "fail" else None)
        await desk.end_all()
        for number, (asked, task) in enumerate(desk.askers):
            assert task.done()
            if task.cancelled():
                assert number in desk.left
            elif task.exception() is None:
                assert task.result()[0].statement_id >= asked
            else:
                assert isinstance(task.exception(), QueryLimitExceeded)
        assert desk.count("tocsin_queries_running") == 0
        assert desk.reader.runs.total() + desk.count("tocsin_shared_queries_total") <= len(desk.askers)

    at_a_desk(play)


async def test_many_boards_cost_two_runs() -> None:
    """The first question runs at once; all that come while it does share the next run."""
    desk = Desk()
    for _ in range(50):
        await desk.ask("a")
    assert desk.reader.runs["a"] == 1
    await desk.end_all()
    assert [await task for _, task in desk.askers] == [(StatementResult(1),), *[(StatementResult(51),)] * 49]
    assert desk.reader.runs["a"] == 2
    assert desk.count("tocsin_shared_queries_total") == 48


async def test_different_questions_do_not_wait_for_each_other() -> None:
    """Another text, database or deadline is another question."""
    desk = Desk()
    questions = [("a", "db", DEADLINE_S), ("b", "db", DEADLINE_S), ("a", "other", DEADLINE_S), ("a", "db", 1.0)]
    asked = [asyncio.ensure_future(desk.sharing.query(text, db, deadline_s=s)) for text, db, s in questions]
    await settle()
    assert desk.count("tocsin_queries_running") == 4
    await desk.end_all()
    await asyncio.gather(*asked)


async def test_who_leaves_takes_nothing_from_the_others() -> None:
    """A run is taken back when the last of its askers leaves, and not before."""
    desk = Desk()
    for _ in range(3):
        await desk.ask("a")
    await desk.leave(1)
    await desk.end(0)
    assert desk.reader.runs["a"] == 2
    assert desk.reader.taken_back["a"] == 0
    await desk.leave(2)
    assert desk.reader.taken_back["a"] == 1
    assert desk.reader.under_way == []
    await desk.ask("a")
    await desk.end_all()
    assert await desk.askers[3][1] == (StatementResult(desk.askers[3][0]),)


async def test_an_error_is_everybodys_who_asked_for_it() -> None:
    """All of one run get it; the next question asks again."""
    desk = Desk()
    await desk.ask("a")
    for _ in range(2):
        await desk.ask("a")
    await desk.end(0)
    await desk.end(0, QueryLimitExceeded("too much"))
    for _, task in desk.askers[1:]:
        with pytest.raises(QueryLimitExceeded):
            await task
    await desk.ask("a")
    await desk.end(0)
    assert len(await desk.askers[3][1]) == 1
