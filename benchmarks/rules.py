"""Many rules on many series: the real evaluator asks the real embedded store each second, while lines come in.

One process on one core holds it all: the load (10 000 lines a second over 20 measurements), the store, the evaluator
and the memory of alerts. Where other work runs beside, the CPU time of this process tells more than missed ticks do.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psutil
from isal import igzip
from prometheus_client import CollectorRegistry

from alerting.alert import Evaluation
from alerting.concluding import Plan
from alerting.contract import Recorder
from alerting.dispatcher import Dispatcher, Equipment
from alerting.evaluator import Evaluator
from alerting.inquiry import rounds, values
from alerting.lag import NeverBehind
from alerting.memory.sqlite import SqliteMemory
from alerting.metrics import DispatchMetrics, EvaluatorMetrics
from alerting.rules.recipe import Recipe, Values
from alerting.send import Pace, Sender
from alerting.watch import Watch
from benchmarks.contract import Wish
from benchmarks.figures import Figure
from benchmarks.process import one_core
from benchmarks.traffic import PARTS, RATE, Traffic, thousand_rules
from foundation.batch import Position, Shipment
from foundation.clock import SystemClock
from store.contract import Reader, StatementResult
from store.embedded.store import EmbeddedConfig, EmbeddedStore

_HISTORY_S = 300
_SETTLE_S, _PAUSE_S, _FIRST, _QUIET_S = 120.0, 0.1, 3, 5.0
_MEMORY_LIMIT = "256MB"
"""Of DuckDB's buffers; what it would keep of lines of an hour ago is not what this measures."""
_SECOND = timedelta(seconds=1)
_BUCKET = "telemetry"
_TURNS, _WATCHES = 12, 50


def measure(wish: Wish) -> Iterator[Figure]:
    """Ticks missed, the time of a tick by part, memory; then what deciding costs by itself."""
    quick = Wish(quick=True, seconds=3.0, rules=40, series=10)
    wish = quick if wish.quick else wish
    with one_core(), tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        yield from asyncio.run(_evaluate(Path(folder), wish))
    yield from _decide_alone(wish)


@dataclass(slots=True)
class _Timed:
    """How often something was done, and how long that took by the clock, waiting among it."""

    times: int = 0
    seconds: float = 0.0

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.times += 1
            self.seconds += time.perf_counter() - started


class _TimedReader:
    """A reader, with its time taken."""

    def __init__(self, inner: Reader) -> None:
        self.taken = _Timed()
        self._inner = inner

    async def query(self, influxql: str, db: str, *, deadline_s: float = 30.0) -> tuple[StatementResult, ...]:
        with self.taken.one():
            return await self._inner.query(influxql, db, deadline_s=deadline_s)

    async def buckets(self) -> tuple[str, ...]:
        return await self._inner.buckets()


class _Patient:
    """A reader whose queries may take their time: what is measured is CPU time, and other work may run beside."""

    def __init__(self, inner: Reader) -> None:
        self._inner = inner

    async def query(self, influxql: str, db: str, *, deadline_s: float = 30.0) -> tuple[StatementResult, ...]:
        return await self._inner.query(influxql, db, deadline_s=max(deadline_s, _SETTLE_S))

    async def buckets(self) -> tuple[str, ...]:
        return await self._inner.buckets()


class _TimedRecorder:
    """A recorder, with its time taken, and how many transitions it was told."""

    def __init__(self, inner: Recorder) -> None:
        self.taken = _Timed()
        self.transitions = 0
        self._inner = inner

    async def record(self, evaluation: Evaluation, *, now: datetime) -> None:
        self.transitions += len(evaluation.transitions)
        with self.taken.one():
            await self._inner.record(evaluation, now=now)


async def _evaluate(folder: Path, wish: Wish) -> list[Figure]:
    clock, process, answers = SystemClock(), psutil.Process(), Counter[str]()
    store = _store_in(folder, clock, answers)
    await store.open()
    load = _Load(store, Traffic(wish.series))
    await load.past(int(time.time()), 10 if wish.quick else _HISTORY_S)
    loading = asyncio.create_task(load.run(), name="load")
    alone = await _cpu_share(2.0)
    async with _recorder(folder, clock) as recorder:
        reader, registry = _TimedReader(store), CollectorRegistry()
        idle_bytes = process.memory_info().rss
        evaluator = Evaluator(
            thousand_rules(wish.rules),
            {},
            reader=reader,
            recorder=recorder,
            lag=NeverBehind(),
            clock=clock,
            metrics=EvaluatorMetrics(registry),
        )
        evaluating = asyncio.create_task(evaluator.run(), name="evaluate")
        await _until_known(registry, wish.rules)
        await _until_steady(registry)
        answers.clear()
        before, missed = _Marks.of(registry, reader, recorder), _missed(registry)
        share = await _cpu_share(wish.seconds)
        after = _Marks.of(registry, reader, recorder)
        missed = _missed(registry) - missed
        bytes_now = process.memory_info().rss
        series = sum(status.series for status in evaluator.statuses())
        remembered = _remembered(answers, store)
        for task in (evaluating, loading):
            task.cancel()
        await asyncio.gather(evaluating, loading, return_exceptions=True)
        parts = await _by_part(_Patient(store), recorder, wish)
    await store.close()
    made = after.made - before.made
    ticks = max(made / wish.rules, 1.0)
    name = f"{wish.rules} rules, {series} series"
    return [
        Figure(f"{name}: evaluations missed", missed, "evaluations", "0"),
        Figure(f"{name}: evaluations failed", after.failed - before.failed, "evaluations", "0"),
        Figure("evaluations made each second", made / wish.seconds, "1/s", f"{wish.rules}"),
        Figure("seconds evaluated", wish.seconds, "s", "600"),
        Figure("CPU time of a second, load and all", share, "s", "< 1 s"),
        Figure(
            f"CPU time of {wish.rules} evaluations, load apart", (share - alone) * wish.seconds / ticks, "s", "< 1 s"
        ),
        Figure("CPU time of a second of load alone", alone, "s"),
        *remembered,
        Figure("queries in a tick", (after.queries - before.queries) / ticks, "queries"),
        Figure("waiting for queries in a tick, added up", (after.query_s - before.query_s) / ticks, "s"),
        Figure("transitions in a tick", (after.transitions - before.transitions) / ticks, "transitions"),
        Figure("recording in a tick, added up", (after.record_s - before.record_s) / ticks, "s"),
        Figure("lines a second meanwhile", load.rate, "lines/s", f"{RATE}"),
        Figure("resident memory", bytes_now, "bytes", "< 500 M"),
        Figure("of that, since rules are evaluated", bytes_now - idle_bytes, "bytes"),
        *(Figure(f"one tick, nothing beside it: {name}", spent, "s CPU") for name, spent in parts.items()),
        Figure("one tick, nothing beside it", sum(parts.values()), "s CPU", "< 1 s"),
    ]


def _store_in(folder: Path, clock: SystemClock, answers: Counter[str]) -> EmbeddedStore:
    """A store that counts where its answers come from."""
    config = EmbeddedConfig(memory_limit=_MEMORY_LIMIT)
    return EmbeddedStore(config, state=folder, clock=clock, on_question=lambda outcome: answers.update([outcome]))


def _remembered(answers: Counter[str], store: EmbeddedStore) -> Sequence[Figure]:
    return [
        Figure("SELECTs answered from memory", answers["memory"] / max(answers.total(), 1), "of all"),
        Figure("rows kept in memory", store.recent_bytes, "bytes", "< 128 M"),
    ]


async def _by_part(store: Reader, recorder: Recorder, wish: Wish) -> dict[str, float]:
    """CPU seconds of one tick, one thing after another, so that each part can be told apart."""
    watches: dict[Plan, list[Watch]] = {}
    for rule in thousand_rules(wish.rules):
        watches.setdefault(rule.recipe, []).append(Watch(rule))
    made, slots, clock = rounds(watches), asyncio.Semaphore(1), SystemClock()
    newest = clock.now().replace(microsecond=0)
    spent = _Spent()
    for at in (newest - _SECOND, newest):  # the first one makes the series known
        spent = _Spent()
        for one in made:
            answers = await one.ask(store, at, slots)
            spent.on("asking the store, and reading its answers")
            found = {plan: values(plan, answers) for plan in one.plans if isinstance(plan, Recipe)}
            spent.on("combining")
            decisions = [
                (watch, watch.decide(found[plan], at, behind=False)) for plan in found for watch in watches[plan]
            ]
            spent.on("deciding")
            for watch, decision in decisions:
                if not decision.is_empty:
                    await recorder.record(decision.evaluation, now=clock.now())
                watch.accept(decision)
            spent.on("recording")
    return spent.parts


class _Spent:
    """CPU seconds, by what they were spent on."""

    def __init__(self) -> None:
        self.parts: dict[str, float] = {}
        self._since = time.process_time()

    def on(self, part: str) -> None:
        """What was spent since the last time went into this part."""
        now = time.process_time()
        self.parts[part] = self.parts.get(part, 0.0) + now - self._since
        self._since = now


@dataclass(frozen=True, slots=True)
class _Marks:
    """What has been done so far."""

    made: float
    failed: float
    queries: int
    query_s: float
    transitions: int
    record_s: float

    @classmethod
    def of(cls, registry: CollectorRegistry, reader: _TimedReader, recorder: _TimedRecorder) -> _Marks:
        name = "tocsin_alerting_evaluations_total"
        made, failed = (registry.get_sample_value(name, {"outcome": outcome}) or 0.0 for outcome in ("ok", "failed"))
        return cls(made, failed, reader.taken.times, reader.taken.seconds, recorder.transitions, recorder.taken.seconds)


def _missed(registry: CollectorRegistry) -> float:
    name = "tocsin_alerting_evaluations_missed_total"
    return sum(registry.get_sample_value(name, {"reason": reason}) or 0.0 for reason in ("late", "overlap"))


async def _until_known(registry: CollectorRegistry, rules: int) -> None:
    """Until every rule was evaluated a few times: the first evaluations make the series known and store them."""
    name, end = "tocsin_alerting_evaluations_total", time.monotonic() + _SETTLE_S
    while time.monotonic() < end:
        if (registry.get_sample_value(name, {"outcome": "ok"}) or 0.0) >= _FIRST * rules:
            return
        await asyncio.sleep(_PAUSE_S)


async def _until_steady(registry: CollectorRegistry) -> None:
    """Until no evaluation was missed for some seconds: by then the store knows which rows are asked again and again."""
    for _ in range(int(_SETTLE_S / _QUIET_S)):
        missed = _missed(registry)
        await asyncio.sleep(_QUIET_S)
        if _missed(registry) == missed:
            return


async def _cpu_share(seconds: float) -> float:
    """CPU seconds of this process in a second, over some seconds."""
    started, spent = time.perf_counter(), time.process_time()
    await asyncio.sleep(seconds)
    return (time.process_time() - spent) / (time.perf_counter() - started)


@contextlib.asynccontextmanager
async def _recorder(folder: Path, clock: SystemClock) -> AsyncIterator[_TimedRecorder]:
    memory, metrics = SqliteMemory(folder / "alerting.sqlite"), DispatchMetrics(CollectorRegistry())
    await memory.open()
    sender = Sender(memory, clock=clock, metrics=metrics, luck=lambda: 0.0, pace=Pace())
    dispatcher = Dispatcher(memory, sender, clock=clock, metrics=metrics)
    await dispatcher.open(Equipment())
    loop = asyncio.create_task(dispatcher.run(), name="flush")
    try:
        yield _TimedRecorder(dispatcher)
    finally:
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)
        await memory.close()


class _Load:
    """Writes lines as they would come from delivery, two shipments a second."""

    def __init__(self, store: EmbeddedStore, traffic: Traffic) -> None:
        self._store, self._traffic = store, traffic
        self._offset, self._lines, self._seconds = 0, 0, 0.0

    @property
    def rate(self) -> float:
        """Lines a second, of those that came in time."""
        return self._lines / self._seconds if self._seconds else 0.0

    async def past(self, until: int, seconds: int) -> None:
        """The lines of the seconds before `until`."""
        for second in range(until - seconds, until):
            await self._write(b"".join(self._traffic.parts(second)), RATE)

    async def run(self) -> None:
        """The lines of each part of a second, once it is over."""
        started = time.perf_counter()
        second = int(time.time()) + 1
        while True:
            for part, body in enumerate(self._traffic.parts(second), start=1):
                await asyncio.sleep(second + part / PARTS - time.time())
                await self._write(body, RATE // PARTS)
                self._lines, self._seconds = self._lines + RATE // PARTS, time.perf_counter() - started
            second += 1

    async def _write(self, body: bytes, lines: int) -> None:
        self._offset += 1
        shipment = Shipment(_BUCKET, igzip.compress(body, 1), lines)
        verdict = await self._store.write(shipment, Position("benchmark", _BUCKET, self._offset))
        if verdict.stored != lines:
            raise RuntimeError(f"lines were refused: {verdict.refused[:1]}")


def _decide_alone(wish: Wish) -> Sequence[Figure]:
    """What a decision costs when all is well, and when every series is firing; nothing is asked or recorded."""
    (rule,) = thousand_rules(1)
    at, process = SystemClock().now(), psutil.Process()
    figures = []
    for name, value in (("all is well", 1.0), ("all are firing", 1e9)):
        watches, spent, before = [Watch(rule) for _ in range(_WATCHES)], 0.0, process.memory_info().rss
        for turn in range(_TURNS):
            for own, watch in enumerate(watches):
                answer: Values = {
                    (("host", f"h{own}-{number}"),): value + turn % 7 + number / 7 for number in range(wish.series)
                }
                started = time.process_time()
                watch.accept(watch.decide(answer, at + _SECOND * turn, behind=False))
                spent += time.process_time() - started if turn else 0.0
        count = _WATCHES * wish.series
        figures += [
            Figure(f"deciding about one series, {name}", spent / (_TURNS - 1) / count * 1e6, "us CPU"),
            Figure(
                f"resident memory of one alert, {name}", (process.memory_info().rss - before) / count, "bytes", "< 5 k"
            ),
        ]
    return figures
