"""What each role is told: its section of the configuration, with the token and the addresses filled in that it leaves
open. `roles` asks for them at the start and whenever the configuration changes.

A role finds another by what is configured, by where it accepts in the same process, else by listen.json of the same
state folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from alerting.config import AlertingConfig
from console.config import ConsoleConfig
from demo.config import DemoConfig
from foundation import listen
from foundation.errors import ConfigError
from foundation.secret import Secret
from foundation.tls import Trust
from foundation.web import Address
from store.catalog import StoreConfig
from store.embedded.store import EmbeddedConfig
from store.remote import RemoteConfig
from tocsin.config import TocsinConfig
from tocsin.reaching import url_of
from tocsin.tokens import own_token


@dataclass(frozen=True, slots=True)
class Sections:
    """The sections of `config` in a process whose roles accept at `addresses` (role -> HOST:PORT).

    All raise ConfigError where the address of another role is needed and nobody knows it.
    """

    config: TocsinConfig
    addresses: Mapping[str, str]

    def demo(self) -> DemoConfig:
        """The demo's, with the collector's URL and a token for it."""
        own = self.config.demo
        return replace(own, collector=self._url("collector", own.collector), token=self._token(own.token))

    def alerting(self) -> AlertingConfig:
        """Alerting's, with the collector's URL and a token for it."""
        own = self.config.alerting
        return replace(own, collector=self._url("collector", own.collector), token=self._token(own.token))

    def console(self) -> ConsoleConfig:
        """The console's, with both URLs and a token for each."""
        own = self.config.console
        is_ours = "alerting" in self.addresses or not own.alerting
        admin = own.alerting_token or (self.config.alerting.admin_token if is_ours else None)
        collector, alerting = self._url("collector", own.collector), self._url("alerting", own.alerting)
        token = self._token(own.token)
        return replace(own, collector=collector, alerting=alerting, token=token, alerting_token=admin)

    def reader(self) -> StoreConfig:
        """What alerting asks where no collector is beside it: the embedded store is its collector's to open."""
        store = self.config.store
        if not isinstance(store, EmbeddedConfig):
            return store
        alerting = self.alerting()
        return RemoteConfig(kind="remote", url=alerting.collector, token=alerting.token)

    def console_url(self) -> str:
        """Where messages link to: what was configured, else the address if it is known before the console starts."""
        address = Address.parse(self.config.console.listen)
        url = url_of(self.config, "console", self.config.console.listen)
        return self.config.console.public_url or (url if address.port else "")

    def trusted(self, role: str, configured: str, own: Trust) -> Trust:
        """Whose certificate a role's may be: `own` where it is found by itself, else whom this machine trusts.

        A role elsewhere, `configured` by its URL, is known by its name.
        """
        return own if role in self.addresses or not configured else True

    def _token(self, configured: Secret | None) -> Secret | None:
        """What was configured, else the stack's own token where the collector keeps its state beside us."""
        return configured or own_token(self.config.state)

    def _url(self, role: str, configured: str) -> str:
        if role in self.addresses:
            return url_of(self.config, role, self.addresses[role])
        if configured:
            return configured.rstrip("/")
        announced = listen.addresses(self.config.state).get(role)
        if announced is None:
            problem = f"the {role} is not running on {self.config.state}, and no address of it is configured"
            raise ConfigError(f"{problem}; start it first, or set its URL")
        return url_of(self.config, role, announced)
