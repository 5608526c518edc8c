"""kind -> store. A new store is one file and one line in each place below."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from foundation.errors import ConfigError
from store.embedded.store import EmbeddedConfig, EmbeddedStore, log_incident
from store.embedded.upkeep import Counts
from store.influxdb import InfluxConfig, InfluxStore
from store.metered import MeteredStore, StoreMetrics
from store.remote import RemoteConfig, RemoteReader
from store.standing import StandingMetrics

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from prometheus_client import CollectorRegistry

    from foundation.clock import Clock
    from foundation.lifecycle import OnIncident
    from foundation.tls import Trust
    from store.contract import Store

StoreConfig = EmbeddedConfig | InfluxConfig | RemoteConfig


def build(config: StoreConfig, *, state: Path, clock: Clock, registry: CollectorRegistry) -> Store:
    """The configured store, measured, not yet open. Raises ConfigError for one that only reads."""
    return build_all(config, {}, state=state, clock=clock, registry=registry)[0]


def build_all(
    config: StoreConfig,
    beside: Mapping[str, InfluxConfig],
    *,
    state: Path,
    clock: Clock,
    registry: CollectorRegistry,
    on_incident: OnIncident | None = None,
) -> list[Store]:
    """The configured store, then those that are written to beside it, each under the name that is given to it.

    `on_incident` is told when a task of a store ends; else it is logged.
    """
    metrics = StoreMetrics(registry)
    stores: list[Store] = [
        _build(config, state, clock, metrics, on_incident),
        *(InfluxStore(one, name) for name, one in beside.items()),
    ]
    _ = StandingMetrics(registry, stores[0].standing)
    return [MeteredStore(store, metrics, clock) for store in stores]


def _build(
    config: StoreConfig, state: Path, clock: Clock, metrics: StoreMetrics, on_incident: OnIncident | None
) -> Store:
    match config:
        case EmbeddedConfig():
            store = EmbeddedStore(
                config,
                state=state,
                clock=clock,
                on_incident=on_incident or log_incident,
                counts=Counts(metrics.count_expired, metrics.count_dropped, metrics.count_move),
                on_question=metrics.count_question,
            )
            metrics.watch_recent(lambda: store.recent_bytes)
            return store
        case InfluxConfig():
            return InfluxStore(config)
        case RemoteConfig():
            raise ConfigError("store: kind remote only reads; a collector needs kind embedded or influxdb")
        case _:
            assert_never(config)


def build_reader(
    config: StoreConfig, *, state: Path, clock: Clock, registry: CollectorRegistry, trust: Trust = True
) -> Store | RemoteReader:
    """What answers queries under `config`, not yet open; for roles that never write. `trust`: see RemoteReader."""
    if isinstance(config, RemoteConfig):
        return RemoteReader(config, trust)
    return build(config, state=state, clock=clock, registry=registry)
