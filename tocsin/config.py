"""What tocsin.yml holds: one section a room, each section's type in the room itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import demo
from alerting.config import AlertingConfig
from collector.config import CollectorConfig
from console.config import ConsoleConfig
from demo.config import DemoConfig
from foundation import settings
from store.catalog import StoreConfig
from store.embedded.store import EmbeddedConfig

DEFAULT_FILE = Path("tocsin.yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogsConfig:
    """How events are written to standard error: as `text` or one `json` object a line."""

    form: Literal["text", "json"] = "text"
    level: Literal["debug", "info", "warning", "error"] = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class TocsinConfig:
    """The whole of tocsin.yml. `state` is the folder of everything durable."""

    state: Path = Path("var")
    collector: CollectorConfig = field(default_factory=CollectorConfig)
    store: StoreConfig = field(default_factory=EmbeddedConfig)
    alerting: AlertingConfig = field(default_factory=AlertingConfig)
    console: ConsoleConfig = field(default_factory=ConsoleConfig)
    demo: DemoConfig = field(default_factory=DemoConfig)
    logs: LogsConfig = field(default_factory=LogsConfig)


def demo_file() -> Path:
    """The configuration that `tocsin up --demo` uses when none is named."""
    return Path(str(demo.__file__)).parent / "tocsin.yml"


def load(file: Path | None, *, with_demo: bool = False, env: Mapping[str, str] = os.environ) -> TocsinConfig:
    """The configuration of this process. No file named: the demo's with `with_demo`, else ./tocsin.yml if it is there.

    Raises ConfigError.
    """
    if file is None and with_demo:
        return settings.load(TocsinConfig, demo_file(), env)
    return settings.load(TocsinConfig, file or DEFAULT_FILE, env, may_lack=file is None)
