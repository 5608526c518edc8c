"""A real InfluxDB that goes away and comes back while lines keep coming: intake goes on, and everything arrives."""

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from store.influxdb import InfluxStore
from tests.fakes.cable import Cable
from tests.fakes.collector import RunningCollector, influx_store, running_collector
from tests.fakes.influxd import Influxd
from tests.fakes.polling import until


def behind(cable: Cable, influxd: Influxd) -> InfluxStore:
    """The real store, at the other end of the cable."""
    return influx_store(f"http://{cable.address}", org=influxd.org, token=influxd.token)


async def post(line: RunningCollector, bucket: str, first: int, count: int) -> None:
    """Lines `f=first` and on, one a body; each is acknowledged."""
    for number in range(first, first + count):
        assert await line.post(f"away f={number}i {1_767_225_600_000_000_000 + number}", bucket=bucket) == 204


async def found(influxd: Influxd, bucket: str) -> list[int]:
    """Every value in the database, asked for without the collector."""
    query = urlencode({"db": bucket, "q": "SELECT f FROM away", "epoch": "ns"})
    _, body = await asyncio.to_thread(influxd.call, "GET", f"/query?{query}")
    answer: Any = json.loads(body)
    return [row[1] for series in answer["results"][0].get("series", []) for row in series["values"]]


async def test_the_buffer_drains_by_itself_when_the_store_is_back(influxd: Influxd, influx_bucket: str, tmp_path: Path):
    """Pulled in the middle and put back: every line was acknowledged, and each is in InfluxDB once."""
    async with (
        Cable(influxd.url.removeprefix("http://")) as cable,
        running_collector(behind(cable, influxd), tmp_path) as line,
    ):
        await post(line, influx_bucket, 0, 20)
        await line.drained()
        assert await found(influxd, influx_bucket) == list(range(20))

        cable.pull()
        await post(line, influx_bucket, 20, 30)
        await until(lambda: line.retries() > 0, seconds=30)
        assert line.role.lag() > 0
        cable.plug()

        await line.drained()
        assert await found(influxd, influx_bucket) == list(range(50))


async def test_a_store_that_is_away_at_the_start_stops_nothing(influxd: Influxd, influx_bucket: str, tmp_path: Path):
    """The collector starts, accepts and keeps lines before it has ever reached its store."""
    async with Cable(influxd.url.removeprefix("http://")) as cable:
        cable.pull()
        async with running_collector(behind(cable, influxd), tmp_path) as line:
            await post(line, influx_bucket, 0, 5)
            cable.plug()

            await line.drained()
            assert await found(influxd, influx_bucket) == list(range(5))


async def test_lines_that_influxdb_refuses_are_dead_letters(influxd: Influxd, influx_bucket: str, tmp_path: Path):
    """A type conflict with what another client wrote: the line ends in the dead letters, its neighbours arrive."""
    async with Cable(influxd.url.removeprefix("http://")) as cable:
        cable.pull()
        async with running_collector(behind(cable, influxd), tmp_path) as line:
            await post(line, influx_bucket, 0, 5)
            status, _ = await asyncio.to_thread(
                influxd.call,
                "POST",
                f"/api/v2/write?org={influxd.org}&bucket={influx_bucket}",
                b'away,by=another f="text" 1767225600000000099\n',
            )
            assert status == 204
            cable.plug()

            await line.drained()
            assert line.count("tocsin_dead_lines_total", bucket=influx_bucket, reason="type_conflict") == 5
