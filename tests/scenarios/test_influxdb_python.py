"""InfluxDB's 1.x client for Python (`influxdb` on PyPI), unmodified, against a collector with the embedded store.

Of what it can ask, the store runs all but users, policies and continuous queries, which InfluxDB 2 does not run either.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from influxdb import InfluxDBClient
from influxdb.exceptions import InfluxDBClientError

from collector.tokens import Scope, TokenBook
from foundation.clock import SystemClock
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from tests.fakes.collector import QUIET, RunningCollector, running_collector
from tests.fakes.influxd import Influxd
from tests.fakes.polling import until

T = TypeVar("T")
START_S = 1_767_225_600
"""2026-01-01"""
CPU = [
    {"measurement": "cpu", "tags": {"host": "a b"}, "time": "2026-01-01T00:00:00Z", "fields": {"v": 0.5, "s": 'x"y'}},
    {"measurement": "cpu", "tags": {"host": "c"}, "time": "2026-01-01T00:00:10Z", "fields": {"v": 1.5, "n": 4}},
]
NO_PANDAS = "pandas 2, without which the client has no data frames, has no wheel for this Python"


@dataclass(frozen=True)
class Desk:
    """A collector that wants tokens, and somebody who has one."""

    collector: RunningCollector
    token: str

    def client(self, kind: type[InfluxDBClient] = InfluxDBClient, **options: Any) -> InfluxDBClient:
        host, port = self.collector.url.removeprefix("http://").split(":")
        given = {"username": "anyone", "password": self.token, "database": "home", **options}
        return kind(host, int(port), **given)

    async def call(self, ask: Callable[[InfluxDBClient], T], **options: Any) -> T:
        """What the client says; it blocks, so in a thread."""

        def run() -> T:
            with self.client(**options) as client:
                return ask(client)

        return await asyncio.to_thread(run)

    async def stored(self) -> None:
        """Wait until all that was written can be asked."""

        async def empty() -> bool:
            return bool((await self.collector.get("/ready"))["buffered_lines"] == 0)

        await until(empty, what="an empty buffer")

    async def fill(self) -> None:
        assert await self.call(lambda client: client.write_points(CPU, tags={"dc": "eu"}))
        await self.stored()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    clock = SystemClock()
    token = TokenBook(tmp_path / "tokens.json", clock).create("client", frozenset({Scope.READ, Scope.WRITE})).reveal()
    store = EmbeddedStore(EmbeddedConfig(), state=tmp_path, clock=clock)
    async with running_collector(store, tmp_path, config=replace(QUIET, tokens="required")) as running:
        yield Desk(running, token)


def points(client: InfluxDBClient, *query: Any, **options: Any) -> list[Any]:
    return list(client.query(*query, **options).get_points())


async def test_it_writes_and_reads(desk: Desk) -> None:
    """Points as JSON and as lines, in batches and packed; read with times as text or numbers, values bound."""

    def write(client: InfluxDBClient) -> None:
        assert client.ping() == "v2.9.1"
        client.create_database("home")
        client.write_points(CPU, tags={"dc": "eu"})
        client.write_points(
            [f"mem,host=a used={n}i {START_S + n}" for n in range(2)], protocol="line", time_precision="s"
        )
        many = [{"measurement": "b", "fields": {"v": n / 2}, "time": START_S * 1000 + n} for n in range(25)]
        client.write_points(many, batch_size=10, time_precision="ms")

    await desk.call(write, gzip=True)
    await desk.stored()

    def read(client: InfluxDBClient) -> None:
        first, second = "2026-01-01T00:00:00Z", "2026-01-01T00:00:10Z"
        assert points(client, "SELECT * FROM cpu") == [
            {"time": first, "dc": "eu", "host": "a b", "n": None, "s": 'x"y', "v": 0.5},
            {"time": second, "dc": "eu", "host": "c", "n": 4, "s": None, "v": 1.5},
        ]
        assert points(client, "SELECT v FROM cpu", epoch="ms") == [
            {"time": START_S * 1000, "v": 0.5},
            {"time": START_S * 1000 + 10_000, "v": 1.5},
        ]
        bound = {"bind_params": {"host": "a b"}}
        for method in ("GET", "POST"):
            asked = points(client, "SELECT v FROM cpu WHERE host = $host", method=method, **bound)
            assert asked == [{"time": first, "v": 0.5}]
        several = client.query("SELECT v FROM cpu LIMIT 1; SELECT used FROM mem LIMIT 1")
        assert [list(one.get_points()) for one in several] == [
            [{"time": first, "v": 0.5}],
            [{"time": first, "used": 0}],
        ]
        grouped = client.query("SELECT mean(v) FROM cpu GROUP BY host")
        assert [(tags, list(rows)) for (_, tags), rows in grouped.items()] == [
            ({"host": "a b"}, [{"time": "1970-01-01T00:00:00Z", "mean": 0.5}]),
            ({"host": "c"}, [{"time": "1970-01-01T00:00:00Z", "mean": 1.5}]),
        ]
        chunks = client.query("SELECT v FROM b", chunked=True, chunk_size=10)
        assert [len(list(chunk.get_points())) for chunk in chunks] == [10, 10, 5]

    await desk.call(read)
    await desk.call(lambda client: points(client, "SELECT * FROM b"), gzip=True)


async def test_it_lists_what_there_is(desk: Desk) -> None:
    """Databases, measurements, series and retention policies."""
    await desk.fill()

    def look(client: InfluxDBClient) -> None:
        assert {"name": "home"} in client.get_list_database()
        assert client.get_list_measurements() == [{"name": "cpu"}]
        assert client.get_list_series() == ["cpu,dc=eu,host=a\\ b", "cpu,dc=eu,host=c"]
        assert client.get_list_series(measurement="cpu", tags={"host": "c"}) == ["cpu,dc=eu,host=c"]
        (policy,) = client.get_list_retention_policies("home")
        assert (policy["name"], policy["default"]) == ("autogen", True)

    await desk.call(look)


async def test_it_deletes(desk: Desk) -> None:
    """Series by measurement and tags, and whole measurements."""
    await desk.fill()

    def delete(client: InfluxDBClient) -> None:
        client.delete_series(measurement="cpu", tags={"host": "c"})
        assert client.get_list_series() == ["cpu,dc=eu,host=a\\ b"]
        client.drop_measurement("cpu")
        assert client.get_list_measurements() == []

    await desk.call(delete)


async def test_its_errors_say_what_is_wrong(desk: Desk) -> None:
    """A token that is none, a query that is none, a line that is none, and what no store runs."""
    await desk.fill()
    token = {"headers": {"Authorization": f"Token {desk.token}"}, "username": "", "password": ""}
    assert await desk.call(lambda client: client.get_list_measurements(), **token) == [{"name": "cpu"}]

    for ask, options, words in (
        (lambda client: client.get_list_database(), {"password": "wrong"}, "401.*unauthorized"),
        (lambda client: client.query("SELEC"), {}, "400.*found SELEC, expected SELECT"),
        (lambda client: client.query("SELECT nosuch(v) FROM cpu"), {}, r"undefined function nosuch\(\)"),
        (lambda client: client.write_points(["nonsense"], protocol="line"), {}, "400.*missing fields"),
        (lambda client: client.get_list_users(), {}, "not implemented: SHOW USERS"),
        (lambda client: client.drop_database("home"), {}, "not implemented: DROP DATABASE"),
    ):
        with pytest.raises(InfluxDBClientError, match=words):
            await desk.call(ask, **options)


@pytest.fixture
def pandas() -> Any:
    return pytest.importorskip("pandas", reason=NO_PANDAS, exc_type=ImportError)


def make_frame(pandas: Any) -> Any:
    """Three moments with a tag, whole numbers, texts, and floats of which one is missing."""
    moments = pandas.to_datetime([START_S, START_S + 1, START_S + 2], unit="s", utc=True)
    columns = {"host": ["a", "b", "a"], "n": [1, 2, 3], "s": ["x", "y", "z"], "v": [1.5, 2.5, None]}
    return pandas.DataFrame(columns, index=moments)


async def test_its_data_frames(desk: Desk, pandas: Any) -> None:
    """What pandas wrote comes back with its columns, types and moments."""
    from influxdb import DataFrameClient  # noqa: PLC0415 - it needs pandas, which may be absent

    frame = make_frame(pandas)
    await desk.call(lambda client: client.write_points(frame, "frame", tag_columns=["host"]), kind=DataFrameClient)
    await desk.stored()

    def read(client: DataFrameClient) -> None:
        found = client.query("SELECT * FROM frame")["frame"]
        pandas.testing.assert_frame_equal(found, frame, check_freq=False, check_index_type=False)
        grouped = client.query("SELECT mean(v) FROM frame GROUP BY host")
        means = {tags: list(one["mean"]) for (_, tags), one in grouped.items()}
        assert means == {(("host", "a"),): [1.5], (("host", "b"),): [2.5]}

    await desk.call(read, kind=DataFrameClient)


FRAMES = (
    "SELECT * FROM frame",
    "SELECT v, n FROM frame WHERE host = 'a'",
    "SELECT s FROM frame GROUP BY host",
    "SELECT mean(v), count(s), max(n) FROM frame GROUP BY host",
    "SELECT sum(n) FROM frame WHERE time >= '2026-01-01' AND time < '2026-01-01T00:00:04Z' GROUP BY time(1s), host",
    "SELECT mean(v) FROM frame WHERE time >= '2026-01-01' AND time < '2026-01-01T00:00:04Z' GROUP BY time(1s) fill(0)",
    "SELECT v FROM frame WHERE v > 100",
    "SELECT top(n, 2), s FROM frame",
)


async def test_its_data_frames_are_those_of_influxdb(
    desk: Desk, influxd: Influxd, influx_bucket: str, pandas: Any
) -> None:
    """The same frame written to InfluxDB: every question gives the same frames, types and moments too."""
    from influxdb import DataFrameClient  # noqa: PLC0415 - it needs pandas, which may be absent

    host, port = influxd.url.removeprefix("http://").split(":")

    def ask(client: DataFrameClient) -> list[Any]:
        return [client.query(text) for text in FRAMES]

    def write(client: DataFrameClient) -> None:
        for options in ({"tag_columns": ["host"]}, {"tag_columns": ["host"], "field_columns": ["n"], "batch_size": 2}):
            assert client.write_points(make_frame(pandas), "frame", **options)

    def theirs() -> list[Any]:
        with DataFrameClient(host, int(port), "anyone", influxd.token, influx_bucket) as client:
            write(client)
            return ask(client)

    await desk.call(write, kind=DataFrameClient)
    await desk.stored()
    there, here = await asyncio.to_thread(theirs), await desk.call(ask, kind=DataFrameClient)
    for text, wanted, found in zip(FRAMES, there, here, strict=True):
        assert list(found) == list(wanted), text
        for key in wanted:
            pandas.testing.assert_frame_equal(found[key], wanted[key])
