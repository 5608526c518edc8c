"""The collector's door for the network: one bare aiohttp handler that knows its paths.

No router, no middleware, no access log: requests, not bytes, are what limits an HTTP server in Python, so a write goes
through nothing that it does not need. The paths and their answers are those of InfluxDB 1.x and 2.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from aiohttp import web
from prometheus_client import CollectorRegistry

from collector.buffer.contract import Buffer
from collector.check.catalog import ChecksConfig
from collector.constraint.binding import Bindings
from collector.dead.box import DeadLetters
from collector.decode.json_telemetry import JsonTelemetryConfig
from collector.intake.access import Access, TokenMode, WrongToken, check_mode
from collector.intake.accounts import LedgerRoute
from collector.intake.answers import Contents, Refusal, refusal, unavailable
from collector.intake.body import Load
from collector.intake.buckets import Buckets
from collector.intake.connection import ConnectionServer
from collector.intake.copies import Copy, CopyRoute
from collector.intake.door import Door
from collector.intake.explain import ExplainRoute, Surroundings
from collector.intake.head import Head
from collector.intake.health import HealthRoutes, Readiness
from collector.intake.lane import Lane, Ways
from collector.intake.letters import LetterRoutes
from collector.intake.limits import Guard, LimitsConfig
from collector.intake.metrics import IntakeMetrics, QueryMetrics, TailMetrics
from collector.intake.query import QueryRoute
from collector.intake.question import address_params
from collector.intake.refusals import Refusals
from collector.intake.replay import Replayer
from collector.intake.sharing import Sharing
from collector.intake.shortcut import AtOnce, Shortcut, Terms
from collector.intake.slowdown import Slowdown
from collector.intake.standing import StandingRoute
from collector.intake.tail import TailRoute
from collector.intake.write import TELEMETRY, V1, V2, Errand, WriteLimits, WriteRoute
from collector.ledger import Balance, Ledger
from collector.pipeline import BadLines, Pipeline
from collector.tail import Tail, TailConfig
from collector.tokens import TokenBook
from collector.transform.catalog import TransformConfig
from foundation.batch import FieldType
from foundation.clock import Clock
from foundation.differences import FIXED
from foundation.errors import ConfigError
from foundation.logs import logger
from foundation.tls import TlsConfig
from foundation.web import Address, Listening, Site, metrics_response
from store.contract import Reader, StoreStanding

_log = logger("collector.intake")
_MOST_QUERIES = 1024
_REMEMBERED_BYTES = 512
"""Senders write with the same few query strings; long ones are questions, and not worth the memory."""
_OTHER = "other"
_RETRY_AFTER_S = 5.0
_LONGEST_TARGET = 64 << 10
"""Boards send long queries in the address; aiohttp's own limit of 8 KiB would refuse them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeConfig:
    """`collector:` in tocsin.yml, as far as HTTP intake reads it.

    `tokens: open` is for loopback addresses without tokens. `max_body_bytes` bounds a body as it arrives and inflated;
    the default is InfluxDB 1.x's.
    """

    listen: str = field(default="127.0.0.1:8186", metadata=FIXED)
    tls: TlsConfig | None = field(default=None, metadata=FIXED)
    bucket: str = "telemetry"
    tokens: TokenMode = "required"
    bad_lines: BadLines = BadLines.KEEP
    json: JsonTelemetryConfig = field(default_factory=JsonTelemetryConfig)
    checks: ChecksConfig = field(default_factory=ChecksConfig)
    transforms: tuple[TransformConfig, ...] = ()
    max_body_bytes: int = 25_000_000
    limits: LimitsConfig = field(default_factory=LimitsConfig)
    tail: TailConfig = field(default_factory=TailConfig)
    query_deadline: timedelta = timedelta(seconds=30)

    def __post_init__(self) -> None:
        """Refuse an address that is none, and bounds that let no body through."""
        Address.parse(self.listen)
        if self.max_body_bytes < 1:
            raise ValueError("max_body_bytes is at least 1")
        if self.limits.body_bytes < self.max_body_bytes:
            raise ValueError("limits.body_bytes is at least max_body_bytes, or the longest body would never be taken")


Answer = Callable[[web.BaseRequest, Mapping[str, str]], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class _Route:
    methods: frozenset[str]
    answer: Answer
    bounded: bool = True


class Intake:
    """Accepts lines and questions on one address."""

    def __init__(  # noqa: PLR0913 - everything that the composition root has to connect it with
        self,
        config: IntakeConfig,
        *,
        pipeline: Pipeline,
        buffer: Buffer,
        reader: Reader,
        buckets: Buckets,
        tokens: TokenBook,
        readiness: Callable[[], Readiness],
        registry: CollectorRegistry,
        clock: Clock,
        dead: DeadLetters,
        refusals: Refusals,
        pins: Callable[[str, str], Mapping[str, FieldType]],
        destinations: Sequence[str],
        ledger: Ledger,
        copy: Copy,
        standing: Callable[[], StoreStanding],
        at_once: AtOnce,
        listening: Listening | None = None,
    ) -> None:
        self._config = config
        self._listening = listening or Listening()
        self._sharing = Sharing(reader, QueryMetrics(registry))
        self._tokens = tokens
        self._registry = registry
        self._clock = clock
        self._ledger = ledger
        self._copy = copy
        self._standing = standing
        self._copies: dict[str, Path] = {}
        self._metrics = IntakeMetrics(registry)
        self._guard = Guard(config.limits, self._metrics)
        self._load = Load(config.limits.body_bytes)
        self._bindings = Bindings(tokens)
        self._slowdown = Slowdown(clock, self._metrics)
        tail_metrics = TailMetrics(registry)
        self._tail = Tail(config.tail, tail_metrics.count_dropped)
        self._following = TailRoute(self._tail, tail_metrics, clock)
        self._door = Door(pipeline, buffer, self._metrics, clock, refusals, self._tail, default_bucket=config.bucket)
        self._dead = dead
        self._replayer = Replayer(dead)
        self._surroundings = Surroundings(tuple(destinations), buffer, pins, standing)
        self._params = lru_cache(_MOST_QUERIES)(address_params)
        self._buckets = buckets
        self._readiness = readiness
        self._health = HealthRoutes(readiness)
        self._shortcut = Shortcut(at_once, self._guard, self._metrics, clock)
        self._routes = self._make_routes()
        self._server: ConnectionServer | None = None
        self._lane: Lane | None = None
        self._site: Site | None = None

    async def start(self) -> Address:
        """Listen, and return the address really bound. Raises ConfigError: taken, or open where it must not be."""
        address = Address.parse(self._config.listen)
        self.check(self._config)
        if self._config.tokens == "required" and not self._tokens.list():
            _log.warning("nobody can write yet: make a token with `tocsin token create`")
        self._lane = Lane(self._ways, self._buckets, self._guard, self._metrics, self._clock)
        self._server = ConnectionServer(
            self.handle,
            self._guard,
            self._lane,
            self._shortcut,
            keepalive_timeout=self._config.limits.idle_timeout.total_seconds(),
            auto_decompress=False,
            access_log=None,
            logger=logging.Logger("wire", logging.CRITICAL),  # noqa: LOG001 - strangers cannot fill the log; ours is above
            max_line_size=_LONGEST_TARGET,
        )
        self._site = Site(self._server, address, listening=self._listening)
        return await self._site.start()

    def check(self, config: IntakeConfig) -> None:
        """Raise ConfigError where `config` would open what must not be open."""
        check_mode(config.tokens, Address.parse(self._config.listen), self._tokens)

    def adopt(self, config: IntakeConfig, pipeline: Pipeline) -> None:
        """Answer by `config` and `pipeline` what begins from now on; a request under way ends as it began."""
        self._config = config
        self._guard.limits = config.limits
        self._load.most_bytes = config.limits.body_bytes
        self._buckets.adopt(config.limits.buckets)
        self._tail.adopt(config.tail)
        self._door = self._door.successor(pipeline, default_bucket=config.bucket)
        self._routes = self._make_routes()
        if self._lane is not None:
            self._lane.adopt(self._ways)

    async def hand_in(self, body: bytes, source: str) -> None:
        """The door for inputs of our own, see HandIn."""
        await self._door(body, source)

    async def stop(self) -> None:
        """Stop accepting and finish what runs; nobody waits for followers, who are told."""
        await self._following.stop()
        if self._site is not None and self._server is not None:
            self._site.close()
            if self._listening.handed_over:
                await self._server.leave()
            await self._site.stop()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; whatever goes wrong becomes an answer too."""
        began = self._clock.monotonic()
        target = request.raw_path
        path, _, query = (target if target.startswith("/") else str(request.rel_url)).partition("?")
        route = self._routes.get(path)
        try:
            response = await self._answer(route, request, query)
        except WrongToken as error:
            await self._slowdown.hold(request.remote)
            response = refusal(error)
        except Refusal as error:
            response = refusal(error)
        except ConfigError as error:
            _log.error("a request could not be answered", error=error, path=path)
            response = refusal(unavailable(str(error), _RETRY_AFTER_S))
        except Exception as error:  # noqa: BLE001 - the edge: a fault of ours is an answer and a log line, never a drop
            _log.error("a request failed by a fault of ours", error=error, path=path)
            response = refusal(Refusal(500, "internal error; the log of the collector has its cause"))
        if "Expect" in request.headers and not request.content.is_eof():
            response.force_close()  # whose body was not wanted may send it or not: what came next could be either
        self._metrics.count_answer(path if route else _OTHER, response.status, self._clock.monotonic() - began)
        return response

    async def _answer(self, route: _Route | None, request: web.BaseRequest, query: str) -> web.StreamResponse:
        if route is None:
            raise Refusal(404, "path not found")
        if request.method not in route.methods:
            allowed = ", ".join(sorted(route.methods))
            raise Refusal(405, f"method not allowed; use {allowed}", headers={"Allow": allowed})
        params = self._params(query) if len(query) <= _REMEMBERED_BYTES else address_params(query)
        if not route.bounded:
            return await route.answer(request, params)
        self._guard.begin()
        try:
            return await route.answer(request, params)
        finally:
            self._guard.end()
            self._load.let_go(request)

    def _make_routes(self) -> dict[str, _Route]:
        config = self._config
        access = Access(config.tokens, self._tokens, self._bindings, self._metrics)
        limits = WriteLimits(
            default_bucket=config.bucket,
            most_body_bytes=config.max_body_bytes,
            most_lines=config.limits.lines,
            body_timeout_s=config.limits.body_timeout.total_seconds(),
            forgive_cr=config.bad_lines is BadLines.KEEP,
            load=self._load,
        )
        self._following.adopt(access)
        query = QueryRoute(
            self._sharing,
            access,
            self._load,
            self._buckets,
            Contents(self._clock),
            default_bucket=config.bucket,
            deadline_s=config.query_deadline.total_seconds(),
        )
        letters = LetterRoutes(self._dead, self._replayer, access, self._door, self._load)
        explain = ExplainRoute(
            limits, self._surroundings, door=self._door, access=access, buckets=self._buckets, clock=self._clock
        )
        ledger = LedgerRoute(self._balances, lambda: self._readiness().destinations, access)
        copies = CopyRoute(self._copy, access, self._copies)
        post, read = frozenset({"POST"}), frozenset({"GET", "HEAD"})
        writes = {"/api/v2/write": V2, "/write": V1, "/v1/telemetry": TELEMETRY}
        self._writes = {
            path: WriteRoute(
                dialect,
                limits,
                door=self._door,
                access=access,
                buckets=self._buckets,
                metrics=self._metrics,
                clock=self._clock,
            )
            for path, dialect in writes.items()
        }
        self._ways = Ways(self._foresee, access, self._door)
        self._shortcut.adopt(Terms(access, config.bucket))
        return {
            **{path: _Route(post, route.answer) for path, route in self._writes.items()},
            "/query": _Route(read | post, query.answer),
            "/api/v1/ledger": _Route(read, ledger.answer),
            "/explain": _Route(read, explain.answer),
            "/api/v1/dead": _Route(read | {"DELETE"}, letters.answer),
            "/api/v1/dead/count": _Route(read, letters.count),
            "/api/v1/dead/accounts": _Route(read, letters.accounts),
            "/api/v1/dead/replay": _Route(post, letters.replay),
            "/api/v1/store": _Route(read, StandingRoute(self._standing, access).answer),
            "/api/v1/copy": _Route(post | {"GET", "DELETE"}, copies.answer, bounded=False),
            "/api/v1/tail": _Route(frozenset({"GET"}), self._following.answer, bounded=False),
            "/ping": _Route(read, self._health.ping, bounded=False),
            "/health": _Route(read, self._health.health, bounded=False),
            "/ready": _Route(read, self._health.ready, bounded=False),
            "/metrics": _Route(read, self._show_metrics, bounded=False),
        }

    def _foresee(self, head: Head) -> Errand | None:
        """What a head asks for, if it is for the fast lane."""
        path, _, query = head.target.partition("?")
        route = self._writes.get(path)
        if route is None or len(query) > _REMEMBERED_BYTES:
            return None
        return route.foresee(path, head.authorization, self._params(query))

    def _balances(self) -> list[Balance]:
        return self._ledger.balances(self._surroundings.destinations)

    async def _show_metrics(self, _request: web.BaseRequest, _params: Mapping[str, str]) -> web.Response:
        return metrics_response(self._registry)
