"""kind -> store. A new store is one file and one line in each place below."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from foundation.errors import ConfigError
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from store.influxdb import InfluxConfig, InfluxStore
from store.metered import MeteredStore, StoreMetrics
from store.remote import RemoteConfig, RemoteReader

if TYPE_CHECKING:
    from pathlib import Path

    from prometheus_client import CollectorRegistry

    from foundation.clock import Clock
    from foundation.tls import Trust
    from store.contract import Store

StoreConfig = EmbeddedConfig | InfluxConfig | RemoteConfig


def build(config: StoreConfig, *, state: Path, clock: Clock, registry: CollectorRegistry) -> Store:
    """The configured store, measured, not yet open. Raises ConfigError for one that only reads."""
    inner: Store
    match config:
        case EmbeddedConfig():
            inner = EmbeddedStore(config, state=state, clock=clock)
        case InfluxConfig():
            inner = InfluxStore(config)
        case RemoteConfig():
            raise ConfigError("store: kind remote only reads; a collector needs kind embedded or influxdb")
        case _:
            assert_never(config)
    return MeteredStore(inner, StoreMetrics(registry), clock)


def build_reader(
    config: StoreConfig, *, state: Path, clock: Clock, registry: CollectorRegistry, trust: Trust = True
) -> Store | RemoteReader:
    """What answers queries under `config`, not yet open; for roles that never write. `trust`: see RemoteReader."""
    if isinstance(config, RemoteConfig):
        return RemoteReader(config, trust)
    return build(config, state=state, clock=clock, registry=registry)
