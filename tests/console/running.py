"""A console under test: the real role on a free port, in front of whatever the test puts behind it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from prometheus_client import CollectorRegistry

from console.app import Console
from console.config import ConsoleConfig
from tests.fakes.clock import ManualClock

NOBODY = "http://127.0.0.1:9"
"""An address at which nothing listens (the discard port)."""


@asynccontextmanager
async def running_console(
    config: ConsoleConfig | None = None,
    *,
    collector_url: str = NOBODY,
    alerting_url: str = NOBODY,
    listen: str = "127.0.0.1:0",
) -> AsyncIterator[str]:
    """Its URL."""
    console = Console(
        replace(config or ConsoleConfig(), listen=listen, collector=collector_url, alerting=alerting_url),
        registry=CollectorRegistry(),
        clock=ManualClock(),
        on_incident=lambda _name, _error: None,
    )
    try:
        yield f"http://{await console.start()}"
    finally:
        await console.stop()
