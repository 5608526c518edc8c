"""One collector process and two destinations: a real InfluxDB, and one that is away, over a restart in between."""

from __future__ import annotations

import asyncio
import json
import subprocess
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.fakes.influxd import Influxd
from tests.fakes.polling import until
from tests.fakes.process import ROOT, Running, get_json, start, tocsin
from tests.fakes.store_server import TOKEN, StoreServer, refuse, store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
CONFIG = """\
collector:
  tokens: open
  bucket: {bucket}
  host: {{enabled: false}}
  health: {{enabled: false}}
  destinations:
    - name: archive
      buckets: {{{bucket}: telemetry}}
      store: {{kind: influxdb, url: "{archive}", org: o, token: "{archive_token}"}}
store: {{kind: influxdb, url: "{url}", org: {org}, token: {token}, bucket: {bucket}}}
"""
FIRST_NS = 1_767_225_600_000_000_000


def post(url: str, numbers: range) -> None:
    """Acknowledged lines `away,n=N f=Ni`, five a body."""
    for first in numbers[::5]:
        body = "".join(f"away,n={number} f={number}i {FIRST_NS + number}\n" for number in range(first, first + 5))
        request = urllib.request.Request(f"{url}/api/v2/write?org=o", body.encode())  # noqa: S310 - loopback
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - loopback
            assert answer.status == 204


def found(influxd: Influxd, bucket: str) -> list[int]:
    """Every value in the real InfluxDB, asked for without the collector."""
    query = urlencode({"db": bucket, "q": "SELECT f FROM away", "epoch": "ns"})
    answer: Any = json.loads(influxd.call("GET", f"/query?{query}")[1])
    return sorted(row[1] for series in answer["results"][0].get("series", []) for row in series["values"])


async def archive(running: Running) -> dict[str, Any]:
    """How the archive stands."""
    ready: Any = await asyncio.to_thread(get_json, f"{running.url('collector')}/ready")
    queried, beside = ready["destinations"]
    assert (queried["name"], beside["name"]) == ("influxdb", "archive")
    return dict(beside)


async def has_all(influxd: Influxd, bucket: str, count: int) -> None:
    """Wait until the store that is queried has lines 0 to `count`."""

    async def so() -> bool:
        return await asyncio.to_thread(found, influxd, bucket) == list(range(count))

    await until(so, seconds=60, what=f"{count} lines in the store")


async def test_a_destination_that_is_away_holds_up_nobody_and_gets_everything_once(
    influxd: Influxd, influx_bucket: str, tmp_path: Path
):
    """Away from the start and over a restart: the store is fed all the while; when it comes back nothing is missing."""
    config = tmp_path / "tocsin.yml"
    command = tocsin("collector", "--config", str(config))
    async with StoreServer(standing=refuse(503, "away")) as server:
        config.write_text(
            CONFIG.format(
                bucket=influx_bucket,
                archive=server.url,
                archive_token=TOKEN,
                url=influxd.url,
                org=influxd.org,
                token=influxd.token,
            )
        )
        running = start(command, tmp_path / "state")
        try:
            await running.ready("collector")
            await asyncio.to_thread(post, running.url("collector"), range(50))
            await has_all(influxd, influx_bucket, 50)

            async def waits() -> bool:
                state = await archive(running)
                return state["buffered_lines"] == 50 and state["waits_for"] == ["store_busy"]

            await until(waits, seconds=30, what="an archive that waits")
            shown = await asyncio.to_thread(status, tmp_path / "state")
            assert "destination archive: 50 lines wait" in shown
            assert "the ledger closes" in shown

            assert await asyncio.to_thread(running.interrupt, 30) == 0
            running = start(command, tmp_path / "state")
            await running.ready("collector")
            await asyncio.to_thread(post, running.url("collector"), range(50, 100))
            await has_all(influxd, influx_bucket, 100)
            assert server.lines() == []

            server.standing = store

            async def drained() -> bool:
                return (await archive(running))["buffered_lines"] == 0

            await until(drained, seconds=90, what="an archive that has everything")
            assert server.lines() == sorted(f"away,n={number} f={number}i" for number in range(100))
            assert found(influxd, influx_bucket) == list(range(100))
            assert "the ledger closes" in await asyncio.to_thread(status, tmp_path / "state")
        finally:
            running.end()


def status(state: Path) -> str:
    """What `tocsin status` prints."""
    environment = {"TOCSIN_STATE": str(state), "COLUMNS": "250"}
    return subprocess.run(
        tocsin("status"), cwd=ROOT, env=environment, capture_output=True, check=True, text=True
    ).stdout
