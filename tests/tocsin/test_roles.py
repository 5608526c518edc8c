"""Roles of one process take up a configuration together: all of them look first, and none is left without a token."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from alerting.config import AlertingConfig
from collector.config import CollectorConfig, HealthConfig
from collector.intake.host import HostConfig
from collector.tokens import Scope
from console.config import ConsoleConfig
from foundation.clock import SystemClock
from foundation.errors import ConfigError
from foundation.lifecycle import Incident, Role, TakeUp
from foundation.secret import Secret
from tests.fakes.polling import until
from tocsin.config import TocsinConfig
from tocsin.roles import NAMES, Prepare, Reading, Roles
from tocsin.sections import Sections
from tocsin.tokens import open_book


@dataclass
class Running:
    """Collector and console in this process, as `up` runs them."""

    roles: Roles
    config: TocsinConfig
    http: aiohttp.ClientSession
    started: list[Role] = field(default_factory=list)
    addresses: dict[str, str] = field(default_factory=dict)

    async def start(self) -> None:
        for name in ("collector", "console"):
            role = self.roles.plan(name)(self.addresses)
            self.started.append(role)
            self.addresses[name] = await role.start()

    async def require_tokens(self, mode: str, **settings: str) -> None:
        collector = replace(self.config.collector, tokens=mode, **settings)  # type: ignore[arg-type]  # a literal
        take_up = await self.roles.prepare(replace(self.config, collector=collector))
        await take_up()

    async def write(self) -> int:
        async with self.http.post(f"http://{self.addresses['collector']}/write", data="m f=1") as answer:
            return answer.status

    async def ask(self) -> int:
        url = f"http://{self.addresses['console']}/api/query"
        async with self.http.post(url, data={"q": "SHOW MEASUREMENTS"}) as answer:
            return answer.status


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    config = TocsinConfig(
        state=tmp_path,
        collector=CollectorConfig(
            listen="127.0.0.1:0",
            tokens="open",
            host=HostConfig(enabled=False),
            health=HealthConfig(enabled=False),
        ),
        console=ConsoleConfig(listen="127.0.0.1:0", alerting="http://127.0.0.1:9"),
    )
    async with aiohttp.ClientSession() as http:
        one = Running(Roles(config, SystemClock(), CollectorRegistry(), Incident(), {}), config, http)
        try:
            await one.start()
            yield one
        finally:
            for role in reversed(one.started):
                await role.stop()


async def test_a_collector_that_begins_to_ask_for_tokens_is_still_asked_by_the_console(running: Running) -> None:
    """Our own roles get a token before strangers need one; going back to open asks nobody for any."""
    assert (await running.write(), await running.ask()) == (204, 200)
    await running.require_tokens("required")
    assert (await running.write(), await running.ask()) == (401, 200)
    await running.require_tokens("open")
    assert (await running.write(), await running.ask()) == (204, 200)
    await running.require_tokens("required")
    assert (await running.write(), await running.ask()) == (401, 200)


async def test_where_one_role_objects_none_takes_anything_up(running: Running) -> None:
    """`tokens: open` beside a token of somebody is refused, and the console keeps its old section too."""
    await running.require_tokens("required")
    open_book(running.config.state).create("gateway", frozenset({Scope.WRITE}))
    console = replace(running.config.console, collector="", boards=running.config.state)
    with pytest.raises(ConfigError, match=r"collector\.tokens: open, but there are tokens"):
        await running.roles.prepare(replace(running.config, console=console))

    async with running.http.get(f"http://{running.addresses['console']}/api/boards") as answer:
        assert (await answer.json())["boards"] != []
    assert (await running.write(), await running.ask()) == (401, 200)


async def test_alerting_alone_asks_its_collector_by_the_new_section(running: Running, tmp_path: Path) -> None:
    """In a process of its own alerting reads through the collector; another URL holds for reading as well."""
    config = TocsinConfig(state=tmp_path / "elsewhere")
    gone = replace(config.alerting, listen="127.0.0.1:0", collector="http://127.0.0.1:9")
    alone = Roles(replace(config, alerting=gone), SystemClock(), CollectorRegistry(), Incident(), {})
    role = alone.plan("alerting")({})
    assert await running.write() == 204
    try:
        await role.start()
        found = replace(gone, collector=f"http://{running.addresses['collector']}")
        take_up = await alone.prepare(replace(config, alerting=found))
        await take_up()
        assert isinstance(role, Reading)
        store = role._store

        async def seen() -> bool:
            return "telemetry" in await store.buckets()

        await until(seen, what="the collector's bucket")
    finally:
        await role.stop()


async def test_all_look_before_one_takes_up_and_the_collector_is_last() -> None:
    """In the order of building the roles look, in the reverse order they take up: the collector is built first."""
    events: list[str] = []

    def recorded(name: str) -> Prepare:
        async def prepare(_sections: Sections) -> TakeUp:
            events.append(f"look {name}")
            return take_up

        async def take_up() -> None:
            events.append(f"take up {name}")

        return prepare

    built = {name: recorded(name) for name in NAMES}
    roles = Roles(TocsinConfig(), SystemClock(), CollectorRegistry(), Incident(), {}, built=built)
    take_up = await roles.prepare(TocsinConfig())
    assert events == ["look collector", "look demo", "look alerting", "look console"]

    await take_up()
    assert events[4:] == ["take up console", "take up alerting", "take up demo", "take up collector"]


def test_the_console_has_alertings_own_token_where_alerting_is_ours(tmp_path: Path) -> None:
    """In one process, or on one state; a console that is pointed elsewhere sends what it was given, else nothing."""
    ours, given = Secret("ours"), Secret("given")
    alerting = AlertingConfig(admin_token=ours)
    here = {"collector": "127.0.0.1:1", "alerting": "127.0.0.1:2"}
    apart = {"collector": "127.0.0.1:1"}
    elsewhere = ConsoleConfig(alerting="http://127.0.0.1:9")

    def token(console: ConsoleConfig, addresses: dict[str, str]) -> Secret | None:
        config = TocsinConfig(state=tmp_path, alerting=alerting, console=console)
        return Sections(config, addresses).console().alerting_token

    assert token(ConsoleConfig(), here) == ours
    assert token(ConsoleConfig(alerting_token=given), here) == given
    assert token(elsewhere, apart) is None
    assert token(replace(elsewhere, alerting_token=given), apart) == given
