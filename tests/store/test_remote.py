"""A collector's /query, read from another process."""

import pytest

from foundation.secret import Secret
from store.errors import QuerySyntaxError, StoreUnavailable
from store.remote import RemoteConfig, RemoteReader
from tests.fakes.influxd import Influxd


async def test_answers_are_those_of_the_server(influxd: Influxd, influx_bucket: str) -> None:
    """Results, errors and buckets pass through; influxd stands for the collector, whose /query speaks the same."""
    influxd.call("POST", f"/api/v2/write?org={influxd.org}&bucket={influx_bucket}", b"m,h=a f=1 1700000000000000001")
    reader = RemoteReader(RemoteConfig(kind="remote", url=influxd.url, token=Secret(influxd.token)))
    try:
        (result,) = await reader.query("SELECT f FROM m GROUP BY h", influx_bucket)
        (series,) = result.series
        assert (series.name, dict(series.tags), series.values) == ("m", {"h": "a"}, [[1_700_000_000_000_000_001, 1]])
        assert influx_bucket in await reader.buckets()
        with pytest.raises(QuerySyntaxError, match="found SELEC"):
            await reader.query("SELEC", influx_bucket)
    finally:
        await reader.close()


async def test_wrong_token(influxd: Influxd) -> None:
    """A token that is not accepted makes the store unavailable, and is not told."""
    reader = RemoteReader(RemoteConfig(kind="remote", url=influxd.url, token=Secret("wrong-token")))
    with pytest.raises(StoreUnavailable) as caught:
        await reader.query("SHOW DATABASES", "")
    assert "wrong-token" not in str(caught.value)
    await reader.close()


async def test_collector_that_is_away() -> None:
    """A refused connection is unavailable."""
    reader = RemoteReader(RemoteConfig(kind="remote", url="http://127.0.0.1:1"))
    with pytest.raises(StoreUnavailable):
        await reader.query("SHOW DATABASES", "")
    await reader.close()
