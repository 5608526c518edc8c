"""The real intake on a free loopback port, with a buffer and a store in memory behind it."""

import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from prometheus_client import CollectorRegistry

from collector.check.catalog import ChecksConfig
from collector.check.catalog import build as build_checks
from collector.check.field_types import FieldTypes, FieldTypesConfig
from collector.check.pins import PinFile
from collector.dead.box import DeadConfig, DeadLetters
from collector.decode.catalog import build as build_decoders
from collector.decode.json_telemetry import JsonTelemetryConfig
from collector.intake.buckets import Buckets
from collector.intake.health import Readiness
from collector.intake.http import Intake, IntakeConfig
from collector.intake.limits import LimitsConfig
from collector.intake.refusals import Refusals
from collector.metrics import DeadLetterMetrics
from collector.pipeline import BadLines, Pipeline
from collector.tokens import TokenBook
from foundation.batch import FieldType
from foundation.clock import Clock
from foundation.tls import load
from foundation.web import Listening
from store.contract import Copied, StatementResult, StoreStanding
from tests.fakes.buffer import MemoryBuffer
from tests.fakes.buffers import Incidents
from tests.fakes.clock import ManualClock

NOW_NS = 1767225600_000_000_000
"""What ManualClock shows at first: 2026-01-01."""


class AskedStore:
    """A reader that answers what the test put there; `away` is raised instead."""

    def __init__(self) -> None:
        self.results: tuple[StatementResult, ...] = (StatementResult(0),)
        self.names: tuple[str, ...] = ("telemetry",)
        self.types: dict[str, Mapping[str, Mapping[str, FieldType]]] = {}
        self.away: Exception | None = None
        self.queries: list[tuple[str, str, float]] = []
        self.asked = 0
        self.at_hand: dict[tuple[str, str], tuple[StatementResult, ...]] = {}
        self.makes_buckets = True
        self.made: list[str] = []
        self.ids: dict[str, str] = {}
        self.stands = StoreStanding()
        self.copied = Copied(Path("copies/1.duckdb"), {"telemetry": {"m": 3}})

    def query_at_once(self, influxql: str, db: str) -> tuple[StatementResult, ...] | None:
        return self.at_hand.get((influxql, db))

    async def query(self, influxql: str, db: str, *, deadline_s: float = 30.0) -> tuple[StatementResult, ...]:
        self.queries.append((influxql, db, deadline_s))
        if self.away:
            raise self.away
        return self.results

    async def copy(self) -> Copied:
        if self.away:
            raise self.away
        return self.copied

    def standing(self) -> StoreStanding:
        return self.stands

    async def buckets(self) -> tuple[str, ...]:
        self.asked += 1
        if self.away:
            raise self.away
        return self.names

    async def find_bucket(self, text: str) -> str | None:
        self.asked += 1
        if self.away:
            raise self.away
        return self.ids.get(text.lower(), text if text in self.names else None)

    async def make_bucket(self, bucket: str) -> None:
        if self.away:
            raise self.away
        self.made.append(bucket)

    async def field_types(self, bucket: str) -> Mapping[str, Mapping[str, FieldType]]:
        if self.away:
            raise self.away
        return self.types.get(bucket, {})


@dataclass
class RunningIntake:
    url: str
    session: aiohttp.ClientSession
    buffer: MemoryBuffer
    store: AskedStore
    tokens: TokenBook
    registry: CollectorRegistry
    clock: ManualClock
    dead: DeadLetters
    refusals: Refusals
    intake: Intake | None = None
    readiness: list[Readiness] = field(default_factory=lambda: [Readiness("ready", 0, 0.0)])

    async def post(self, path: str, body: bytes = b"", **headers: str) -> "Answer":
        """POST and read the whole answer; `_` in a header's name stands for `-`."""
        return await self.ask("POST", path, body, **headers)

    async def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> "Answer":
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else io.BytesIO(body)
        async with self.session.request(method, self.url + path, data=data, headers=sent) as response:
            return Answer(response.status, dict(response.headers), await response.read())

    def count(self, name: str, **labels: str) -> float:
        """A metric's value, 0 where it was never counted."""
        return self.registry.get_sample_value(name, labels) or 0.0


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


async def open_pipeline(
    folder: Path, clock: Clock, store: AskedStore | None = None, bad_lines: BadLines = BadLines.KEEP
) -> Pipeline:
    """The real pipeline, with its pins in `folder`."""
    guard = await open_guard(folder, clock, store or AskedStore())
    return make_pipeline(guard, bad_lines)


async def open_guard(folder: Path, clock: Clock, store: AskedStore) -> FieldTypes:
    """The real schema guard, with its pins in `folder`."""
    guard = FieldTypes(FieldTypesConfig(), PinFile(folder / "field_types.sqlite"), store.field_types, clock)
    await guard.open()
    return guard


def make_pipeline(
    guard: FieldTypes, bad_lines: BadLines = BadLines.KEEP, limits: LimitsConfig | None = None
) -> Pipeline:
    """The pipeline as it is configured by default."""
    decoders = build_decoders(JsonTelemetryConfig(), (limits or LimitsConfig()).of_lines)
    return Pipeline(decoders, build_checks(ChecksConfig(), guard), bad_lines)


@asynccontextmanager
async def running_intake(
    folder: Path,
    config: IntakeConfig | None = None,
    *,
    makes_buckets: bool = True,
    store: AskedStore | None = None,
) -> AsyncIterator[RunningIntake]:
    """Start and stop it."""
    config = config or IntakeConfig(listen="127.0.0.1:0", tokens="open")
    clock, store, buffer, registry = ManualClock(), store or AskedStore(), MemoryBuffer(), CollectorRegistry()
    store.makes_buckets = makes_buckets
    tokens = TokenBook(folder / "tokens.json", clock)
    guard = await open_guard(folder, clock, store)
    dead_metrics = DeadLetterMetrics(registry)
    dead = DeadLetters(DeadConfig(), folder / "dead", dead_metrics)
    refusals = Refusals(dead, dead_metrics, Incidents())
    running = RunningIntake("", aiohttp.ClientSession(), buffer, store, tokens, registry, clock, dead, refusals)
    intake = Intake(
        config,
        pipeline=make_pipeline(guard, config.bad_lines, config.limits),
        buffer=buffer,
        reader=store,
        buckets=Buckets(store, clock, most_made=config.limits.buckets),
        tokens=tokens,
        readiness=lambda: running.readiness[0],
        registry=registry,
        clock=clock,
        dead=dead,
        refusals=refusals,
        pins=guard.pins,
        listening=Listening(tls=None if config.tls is None else load(config.tls)[0]),
        destinations=["memory"],
        ledger=buffer.ledger,
        copy=store.copy,
        standing=store.standing,
        at_once=store.query_at_once,
    )
    running.intake = intake
    try:
        running.url = (await intake.start()).at("http" if config.tls is None else "https")
        yield running
    finally:
        await running.session.close()
        await intake.stop()
