"""How each role is built from its section of the configuration, alone in its process or beside the others, and how all
of them take up another configuration.

Beside the others, alerting reads the collector's own store and asks it directly how far behind it is. The invariant of
a change: every role has found its new section good before the first one takes it up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType

from prometheus_client import CollectorRegistry

from alerting.app import Alerting
from collector.app import Collector
from collector.deliver.destinations import Destination
from console.app import Console
from demo.app import Demo
from foundation import logs
from foundation.clock import Clock
from foundation.lifecycle import Incident, Plan, Role, TakeUp
from foundation.standing import Standing
from foundation.tls import Trust
from foundation.web import Address, Listening
from store import catalog
from store.catalog import StoreConfig
from store.contract import Store
from store.remote import RemoteConfig, RemoteReader
from tocsin.config import TocsinConfig
from tocsin.sections import Sections
from tocsin.tokens import arrange_own_token

NAMES = ("collector", "demo", "alerting", "console")
"""The order of starting. The demo stands before alerting, which is told where the demo's pager accepts."""
Prepare = Callable[[Sections], Awaitable[TakeUp]]


@dataclass(slots=True)
class Roles:
    """Builds the roles of one process. `env` is the environment that rule and receiver files may refer to,
    `listening` what each role listens with, `trust` whose certificate each of our own may have.
    """

    config: TocsinConfig
    clock: Clock
    registry: CollectorRegistry
    incident: Incident
    env: Mapping[str, str]
    standing: Standing = field(default_factory=Standing)
    listening: Mapping[str, Listening] = field(default_factory=dict)
    trust: Mapping[str, Trust] = field(default_factory=dict)
    beside: Collector | None = None
    store: Store | None = None
    built: dict[str, Prepare] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)

    def plan(self, name: str) -> Plan:
        """The plan for the role called `name`."""
        plans: Mapping[str, Callable[[Sections], Role]] = {
            "collector": self._collector,
            "demo": self._demo,
            "alerting": self._alerting,
            "console": self._console,
        }

        def build(addresses: Mapping[str, str]) -> Role:
            self.addresses = addresses
            return plans[name](Sections(self.config, addresses))

        return build

    async def prepare(self, config: TocsinConfig) -> TakeUp:
        """Let every role look at `config`, in which what is FIXED is as it was.

        Raises ConfigError, and nothing has changed.
        """
        if self.beside is not None and config.collector.tokens == "required":
            await asyncio.to_thread(arrange_own_token, config.state, needed=True)
        sections = Sections(config, self.addresses)
        prepared = [await prepare(sections) for prepare in self.built.values()]
        return partial(self._take_up, config, prepared)

    async def _take_up(self, config: TocsinConfig, prepared: Sequence[TakeUp]) -> None:
        """The collector comes last: when it begins to ask for tokens, the others have theirs."""
        if config.logs != self.config.logs:
            logs.setup(config.logs.form, config.logs.level)
        self.config = config
        for take_up in reversed(prepared):
            await take_up()

    def _collector(self, sections: Sections) -> Role:
        config = sections.config
        arrange_own_token(config.state, needed=config.collector.tokens == "required")
        beside = config.collector.destinations
        self.store, *others = catalog.build_all(
            config.store,
            {one.name: one.store for one in beside},
            state=config.state,
            clock=self.clock,
            registry=self.registry,
            on_incident=self.incident.report,
        )
        role = Collector(
            config.collector,
            self.store,
            destinations=[Destination.of(one, store) for one, store in zip(beside, others, strict=True)],
            state=config.state,
            clock=self.clock,
            registry=self.registry,
            on_incident=self.incident.report,
            listening=self.listening.get("collector"),
        )
        self.beside = role
        self.built["collector"] = lambda sections: role.prepare(sections.config.collector)
        return role

    def _demo(self, sections: Sections) -> Role:
        state = sections.config.state
        role = Demo(
            sections.demo(),
            state=state,
            clock=self.clock,
            on_incident=self.incident.report,
            listening=self.listening.get("demo"),
            trust=self._trusted(sections, "collector", sections.config.demo.collector),
        )
        self.built["demo"] = lambda sections: role.prepare(sections.demo())
        return role

    def _alerting(self, sections: Sections) -> Role:
        env = dict(self.env)
        if "demo" in sections.addresses:
            env.setdefault("DEMO_PAGER_URL", Address.parse(sections.addresses["demo"]).url)
        state = sections.config.state
        trust = self._trusted(sections, "collector", sections.config.alerting.collector)
        reader = self.store or catalog.build_reader(
            sections.reader(), state=state, clock=self.clock, registry=self.registry, trust=trust
        )
        role = Alerting(
            sections.alerting(),
            reader,
            lag=self.beside.lag if self.beside else None,
            state=state,
            clock=self.clock,
            registry=self.registry,
            on_incident=self.incident.report,
            env=MappingProxyType(env),
            console_url=sections.console_url(),
            standing=self.standing,
            listening=self.listening.get("alerting"),
            trust=trust,
        )
        if self.beside:
            self.built["alerting"] = partial(_prepare_alerting, role)
            return role
        reading = Reading(role, reader)
        self.built["alerting"] = reading.prepare
        return reading

    def _console(self, sections: Sections) -> Role:
        role = Console(
            sections.console(),
            registry=self.registry,
            clock=self.clock,
            on_incident=self.incident.report,
            listening=self.listening.get("console"),
            trust=self._trusted(sections, "collector", sections.config.console.collector),
            alerting_trust=self._trusted(sections, "alerting", sections.config.console.alerting),
        )
        self.built["console"] = lambda sections: role.prepare(sections.console())
        return role

    def _trusted(self, sections: Sections, role: str, configured: str) -> Trust:
        return sections.trusted(role, configured, self.trust.get(role, True))


class Reading:
    """Alerting that reads from a store of its own: the store is opened before it and closed after it."""

    name = Alerting.name

    def __init__(self, role: Alerting, store: Store | RemoteReader) -> None:
        self._role = role
        self._store = store

    async def start(self) -> str:
        """Open the store, then start the role."""
        await self._store.open()
        return await self._role.start()

    async def stop(self) -> None:
        """Stop the role, then close the store."""
        await self._role.stop()
        await self._store.close()

    async def prepare(self, sections: Sections) -> TakeUp:
        """See Alerting; a collector that is asked in place of a store is asked by the new section too."""
        return partial(self._adopt, sections.reader(), await _prepare_alerting(self._role, sections))

    async def _adopt(self, config: StoreConfig, take_up: TakeUp) -> None:
        if isinstance(self._store, RemoteReader) and isinstance(config, RemoteConfig):
            self._store.adopt(config)
        await take_up()


async def _prepare_alerting(role: Alerting, sections: Sections) -> TakeUp:
    return await role.prepare(sections.alerting(), console_url=sections.console_url())
