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
from collector.deliver.destinations import check_names
from console.config import ConsoleConfig
from demo.config import DemoConfig
from foundation import settings
from foundation.differences import FIXED
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

    state: Path = field(default=Path("var"), metadata=FIXED)
    collector: CollectorConfig = field(default_factory=CollectorConfig)
    store: StoreConfig = field(default_factory=EmbeddedConfig, metadata=FIXED)
    alerting: AlertingConfig = field(default_factory=AlertingConfig)
    console: ConsoleConfig = field(default_factory=ConsoleConfig)
    demo: DemoConfig = field(default_factory=DemoConfig)
    logs: LogsConfig = field(default_factory=LogsConfig)

    def __post_init__(self) -> None:
        """Refuse a destination under the name of the store, which is its kind."""
        try:
            check_names(self.collector.destinations, self.store.kind)
        except ValueError as error:
            raise ValueError(f"collector.{error}") from error


def demo_file() -> Path:
    """The configuration that `tocsin up --demo` uses when none is named."""
    return Path(str(demo.__file__)).parent / "tocsin.yml"


Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Source:
    """Where configuration is read from: a file and the environment. With `may_lack` no file is an empty one."""

    path: Path
    env: Mapping[str, str]
    may_lack: bool = False

    def read(self, *, was_there: bool = False) -> TocsinConfig:
        """All of it. Raises ConfigError, also when a file that `was_there` is gone."""
        return settings.load(TocsinConfig, self.path, self.env, may_lack=self.may_lack and not was_there)

    def stamp(self) -> Stamp | None:
        """Changes when the file does; None while there is none."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino


def source(file: Path | None, *, with_demo: bool = False, env: Mapping[str, str] = os.environ) -> Source:
    """The file that was named; else the demo's with `with_demo`, else ./tocsin.yml if it is there."""
    if file is None and with_demo:
        return Source(demo_file(), env)
    return Source(file or DEFAULT_FILE, env, may_lack=file is None)


def load(file: Path | None, *, with_demo: bool = False, env: Mapping[str, str] = os.environ) -> TocsinConfig:
    """The configuration of this process, from `source`. Raises ConfigError."""
    return source(file, with_demo=with_demo, env=env).read()
