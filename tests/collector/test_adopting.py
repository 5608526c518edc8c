"""A running collector takes up another configuration: the socket stays, requests under way end as they began."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from collector.app import Collector
from collector.buffer.disk import DiskConfig
from collector.check.catalog import ChecksConfig
from collector.check.string_size import StringSizeConfig
from collector.config import CollectorConfig, HealthConfig
from collector.decode.json_telemetry import JsonTelemetryConfig
from collector.intake.host import HostConfig
from collector.intake.limits import LimitsConfig
from collector.pipeline import BadLines
from collector.tokens import OWN, Scope, TokenBook
from foundation.clock import SystemClock
from foundation.errors import ConfigError
from foundation.line_protocol.grammar import LONGEST_FAST_LINE
from foundation.line_protocol.parse import parse_line
from tests.fakes.buffers import Incidents
from tests.fakes.polling import until
from tests.fakes.store import MemoryStore


def config(**settings: Any) -> CollectorConfig:
    quiet: dict[str, Any] = {"host": HostConfig(enabled=False), "health": HealthConfig(enabled=False)}
    return CollectorConfig(**{"listen": "127.0.0.1:0", "tokens": "open", **quiet, **settings})


class Running:
    def __init__(self, state: Path) -> None:
        self.state = state
        self.store = MemoryStore("embedded")
        self.registry = CollectorRegistry()
        self.incidents = Incidents()
        self.role = Collector(
            config(),
            self.store,
            state=state,
            clock=SystemClock(),
            registry=self.registry,
            on_incident=self.incidents,
        )
        self.url = ""
        self.http = aiohttp.ClientSession()

    async def adopt(self, **settings: Any) -> None:
        take_up = await self.role.prepare(config(**settings))
        await take_up()

    async def post(self, path: str, body: Any, token: str = "") -> int:
        headers = {"Authorization": f"Token {token}"} if token else {}
        async with self.http.post(self.url + path, data=body, headers=headers) as answer:
            return answer.status

    def stored(self, bucket: str = "telemetry") -> list[bytes]:
        return self.store.lines.get(bucket, [])


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    one = Running(tmp_path)
    one.url = f"http://{await one.role.start()}"
    yield one
    await one.http.close()
    await one.role.stop()
    assert one.incidents == []


BAD = b"m f=1 1\nbad\n"
LONG = b'm s="%s" 1' % (b"x" * (LONGEST_FAST_LINE + 1))


async def test_what_a_line_may_be_changes_at_once(running: Running):
    """bad_lines: under `keep` the good line of a body is stored (400 names the other); under `reject` none is."""
    assert await running.post("/write?db=telemetry", BAD) == 400
    await until(lambda: running.stored() == [b"m f=1 1"])

    await running.adopt(bad_lines=BadLines.REJECT)
    assert await running.post("/write?db=telemetry", BAD) == 400
    assert await running.post("/write?db=telemetry", b"m f=2 2\n") == 204
    await until(lambda: len(running.stored()) == 2)
    assert running.stored() == [b"m f=1 1", b"m f=2 2"]


async def test_readings_are_mapped_and_checked_by_the_new_section(running: Running):
    """json, checks and the default bucket."""
    reading = b'{"machine":"a","t":1,"time":1}'
    assert await running.post("/v1/telemetry", reading) == 204
    await until(running.stored)
    before = parse_line(running.stored()[0])
    assert (before.tags, dict(before.fields)) == ((), {"machine": "a", "t": 1.0})

    checks = ChecksConfig(string_size=StringSizeConfig(most_bytes=4))
    await running.adopt(json=JsonTelemetryConfig(tags=("machine",)), checks=checks, bucket="other")
    assert await running.post("/v1/telemetry", reading) == 204
    await until(lambda: running.stored("other"))
    after = parse_line(running.stored("other")[0])
    assert (after.tags, dict(after.fields)) == ((("machine", "a"),), {"t": 1.0})
    assert await running.post("/write", b'm s="12345" 1') == 422


async def test_the_longest_line_changes_at_once(running: Running):
    """limits.line_bytes: the decoders are made anew with it, though nothing else of the section differs."""
    assert await running.post("/write", LONG) == 204

    await running.adopt(limits=LimitsConfig(line_bytes=LONGEST_FAST_LINE))
    assert await running.post("/write", LONG) == 422


async def test_limits_change_at_once(running: Running):
    """The longest body, the quota and how long a question may take."""
    await running.adopt(max_body_bytes=10, buffer=DiskConfig(quota_bytes=1), query_deadline=timedelta(seconds=7))
    assert await running.post("/write", b"m f=1 1234567890123") == 413
    assert await running.post("/write", b"m f=1 1") == 503
    assert running.registry.get_sample_value("tocsin_buffer_quota_bytes") == 1
    async with running.http.get(f"{running.url}/query?db=telemetry&q=SHOW+MEASUREMENTS") as answer:
        assert answer.status == 200
    assert [deadline_s for _, _, deadline_s in running.store.queries] == [7.0]

    await running.adopt()
    assert await running.post("/write", b"m f=1 1234567890123") == 204


async def test_a_request_under_way_ends_as_it_began(running: Running):
    """A body that was answered 100 Continue before the change is judged by the configuration of its beginning."""
    began, go_on = asyncio.Event(), asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        began.set()
        await go_on.wait()
        yield BAD

    async def post() -> int:
        async with running.http.post(f"{running.url}/write?db=telemetry", data=body(), expect100=True) as answer:
            return answer.status

    slow = asyncio.create_task(post())
    await began.wait()
    await running.adopt(bad_lines=BadLines.REJECT, bucket="other")
    go_on.set()

    assert await slow == 400
    await until(lambda: running.stored() == [b"m f=1 1"], what="the good line of the old way")


async def test_tokens_can_be_required_while_running(running: Running):
    """From then on a request without a token is 401; one with a token that was made before passes."""
    assert await running.post("/write", b"m f=1 1") == 204
    secret = TokenBook(running.state / "tokens.json", SystemClock()).create("gateway", frozenset({Scope.WRITE}))
    await running.adopt(tokens="required")

    assert await running.post("/write", b"m f=1 2") == 401
    assert await running.post("/write", b"m f=1 3", secret.reveal()) == 204


async def test_what_protects_something_is_not_opened(running: Running):
    """While there are tokens of others, `tokens: open` is refused before anything changes; our own is no obstacle."""
    book = TokenBook(running.state / "tokens.json", SystemClock())
    await running.adopt(tokens="required")
    book.create(OWN, frozenset({Scope.WRITE}))
    book.create("gateway", frozenset({Scope.WRITE}))
    with pytest.raises(ConfigError, match="there are tokens"):
        await running.role.prepare(config(bucket="other"))
    assert await running.post("/write", b"m f=1 1") == 401

    book.revoke("gateway")
    await running.adopt()
    assert await running.post("/write", b"m f=1 2") == 204


async def test_inputs_are_switched_on_and_off(running: Running):
    """Both `host` and `health` begin when they are enabled, by their new period, and rest when they are not."""
    second = timedelta(seconds=1)
    await running.adopt(host=HostConfig(every=second, name="box"), health=HealthConfig(every=second), bucket="own")

    def measurements() -> set[bytes]:
        return {line.split(b",")[0] for line in running.stored("own")}

    await until(lambda: {b"host", b"tocsin_buffer_lines"} <= measurements())
    assert any(line.startswith(b"host,host=box ") for line in running.stored("own"))
    await running.adopt()
    names = {task.get_name() for task in asyncio.all_tasks()}
    assert not names & {"intake.host", "collector.health"}
