"""What is examined: the configuration, and how to ask the roles that run under it. Made once, handed to every check."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from foundation import tls
from foundation.clock import Clock
from foundation.errors import ConfigError
from foundation.secret import Secret
from store.influxdb import InfluxConfig
from tocsin.config import TocsinConfig
from tocsin.doctor.finding import NotNow
from tocsin.doctor.machine import Machine
from tocsin.doctor.web import Door, Web
from tocsin.reaching import tls_of, url_of
from tocsin.tokens import own_token

ELSEWHERE = "the collector runs elsewhere, and its tokens lie there: run the doctor there, too"
"""Why some things about a collector cannot be asked here."""


@dataclass(frozen=True, slots=True)
class Patient:
    """`announced` is listen.json: role -> HOST:PORT; `owners` says which process each role is."""

    config: TocsinConfig
    machine: Machine
    web: Web
    clock: Clock
    announced: Mapping[str, str] = field(default_factory=dict)
    owners: Mapping[str, int] = field(default_factory=dict)

    @property
    def collector(self) -> Door:
        """The collector: the one of this state folder, else the one that another role is configured to ask.

        Raises NotNow where none runs.
        """
        config = self.config
        return self._door("collector", own_token(config.state) or config.alerting.token or config.console.token)

    @property
    def alerting(self) -> Door:
        """The same for alerting."""
        return self._door("alerting", self.config.alerting.admin_token)

    @property
    def changes(self) -> Door:
        """Alerting, asked with the token that the console sends with a change."""
        config = self.config
        return self._door("alerting", config.console.alerting_token or config.alerting.admin_token)

    def role(self, name: str) -> Door:
        """Any role, asked without a token. Raises NotNow where none runs."""
        return self._door(name, None)

    @property
    def elsewhere(self) -> Mapping[str, str]:
        """Role -> the URL by which another role is configured to ask it."""
        alerting, console = self.config.alerting, self.config.console
        urls = {"collector": alerting.collector or console.collector, "alerting": console.alerting}
        return {role: url.rstrip("/") for role, url in urls.items() if url}

    @property
    def is_collector_elsewhere(self) -> bool:
        """Whether the collector, with its state and its own token, is another machine's or container's."""
        return "collector" not in self.announced and "collector" in self.elsewhere

    @property
    def servers(self) -> Iterator[tuple[str, InfluxConfig, str]]:
        """Every InfluxDB that is configured: its key, how it is reached, and the bucket that lines go to there."""
        store, bucket = self.config.store, self.config.collector.bucket
        if isinstance(store, InfluxConfig):
            yield "store", store, bucket
        for index, one in enumerate(self.config.collector.destinations):
            yield f"collector.destinations[{index}].store", one.store, one.buckets.get(bucket, bucket)

    def _door(self, role: str, token: Secret | None) -> Door:
        headers = {"Authorization": f"Token {token.reveal()}"} if token else {}
        where = self.announced.get(role)
        if where is not None:
            return Door(self.web, url_of(self.config, role, where), headers, _trust(self.config, role))
        if role in self.elsewhere:
            return Door(self.web, self.elsewhere[role], headers)
        raise NotNow(f"no {role} runs")


def _trust(config: TocsinConfig, role: str) -> ssl.SSLContext | None:
    own = tls_of(config, role)
    try:
        return tls.trust(own, role) if own is not None else None
    except ConfigError as error:
        raise NotNow("the certificate has a fault") from error
