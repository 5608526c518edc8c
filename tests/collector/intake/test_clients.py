"""influxdb-client for Python writes here as to InfluxDB: synchronous, batching and asynchronous, unmodified."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from influxdb_client import InfluxDBClient, Point, WriteOptions, WritePrecision
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

from collector.intake.http import IntakeConfig
from collector.tokens import Scope
from tests.fakes.intake import RunningIntake, running_intake

POINT = Point("room").tag("site", "a b").field("temp", 21.5).time(datetime(2026, 1, 1, tzinfo=UTC), WritePrecision.NS)
LINE = "room,site=a\\ b temp=21.5 1767225600000000000"


@pytest.fixture
async def intake(tmp_path: Path) -> AsyncIterator[RunningIntake]:
    async with running_intake(tmp_path, IntakeConfig(listen="127.0.0.1:0", tokens="required")) as running:
        yield running


@pytest.fixture
def token(intake: RunningIntake) -> str:
    return intake.tokens.create("client", frozenset({Scope.WRITE})).reveal()


@pytest.mark.parametrize("packed", [False, True])
async def test_the_synchronous_client(intake: RunningIntake, token: str, packed: bool):
    """Points are stored, with and without gzip, and its ping is answered."""

    def talk() -> bool:
        with InfluxDBClient(intake.url, token, org="any", enable_gzip=packed) as client:
            client.write_api(write_options=SYNCHRONOUS).write("telemetry", record=POINT)
            return bool(client.ping())

    assert await asyncio.to_thread(talk)
    assert intake.buffer.lines() == [LINE]


async def test_the_batching_client(intake: RunningIntake, token: str):
    """What it gathers arrives when it is closed."""

    def talk() -> None:
        with (
            InfluxDBClient(intake.url, token, org="any") as client,
            client.write_api(write_options=WriteOptions(batch_size=50, flush_interval=10_000)) as api,
        ):
            for number in range(120):
                api.write("telemetry", record=f"m f={number} {number}", write_precision=WritePrecision.S)

    await asyncio.to_thread(talk)
    assert sorted(intake.buffer.lines()) == sorted(f"m f={number} {number}000000000" for number in range(120))


async def test_the_asynchronous_client(intake: RunningIntake, token: str):
    """It answers True for 204 alone."""
    async with InfluxDBClientAsync(intake.url, token, org="any") as client:
        assert await client.write_api().write(
            "telemetry", record=[POINT, {"measurement": "n", "fields": {"f": 1}, "time": 7}]
        )
    assert intake.buffer.lines() == [LINE, "n f=1i 7"]


async def test_its_exceptions_carry_status_and_reason(intake: RunningIntake, token: str):
    """A wrong token is 401, a bad line 400 with the line in the message."""

    def status(token: str, record: str) -> tuple[int, str]:
        with InfluxDBClient(intake.url, token, org="any") as client:
            try:
                client.write_api(write_options=SYNCHRONOUS).write("telemetry", record=record)
            except ApiException as error:
                return error.status, error.message
        return 204, ""

    assert await asyncio.to_thread(status, "wrong", "m f=1") == (401, "unauthorized access")
    code, message = await asyncio.to_thread(status, token, "m f=1 1\nm f=")
    assert code == 400
    assert "unable to parse 'm f=': missing field value" in message
