"""A kind becomes a store, measured."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from foundation.errors import ConfigError
from foundation.secret import Secret
from foundation.settings import decode
from store.catalog import StoreConfig, build, build_reader
from store.embedded.store import EmbeddedConfig
from store.errors import StoreUnavailable
from store.influxdb import InfluxConfig
from store.remote import RemoteConfig, RemoteReader
from tests.fakes.clock import ManualClock
from tests.fakes.shipping import Log

INFLUX = InfluxConfig(kind="influxdb", url="http://127.0.0.1:1", org="acme", token=Secret("t"))
REMOTE = RemoteConfig(kind="remote", url="http://127.0.0.1:1")


@pytest.mark.parametrize(("config", "name"), [(EmbeddedConfig(), "embedded"), (INFLUX, "influxdb")])
def test_kinds(config: StoreConfig, name: str, tmp_path: Path, clock: ManualClock) -> None:
    """Each kind that writes has its store."""
    assert build(config, state=tmp_path, clock=clock, registry=CollectorRegistry()).name == name
    assert build_reader(config, state=tmp_path, clock=clock, registry=CollectorRegistry()).name == name


def test_remote_only_reads(tmp_path: Path, clock: ManualClock) -> None:
    """A remote store answers queries and is refused where lines would be written, with what to do instead."""
    assert isinstance(build_reader(REMOTE, state=tmp_path, clock=clock, registry=CollectorRegistry()), RemoteReader)
    with pytest.raises(ConfigError, match="needs kind embedded or influxdb"):
        build(REMOTE, state=tmp_path, clock=clock, registry=CollectorRegistry())


def test_configuration_of_every_kind_is_read(tmp_path: Path) -> None:
    """YAML chooses the kind and its settings; the token is a secret."""
    influxdb = "{kind: influxdb, url: 'http://db:8086', org: acme, bucket: shop, token: s3cret, timeout: 10s}"
    read = decode(InfluxConfig, influxdb, name="tocsin.yml", folder=tmp_path, env={})
    assert (read.bucket, read.timeout.total_seconds(), read.token) == ("shop", 10, Secret("s3cret"))
    assert "s3cret" not in repr(read)
    embedded = decode(EmbeddedConfig, "{kind: embedded, path: t.duckdb}", name="tocsin.yml", folder=tmp_path, env={})
    assert embedded.path == tmp_path / "t.duckdb"


async def test_calls_are_counted(tmp_path: Path, clock: ManualClock) -> None:
    """Lines are counted by verdict, calls by outcome."""
    registry = CollectorRegistry()
    store = build(EmbeddedConfig(), state=tmp_path, clock=clock, registry=registry)
    await store.open()
    await Log(store).put(b"m f=1 1\nm f=2 2\nnonsense\n")
    await store.query("SHOW DATABASES", "telemetry")
    await store.close()
    with pytest.raises(StoreUnavailable):
        await store.query("SHOW DATABASES", "telemetry")

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, {"store": "embedded", **labels})

    assert value("tocsin_store_lines_total", verdict="stored") == 2
    assert value("tocsin_store_lines_total", verdict="refused") == 1
    assert value("tocsin_store_seconds_count", call="write", outcome="ok") == 1
    assert value("tocsin_store_seconds_count", call="query", outcome="ok") == 1
    assert value("tocsin_store_seconds_count", call="query", outcome="StoreUnavailable") == 1
