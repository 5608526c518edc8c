"""How each role is built from its section of the configuration, alone in its process or beside the others.

Beside the others, alerting reads the collector's own store and asks it directly how far behind it is. Alone, a role
finds the others by the addresses in its section, else in listen.json of the same state folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from prometheus_client import CollectorRegistry

from alerting.app import Alerting
from collector.app import Collector
from console.app import Console
from demo.app import Demo
from foundation import listen
from foundation.clock import Clock
from foundation.errors import ConfigError
from foundation.lifecycle import Incident, Plan, Role
from foundation.secret import Secret
from foundation.web import Address
from store import catalog
from store.contract import Store
from store.embedded.store import EmbeddedConfig
from store.remote import RemoteConfig, RemoteReader
from tocsin.config import TocsinConfig
from tocsin.tokens import arrange_own_token, own_token

NAMES = ("collector", "demo", "alerting", "console")
"""The order of starting. The demo stands before alerting, which is told where the demo's pager accepts."""


@dataclass(slots=True)
class Roles:
    """Builds the roles of one process. `env` is the environment that rule and receiver files may refer to."""

    config: TocsinConfig
    clock: Clock
    registry: CollectorRegistry
    incident: Incident
    env: Mapping[str, str]
    beside: Collector | None = None
    store: Store | None = None

    def plan(self, name: str) -> Plan:
        """The plan for the role called `name`."""
        plans: Mapping[str, Plan] = {
            "collector": self._collector,
            "demo": self._demo,
            "alerting": self._alerting,
            "console": self._console,
        }
        return plans[name]

    def _collector(self, addresses: Mapping[str, str]) -> Role:
        del addresses
        arrange_own_token(self.config.state, needed=self.config.collector.tokens == "required")
        self.store = catalog.build(self.config.store, state=self.config.state, clock=self.clock, registry=self.registry)
        self.beside = Collector(
            self.config.collector,
            self.store,
            state=self.config.state,
            clock=self.clock,
            registry=self.registry,
            on_incident=self.incident.report,
        )
        return self.beside

    def _demo(self, addresses: Mapping[str, str]) -> Role:
        return Demo(
            replace(self.config.demo, token=self._token(self.config.demo.token)),
            collector_url=self._url("collector", addresses, self.config.demo.collector),
            state=self.config.state,
            clock=self.clock,
            on_incident=self.incident.report,
        )

    def _alerting(self, addresses: Mapping[str, str]) -> Role:
        env = dict(self.env)
        if "demo" in addresses:
            env.setdefault("DEMO_PAGER_URL", Address.parse(addresses["demo"]).url)
        collector_url = self._url("collector", addresses, self.config.alerting.collector)
        reader = self._reader(collector_url)
        role = Alerting(
            replace(self.config.alerting, token=self._token(self.config.alerting.token)),
            reader,
            lag=self.beside.lag if self.beside else None,
            collector_url=collector_url,
            state=self.config.state,
            clock=self.clock,
            registry=self.registry,
            on_incident=self.incident.report,
            env=MappingProxyType(env),
            console_url=self._console_url(),
        )
        return role if self.beside else Reading(role, reader)

    def _console(self, addresses: Mapping[str, str]) -> Role:
        return Console(
            replace(self.config.console, token=self._token(self.config.console.token)),
            collector_url=self._url("collector", addresses, self.config.console.collector),
            alerting_url=self._url("alerting", addresses, self.config.console.alerting),
            registry=self.registry,
            clock=self.clock,
            on_incident=self.incident.report,
        )

    def _token(self, configured: Secret | None) -> Secret | None:
        """What was configured, else the stack's own token where the collector keeps its state beside us."""
        return configured or own_token(self.config.state)

    def _console_url(self) -> str:
        """Where messages link to: what was configured, else the address if it is known before the console starts."""
        address = Address.parse(self.config.console.listen)
        return self.config.console.public_url or (address.url if address.port else "")

    def _reader(self, collector_url: str) -> Store | RemoteReader:
        if self.store is not None:
            return self.store
        config = self.config.store
        if isinstance(config, EmbeddedConfig):
            config = RemoteConfig(kind="remote", url=collector_url, token=self._token(self.config.alerting.token))
        return catalog.build_reader(config, state=self.config.state, clock=self.clock, registry=self.registry)

    def _url(self, role: str, addresses: Mapping[str, str], configured: str) -> str:
        if role in addresses:
            return Address.parse(addresses[role]).url
        if configured:
            return configured.rstrip("/")
        announced = listen.addresses(self.config.state).get(role)
        if announced is None:
            problem = f"the {role} is not running on {self.config.state}, and no address of it is configured"
            raise ConfigError(f"{problem}; start it first, or set its URL")
        return Address.parse(announced).url


class Reading:
    """A role that reads from a store of its own: the store is opened before it and closed after it."""

    def __init__(self, role: Role, store: Store | RemoteReader) -> None:
        self._role = role
        self._store = store
        self.name = role.name

    async def start(self) -> str:
        """Open the store, then start the role."""
        await self._store.open()
        return await self._role.start()

    async def stop(self) -> None:
        """Stop the role, then close the store."""
        await self._role.stop()
        await self._store.close()

    async def reload(self) -> None:
        """The role's own."""
        await self._role.reload()
