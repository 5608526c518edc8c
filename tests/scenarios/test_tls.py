"""A whole stack under mutual TLS: our own roles and commands reach the collector, and a renewal needs no restart."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from foundation.tls import TlsConfig, trust
from tests.fakes.authority import Authority
from tests.fakes.polling import until
from tests.fakes.process import ROOT, Running, start, tocsin

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

CONFIG = """\
collector:
  tokens: open
  host: {enabled: false}
  tls: {certificate: collector.pem, key: collector.key, client_ca: ca.pem}
alerting:
  tls: {certificate: alerting.pem, key: alerting.key}
console:
  tls: {certificate: console.pem, key: console.key}
"""


@pytest.fixture
async def authority(tmp_path: Path) -> Authority:
    authority = Authority(tmp_path)
    for role in ("collector", "alerting", "console"):
        authority.issue(role)
    (tmp_path / "tocsin.yml").write_text(CONFIG)
    return authority


@pytest.fixture
async def process(authority: Authority, tmp_path: Path) -> AsyncIterator[Running]:
    process = start(tocsin("up", "--config", str(tmp_path / "tocsin.yml")), tmp_path / "state")
    try:
        yield process
    finally:
        process.end()


def own_side(folder: Path) -> ssl.SSLContext:
    pair = {"certificate": folder / "collector.pem", "key": folder / "collector.key"}
    return trust(TlsConfig(client_ca=folder / "ca.pem", **pair))


def beside(folder: Path, role: str) -> ssl.SSLContext:
    """Trusts a role's certificate, and has none."""
    return trust(TlsConfig(certificate=folder / f"{role}.pem", key=folder / f"{role}.key"))


def credulous() -> ssl.SSLContext:
    """Trusts everybody, and has no certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def command(process: Running, *words: str) -> subprocess.CompletedProcess[str]:
    """One command of ours on the same state and configuration."""
    environment = {"TOCSIN_STATE": str(process.state), "PATH": "/usr/bin:/bin"}
    config = ("--config", str(process.state.parent / "tocsin.yml"))
    line = [*tocsin(*words[:1]), *config, *words[1:]]
    return await asyncio.to_thread(
        subprocess.run, line, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


async def test_the_stack_speaks_mutual_tls_and_a_renewal_needs_no_restart(
    process: Running, authority: Authority, tmp_path: Path
) -> None:
    """Console, alerting and commands ask the collector; after a renewal too; strangers get no answer."""
    await process.ready("collector", "alerting", "console")
    url = f"https://{process.listening()['collector']}"
    async with aiohttp.ClientSession() as http:

        async def write(line: str, side: ssl.SSLContext) -> int:
            async with http.post(f"{url}/write", data=line, ssl=side, headers={"Connection": "close"}) as answer:
                return answer.status

        async def behind_console() -> int:
            return await told(http, process, "api/collector")

        old = own_side(tmp_path)
        assert await write("m f=1 10", old) == 204
        assert await behind_console() == 200
        found = await command(process, "query", "--json", "SELECT f FROM m")
        assert json.loads(found.stdout)["results"][0]["series"][0]["values"][0][1] == 1, found.stderr
        assert (await command(process, "status")).returncode == 0
        with pytest.raises(aiohttp.ClientError):
            await write("m f=2 20", credulous())

        renewed = authority.issue("renewed")
        renewed.key.rename(tmp_path / "collector.key")
        renewed.certificate.rename(tmp_path / "collector.pem")
        new = own_side(tmp_path)

        async def renews() -> bool:
            try:
                return await write("m f=3 30", new) == 204
            except aiohttp.ClientError:
                return False

        await until(renews, seconds=30, what="the renewed certificate")
        assert await until(behind_console, what="the console with the renewed certificate") == 200
        assert (await command(process, "status")).returncode == 0
    assert await asyncio.to_thread(process.interrupt) == 0


async def told(http: aiohttp.ClientSession, process: Running, path: str) -> int:
    """The status of what the console answers, over TLS."""
    url = f"https://{process.listening()['console']}/{path}"
    async with http.get(url, ssl=beside(process.state.parent, "console")) as answer:
        return answer.status


async def test_alerting_and_console_listen_with_tls_too(process: Running) -> None:
    """The console asks alerting over TLS and a command does, too; in clear nobody is answered."""
    await process.ready("collector", "alerting", "console")
    async with aiohttp.ClientSession() as http:
        assert await told(http, process, "api/alerting/status") == 200
        made = await command(process, "silence", "list", "--json")
        assert (made.returncode, json.loads(made.stdout)) == (0, {"silences": []}), made.stderr
        for role in ("alerting", "console"):
            with pytest.raises(aiohttp.ClientError):
                await http.get(process.url(role))


async def test_check_finds_a_key_of_another_certificate(authority: Authority, tmp_path: Path) -> None:
    """Before anything starts, with file and mend; a start says the same and does not happen."""
    authority.issue("other").key.rename(tmp_path / "collector.key")
    problem = (
        f"collector.tls.key: {tmp_path}/collector.key: is not the key of {tmp_path}/collector.pem; "
        "name the key that it was made with"
    )
    process = start(tocsin("check", "--config", str(tmp_path / "tocsin.yml")), tmp_path / "state")
    assert await asyncio.to_thread(process.process.wait, 60) == 2
    assert problem in process.log.read_text()
    process = start(tocsin("collector", "--config", str(tmp_path / "tocsin.yml")), tmp_path / "state")
    assert await asyncio.to_thread(process.process.wait, 60) == 2
    assert process.log.read_text().count(problem) == 2
