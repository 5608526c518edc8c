"""How an InfluxDB names its buckets: by id, by name, and as retention policies of databases."""

from collections.abc import AsyncIterator, Iterator

import pytest

from foundation.secret import Secret
from store.errors import StoreUnavailable
from store.influxdb import InfluxConfig, InfluxStore
from tests.fakes.influxd import Influxd


@pytest.fixture
async def store(influxd: Influxd) -> AsyncIterator[InfluxStore]:
    store = InfluxStore(InfluxConfig(kind="influxdb", url=influxd.url, org=influxd.org, token=Secret(influxd.token)))
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def policy(influxd: Influxd, influx_bucket: str) -> Iterator[str]:
    """A bucket that is a retention policy of the test's database."""
    made = influxd.make_bucket(f"{influx_bucket}/week")
    yield f"{influx_bucket}/week"
    influxd.drop_bucket(made)


async def test_a_bucket_is_found_by_its_id_and_by_its_name(influxd: Influxd, store: InfluxStore, influx_bucket: str):
    """The id in either case; what is neither is nobody's."""
    name = f"{influx_bucket}-other"
    made = influxd.make_bucket(name)
    try:
        assert await store.find_bucket(made) == name
        assert await store.find_bucket(made.upper()) == name
        assert await store.find_bucket(name) == name
        assert await store.find_bucket("0123456789abcdee") is None
        assert await store.find_bucket("no such bucket") is None
    finally:
        influxd.drop_bucket(made)


async def test_an_id_comes_before_a_name_that_looks_like_one(influxd: Influxd, store: InfluxStore, influx_bucket: str):
    """As influxd itself decides."""
    made = influxd.make_bucket("0123456789abcdef")
    try:
        assert await store.find_bucket("0123456789abcdef") == "0123456789abcdef"
    finally:
        influxd.drop_bucket(made)


async def test_a_bucket_of_a_policy_is_asked_as_one(
    influxd: Influxd, store: InfluxStore, influx_bucket: str, policy: str
):
    """Written to by its name, it answers queries; the default policy's bucket beside it has nothing of it."""
    status, answer = influxd.call("POST", f"/api/v2/write?org={influxd.org}&bucket={policy}", b"m f=1 10")
    assert status == 204, answer
    assert await store.find_bucket(policy) == policy
    (result,) = await store.query("SELECT f FROM m", policy)
    assert result.series[0].values == [[10, 1.0]]
    assert (await store.query("SELECT f FROM m", influx_bucket))[0].series == ()
    assert await store.field_types(policy) == {"m": {"f": "float"}}


async def test_a_server_that_is_away_is_not_one_without_the_bucket():
    """Nobody can say."""
    store = InfluxStore(InfluxConfig(kind="influxdb", url="http://127.0.0.1:1", org="o", token=Secret("t")))
    await store.open()
    try:
        with pytest.raises(StoreUnavailable):
            await store.find_bucket("0123456789abcdef")
    finally:
        await store.close()
