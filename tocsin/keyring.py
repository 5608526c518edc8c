"""The TLS of one process: what its roles listen with, and whom those that ask them trust; both follow their files.

Built by `up` before anything starts, so that a bad file is told at once; its `run` stands beside the roles.
"""

from __future__ import annotations

import asyncio
import ssl

from prometheus_client import CollectorRegistry, Counter, Gauge

from foundation import tls
from foundation.errors import ConfigError
from foundation.logs import logger
from foundation.tls import Certificates, TlsConfig, Trust

_log = logger("tocsin.keyring")
_LOOK_S = 1.0
SPEAKERS = ("collector", "alerting", "console")
"""The roles that may listen with TLS, each by `tls` in its section."""


class KeyringMetrics:
    """What is counted about certificates."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.expires = Gauge(
            "tocsin_certificate_expires_seconds",
            "When the certificate in force expires, in seconds since 1970; 0 without TLS, or in another process.",
            ("role",),
            registry=registry,
        )
        self.readings = Counter(
            "tocsin_certificate_readings",
            "Times that changed certificates were read, by role and outcome: taken_up or refused.",
            ("role", "outcome"),
            registry=registry,
        )
        for role in SPEAKERS:
            self.expires.labels(role)
            for outcome in ("taken_up", "refused"):
                self.readings.labels(role, outcome)


class Keyring:
    """Of one role: `listening` is for the one of this process, if it has one, `trust` for who speaks to it."""

    def __init__(
        self, config: TlsConfig | None, *, listens: bool, metrics: KeyringMetrics, role: str = "collector"
    ) -> None:
        """Read every file. Raises ConfigError."""
        self._config, self._role = config, role
        self._metrics = metrics
        self._certificates = Certificates(config, role) if config is not None and listens else None
        self._stamp = tls.stamp(config) if config is not None else ()
        self.trust: Trust = tls.trust(config, role) if config is not None else True
        if self._certificates is not None:
            metrics.expires.labels(role).set(self._certificates.expires)

    @property
    def listening(self) -> ssl.SSLContext | None:
        """None where the role listens without TLS, or in another process."""
        return self._certificates.listening if self._certificates is not None else None

    async def run(self) -> None:
        """Look at the files once a second, until cancelled."""
        while self._config is not None:
            await asyncio.sleep(_LOOK_S)
            await asyncio.to_thread(self.look)
        await asyncio.Event().wait()

    def look(self) -> None:
        """Take up what has changed. A file with an error is told and counted; what was in force stays so."""
        try:
            taken_up = self._take_up()
        except ConfigError as error:
            self._metrics.readings.labels(self._role, "refused").inc()
            _log.error(
                "certificates not taken up, those before stay in force",
                role=self._role,
                problems="\n".join(error.problems),
            )
            return
        if taken_up:
            self._metrics.readings.labels(self._role, "taken_up").inc()
            _log.info("certificates taken up", role=self._role)

    def _take_up(self) -> bool:
        if self._config is None or not isinstance(self.trust, ssl.SSLContext):
            return False
        if self._certificates is not None:
            if not self._certificates.look():
                return False
            self._metrics.expires.labels(self._role).set(self._certificates.expires)
        else:
            found = tls.stamp(self._config)
            if found == self._stamp:
                return False
            self._stamp = found
        tls.add_trust(self.trust, self._config, self._role)
        return True
