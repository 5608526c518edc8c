"""Intake over TLS: unmodified clients, and who a client's certificate says it is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from influxdb_client import InfluxDBClient
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.client.write_api import SYNCHRONOUS

from collector.intake.http import IntakeConfig
from collector.tokens import Scope
from foundation.tls import TlsConfig, trust
from tests.fakes.authority import Authority
from tests.fakes.intake import RunningIntake, running_intake

WRITE = "/api/v2/write?bucket=telemetry"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "pki")


@asynccontextmanager
async def speaking_tls(folder: Path, tls: TlsConfig, tokens: str = "open") -> AsyncIterator[RunningIntake]:
    config = IntakeConfig(listen="127.0.0.1:0", tokens="open" if tokens == "open" else "required", tls=tls)
    async with running_intake(folder, config) as intake:
        yield intake


def server_side(authority: Authority) -> TlsConfig:
    pair = authority.issue("collector")
    return TlsConfig(certificate=pair.certificate, key=pair.key)


def mutual(authority: Authority) -> TlsConfig:
    pair = authority.issue("collector")
    return TlsConfig(certificate=pair.certificate, key=pair.key, client_ca=authority.file)


async def post(intake: RunningIntake, tls: TlsConfig, headers: dict[str, str] | None = None) -> int:
    async with intake.session.post(intake.url + WRITE, data=b"m f=1 10", ssl=trust(tls), headers=headers) as answer:
        return answer.status


async def test_the_synchronous_influxdb_client_writes_over_tls(authority: Authority, tmp_path: Path):
    """With the authority's file as its ssl_ca_cert, and by the name in the address."""
    async with speaking_tls(tmp_path, server_side(authority)) as intake:

        def talk() -> None:
            with InfluxDBClient(intake.url, "t", org="any", ssl_ca_cert=str(authority.file)) as client:
                client.write_api(write_options=SYNCHRONOUS).write("telemetry", record="m f=1 10")

        await asyncio.to_thread(talk)
        assert intake.buffer.lines() == ["m f=1 10"]


async def test_the_asynchronous_influxdb_client_writes_over_tls(authority: Authority, tmp_path: Path):
    """As the synchronous one."""
    async with (
        speaking_tls(tmp_path, server_side(authority)) as intake,
        InfluxDBClientAsync(intake.url, "t", org="any", ssl_ca_cert=str(authority.file)) as client,
    ):
        assert await client.write_api().write("telemetry", record="m f=1 10")
        assert intake.buffer.lines() == ["m f=1 10"]


async def test_who_does_not_know_the_authority_sends_nothing(authority: Authority, tmp_path: Path):
    """And plain HTTP gets no answer at all."""
    async with speaking_tls(tmp_path, server_side(authority)) as intake:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await intake.post(WRITE, b"m f=1 10")
        with pytest.raises(aiohttp.ClientError):
            await intake.session.get(intake.url.replace("https", "http") + "/ping")
        assert intake.buffer.batches == []


async def test_with_mutual_tls_the_certificates_name_is_the_source(authority: Authority, tmp_path: Path):
    """Of every request of the connection."""
    tls = mutual(authority)
    device = authority.issue("press-7", usage="clientAuth")
    client = TlsConfig(
        certificate=tls.certificate,
        key=tls.key,
        client_ca=tls.client_ca,
        own_certificate=device.certificate,
        own_key=device.key,
    )
    async with speaking_tls(tmp_path, tls) as intake:
        assert [await post(intake, client) for _ in range(3)] == [204] * 3
        assert {batch.source for batch in intake.buffer.batches} == {"cert:press-7"}


async def test_a_token_says_more_than_a_certificate(authority: Authority, tmp_path: Path):
    """Where tokens are required, one is required of who has a certificate too, and names the source."""
    tls = mutual(authority)
    async with speaking_tls(tmp_path, tls, "required") as intake:
        assert await post(intake, tls) == 401
        token = intake.tokens.create("press", frozenset({Scope.WRITE})).reveal()
        assert await post(intake, tls, {"Authorization": f"Token {token}"}) == 204
        assert {batch.source for batch in intake.buffer.batches} == {"token:press"}


async def test_with_mutual_tls_nobody_gets_in_without_a_certificate(authority: Authority, tmp_path: Path):
    """The handshake fails; no request is read."""
    tls = mutual(authority)
    without = TlsConfig(certificate=tls.certificate, key=tls.key)
    async with speaking_tls(tmp_path, tls) as intake:
        with pytest.raises(aiohttp.ClientError):
            await post(intake, without)
        assert intake.buffer.batches == []
