"""The whole role at work in this process, over a store with one series."""

import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry

from alerting.app import Alerting
from alerting.config import AlertingConfig
from alerting.events import Publish
from foundation.clock import SystemClock
from store.contract import Series, StatementResult
from store.errors import StoreUnavailable

RULES = """
rules:
  - alert: Slow
    query: SELECT mean(duration_ms) FROM http_request GROUP BY endpoint
    over: 1m
    every: 200ms
    critical: "> 800"
    summary: "{{ labels.endpoint }} takes {{ value }} ms"
"""
NOTIFY = """
receivers:
  - name: oncall
    pagerduty: [{routing_key: 0123456789abcdef0123456789abcdef, url: "URL"}]
route: {receiver: oncall}
"""


@dataclass
class OneSeries:
    """Answers every query with one series; `value` None is an empty answer, `away` a store that does not answer."""

    value: float | None = 100.0
    away: bool = False

    async def query(self, influxql: str, db: str, *, deadline_s: float = 30.0) -> tuple[StatementResult, ...]:
        del influxql, db, deadline_s
        if self.away:
            raise StoreUnavailable("the store is away")
        if self.value is None:
            return (StatementResult(0),)
        series = Series("http_request", ("time", "mean"), [[0, self.value]], {"endpoint": "/pay"})
        return (StatementResult(0, (series,)),)

    async def buckets(self) -> tuple[str, ...]:
        return ("telemetry",)


@contextlib.asynccontextmanager
async def serving(
    folder: Path, config: AlertingConfig, reader: OneSeries, publish: Publish | None = None
) -> AsyncIterator[tuple[Alerting, str]]:
    """The role and its address; none of its tasks may die."""
    incidents: list[tuple[str, BaseException | None]] = []
    role = Alerting(
        config,
        reader,
        lag=lambda: 0.0,
        state=folder / "var",
        clock=SystemClock(),
        registry=CollectorRegistry(),
        on_incident=lambda name, error: incidents.append((name, error)),
        env=os.environ,
        publish=publish,
    )
    address = await role.start()
    try:
        yield role, address
    finally:
        await role.stop()
    assert incidents == []
