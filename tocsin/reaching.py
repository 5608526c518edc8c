"""How our own roles and commands reach a role that they find by listen.json: by which scheme."""

from __future__ import annotations

from foundation.tls import TlsConfig
from foundation.web import Address
from tocsin.config import TocsinConfig


def url_of(config: TocsinConfig, role: str, where: str) -> str:
    """The URL of a role of this configuration that accepts at `where`, HOST:PORT."""
    return Address.parse(where).at("https" if tls_of(config, role) else "http")


def tls_of(config: TocsinConfig, role: str) -> TlsConfig | None:
    """What a role listens with; None without TLS."""
    sections = {"collector": config.collector.tls, "alerting": config.alerting.tls, "console": config.console.tls}
    return sections.get(role)
