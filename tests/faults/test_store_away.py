"""A real InfluxDB that goes away and comes back while lines keep coming: intake goes on, and everything arrives."""

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
from prometheus_client import CollectorRegistry

from collector.app import Collector
from collector.config import CollectorConfig, HealthConfig
from collector.intake.host import HostConfig
from foundation.clock import SystemClock
from foundation.secret import Secret
from store.influxdb import InfluxConfig, InfluxStore
from tests.fakes.buffers import Incidents
from tests.fakes.cable import Cable
from tests.fakes.influxd import Influxd
from tests.fakes.polling import until


class Line:
    """A collector in front of an InfluxDB behind a cable."""

    def __init__(self, influxd: Influxd, bucket: str, cable: Cable, state: Path) -> None:
        config = InfluxConfig(
            kind="influxdb",
            url=f"http://{cable.address}",
            org=influxd.org,
            bucket=bucket,
            token=Secret(influxd.token),
        )
        self.registry = CollectorRegistry()
        self.incidents = Incidents()
        self.role = Collector(
            CollectorConfig(
                listen="127.0.0.1:0",
                tokens="open",
                bucket=bucket,
                host=HostConfig(enabled=False),
                health=HealthConfig(enabled=False),
            ),
            InfluxStore(config),
            state=state,
            clock=SystemClock(),
            registry=self.registry,
            on_incident=self.incidents,
        )
        self.url = ""

    async def start(self) -> None:
        self.url = f"http://{await self.role.start()}/api/v2/write?org=o"

    async def post(self, first: int, count: int) -> int:
        """Lines `f=first` and on, one a body; how many were acknowledged."""
        async with aiohttp.ClientSession() as session:
            statuses = [await self._post_one(session, number) for number in range(first, first + count)]
        return statuses.count(204)

    async def _post_one(self, session: aiohttp.ClientSession, number: int) -> int:
        body = f"away f={number}i {1_767_225_600_000_000_000 + number}\n"
        async with session.post(self.url, data=body) as answer:
            return answer.status

    def retries(self) -> float:
        labels = {"destination": "influxdb", "reason": "store_unavailable"}
        return self.registry.get_sample_value("tocsin_retries_total", labels) or 0.0


def found(influxd: Influxd, bucket: str) -> list[int]:
    """Every value in the database, asked for without the collector."""
    query = urlencode({"db": bucket, "q": "SELECT f FROM away", "epoch": "ns"})
    answer: Any = json.loads(influxd.call("GET", f"/query?{query}")[1])
    return [row[1] for series in answer["results"][0].get("series", []) for row in series["values"]]


async def test_the_buffer_drains_by_itself_when_the_store_is_back(influxd: Influxd, influx_bucket: str, tmp_path: Path):
    """Pulled in the middle and put back: every line was acknowledged, and each is in InfluxDB once."""
    async with Cable(influxd.url.removeprefix("http://")) as cable:
        line = Line(influxd, influx_bucket, cable, tmp_path)
        await line.start()
        assert await line.post(0, 20) == 20
        await until(lambda: len(found(influxd, influx_bucket)) == 20)

        cable.pull()
        assert await line.post(20, 30) == 30
        await until(lambda: line.retries() > 0)
        assert line.role.lag() > 0
        cable.plug()

        await until(lambda: line.role.lag() == 0, seconds=20)
        assert await asyncio.to_thread(found, influxd, influx_bucket) == list(range(50))
        await line.role.stop()
        assert line.incidents == []


async def test_a_store_that_is_away_at_the_start_stops_nothing(influxd: Influxd, influx_bucket: str, tmp_path: Path):
    """The collector starts, accepts and keeps lines before it has ever reached its store."""
    async with Cable(influxd.url.removeprefix("http://")) as cable:
        cable.pull()
        line = Line(influxd, influx_bucket, cable, tmp_path)
        await line.start()
        assert await line.post(0, 5) == 5
        cable.plug()

        await until(lambda: line.role.lag() == 0, seconds=20)
        assert await asyncio.to_thread(found, influxd, influx_bucket) == list(range(5))
        await line.role.stop()


async def test_lines_that_influxdb_refuses_are_dead_letters(influxd: Influxd, influx_bucket: str, tmp_path: Path):
    """A type conflict with what another client wrote: the line ends in the dead letters, its neighbours arrive."""
    async with Cable(influxd.url.removeprefix("http://")) as cable:
        line = Line(influxd, influx_bucket, cable, tmp_path)
        cable.pull()
        await line.start()
        assert await line.post(0, 5) == 5
        status, _ = await asyncio.to_thread(
            influxd.call,
            "POST",
            f"/api/v2/write?org={influxd.org}&bucket={influx_bucket}",
            b'away,by=another f="text" 1767225600000000099\n',
        )
        assert status == 204
        cable.plug()

        await until(lambda: line.role.lag() == 0, seconds=20)
        labels = {"bucket": influx_bucket, "reason": "type_conflict"}
        assert line.registry.get_sample_value("tocsin_dead_lines_total", labels) == 5
        await line.role.stop()
