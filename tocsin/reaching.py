"""How our own roles and commands reach a role that they find by listen.json: by which scheme."""

from __future__ import annotations

from foundation.web import Address
from tocsin.config import TocsinConfig


def url_of(config: TocsinConfig, role: str, where: str) -> str:
    """The URL of a role of this configuration that accepts at `where`, HOST:PORT."""
    speaks_tls = role == "collector" and config.collector.tls is not None
    return Address.parse(where).at("https" if speaks_tls else "http")
