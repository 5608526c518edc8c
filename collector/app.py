"""The collector put together: store, buffer, checks, intake, delivery, and the inputs of its own.

Started from the inside out, so nothing is accepted before it can be kept; stopped from the outside in, so whatever was
acknowledged is in the buffer when the process ends. Called by the front door; nothing else builds rooms of this role.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from prometheus_client import CollectorRegistry

from collector.buffer.catalog import BUFFERS
from collector.check.cardinality import Cardinality
from collector.check.catalog import build as build_checks
from collector.check.field_types import FieldTypes
from collector.check.forgetting import ForgettingReader
from collector.check.pins import PinFile
from collector.config import CollectorConfig
from collector.dead.box import DeadLetters
from collector.decode.catalog import build as build_decoders
from collector.deliver.delivery import Delivery
from collector.deliver.destinations import Destination
from collector.health import health_lines
from collector.intake.buckets import Buckets
from collector.intake.catalog import INPUTS
from collector.intake.contract import HandIn
from collector.intake.health import Readiness
from collector.intake.http import Intake
from collector.intake.refusals import Refusals
from collector.ledger import Ledger
from collector.metrics import BacklogGauges, BufferMetrics, DeadLetterMetrics, DeliveryMetrics, SeriesGauge
from collector.pipeline import Pipeline
from collector.tokens import TokenBook
from collector.transform.catalog import build as build_transforms
from foundation.clock import Clock
from foundation.errors import Permanent, Transient
from foundation.lifecycle import OnIncident, TakeUp, Tasks
from foundation.logs import logger
from foundation.web import Listening
from store.contract import Store

_log = logger("collector.app")
_SOURCE = "tocsin"
_READY = "ready"


class Collector:
    """The role. `state` is the folder of everything durable; stores come unopened and are closed with the role.

    `store` is the one that is queried; `destinations` are those beside it.
    """

    name = "collector"

    def __init__(  # noqa: PLR0913 - what the front door has to connect it with
        self,
        config: CollectorConfig,
        store: Store,
        *,
        destinations: Sequence[Destination] = (),
        state: Path,
        clock: Clock,
        registry: CollectorRegistry,
        on_incident: OnIncident,
        listening: Listening | None = None,
    ) -> None:
        self._config = config
        self._listening = listening
        self._store = store
        self._clock = clock
        self._registry = registry
        self._on_incident = on_incident
        self._reporting: Tasks | None = None
        self._ledger = Ledger()
        self._destinations = (Destination(store.name, store), *destinations)
        self._buffer = BUFFERS[config.buffer.kind](
            config.buffer,
            state / "buffer",
            [one.name for one in self._destinations],
            clock=clock,
            metrics=BufferMetrics(registry),
            on_incident=on_incident,
            ledger=self._ledger,
            optional=[one.name for one in self._destinations if not one.required],
        )
        self._field_types = FieldTypes(
            config.checks.field_types, PinFile(state / "field_types.sqlite"), store.field_types, clock
        )
        dead_metrics = DeadLetterMetrics(registry)
        self._dead = DeadLetters(config.dead, state / "dead", dead_metrics)
        self._refusals = Refusals(self._dead, dead_metrics, on_incident)
        self._delivery = self._make_delivery()
        self._pipeline = self._make_pipeline()
        self._intake = self._make_intake(state)
        self._hand_in: HandIn = self._intake.hand_in
        self._inputs = {
            name: build(getattr(config, name), self._hand_in, clock=clock, registry=registry)
            for name, build in INPUTS.items()
        }
        self._status = "starting"
        BacklogGauges(registry, self._delivery.waiting)
        SeriesGauge(registry, self._census)

    async def start(self) -> str:
        """Open everything and accept; returns the bound address. Raises ConfigError."""
        await self._store.open()
        await self._field_types.open()
        await self._buffer.open()
        await self._delivery.start()
        self._refusals.start()
        address = await self._intake.start()
        self._status = _READY
        await self._start_inputs()
        return str(address)

    async def stop(self) -> None:
        """Stop accepting, then everything else; what is not delivered is after the next start."""
        self._status = "stopping"
        await self._intake.stop()
        await self._stop_inputs()
        await self._refusals.stop()
        await self._delivery.stop()
        await self._buffer.close()
        await self._store.close()

    async def prepare(self, config: CollectorConfig) -> TakeUp:
        """Look at a new section, in which what is FIXED is as it was. Raises ConfigError, and nothing has changed."""
        self._intake.check(config)
        return partial(self._adopt, config)

    async def _adopt(self, config: CollectorConfig) -> None:
        before, self._config = self._config, config
        if config == before:
            return
        self._field_types.adopt(config.checks.field_types)
        self._buffer.adopt(config.buffer)
        self._dead.adopt(config.dead)
        self._delivery.adopt(config.deliver)
        if _judged_by(config) != _judged_by(before):
            self._pipeline = self._make_pipeline()
        self._intake.adopt(config, self._pipeline)
        if any(getattr(config, name) != getattr(before, name) for name in ("health", *self._inputs)):
            await self._stop_inputs()
            for name, one in self._inputs.items():
                one.adopt(getattr(config, name))
            await self._start_inputs()

    def lag(self) -> float:
        """Seconds for which the oldest line has waited for the store: what alerting calls `buffer_age_s`."""
        return self._delivery.queried().buffer_age_s

    def _make_delivery(self) -> Delivery:
        return Delivery(
            self._destinations,
            self._buffer,
            self._dead,
            config=self._config.deliver,
            metrics=DeliveryMetrics(self._registry),
            clock=self._clock,
            on_incident=self._on_incident,
        )

    def _make_intake(self, state: Path) -> Intake:
        store, clock = self._store, self._clock
        return Intake(
            self._config,
            pipeline=self._pipeline,
            buffer=self._buffer,
            reader=ForgettingReader(store, store.field_types, self._forget),
            buckets=Buckets(store, clock, most_made=self._config.limits.buckets),
            tokens=TokenBook(state / "tokens.json", clock),
            readiness=self._readiness,
            registry=self._registry,
            clock=clock,
            dead=self._dead,
            refusals=self._refusals,
            pins=self._field_types.pins,
            destinations=[one.name for one in self._destinations],
            ledger=self._ledger,
            copy=store.copy,
            at_once=store.query_at_once,
            standing=store.standing,
            listening=self._listening,
        )

    async def _forget(self, bucket: str, measurements: frozenset[str]) -> None:
        await self._field_types.forget(bucket, measurements)
        self._pipeline.forget_shapes()

    def _make_pipeline(self) -> Pipeline:
        config = self._config
        checks = build_checks(config.checks, self._field_types)
        self._cardinality = next((check for check in checks if isinstance(check, Cardinality)), None)
        transforms = build_transforms(config.transforms)
        return Pipeline(build_decoders(config.json, config.limits.of_lines), checks, config.bad_lines, transforms)

    def _census(self) -> list[tuple[str, str, int]]:
        return self._cardinality.census() if self._cardinality else []

    async def _start_inputs(self) -> None:
        for name, one in self._inputs.items():
            if getattr(self._config, name).enabled:
                await one.start(self._on_incident)
        if self._config.health.enabled:
            self._reporting = Tasks(self._on_incident)
            _ = self._reporting.spawn(self._report_for_ever(), "collector.health")

    async def _stop_inputs(self) -> None:
        for one in self._inputs.values():
            await one.stop()
        if self._reporting is not None:
            await self._reporting.stop()

    def _readiness(self) -> Readiness:
        standings = self._delivery.standings()
        refusing = self._buffer.refusing()
        status = f"refusing: {refusing}" if self._status == _READY and refusing else self._status
        return Readiness(status, standings[0].buffered_lines, standings[0].buffer_age_s, standings)

    async def _report_for_ever(self) -> None:
        host = self._config.host.name or socket.gethostname()
        while True:
            await asyncio.sleep(self._config.health.every.total_seconds())
            body = health_lines(self._registry.collect(), host, self._clock.now_ns())
            try:
                await self._hand_in(body, _SOURCE)
            except (Transient, Permanent) as error:
                _log.warning("our own metrics were not taken in", cause=error)


def _judged_by(config: CollectorConfig) -> tuple[object, ...]:
    """What the pipeline is made of; where it stays the same, what the pipeline has learnt stays too."""
    return config.json, config.limits.of_lines, config.checks, config.transforms, config.bad_lines
