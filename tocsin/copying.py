"""A copy of the embedded store for a command: made by the running collector, or here where none runs.

One process alone may open the store's file, so a running collector is asked; from one on another machine (`--url`) the
copy is fetched. The copy is a file that nobody else has open, and it is removed when the command is done with it.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from foundation import listen
from foundation.clock import SystemClock
from foundation.errors import ConfigError
from store.contract import Copied
from store.embedded.copying import count_lines
from store.embedded.sizes import read_size
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from store.errors import StoreUnavailable
from store.remote import RemoteConfig
from tocsin.asking import Collector, Refused
from tocsin.config import TocsinConfig
from tocsin.fetching import COPY, fetch, forget

_PATIENCE_S = 24 * 3600.0


def file_of(config: TocsinConfig) -> Path | None:
    """Where the embedded store keeps its file; None where another store is configured."""
    store = config.store
    if not isinstance(store, EmbeddedConfig):
        return None
    return store.path or config.state / "telemetry.duckdb"


def elsewhere(config: TocsinConfig) -> str:
    """What to do about lines that another program keeps."""
    if isinstance(config.store, RemoteConfig):
        url = config.store.url
        return f"store: the lines are with the collector at {url}; run the command on its machine, or with --url {url}"
    return f"store: kind {config.store.kind} keeps the lines itself; use what it offers, as `influx backup`"


@contextmanager
def copied_store(config: TocsinConfig, arguments: argparse.Namespace) -> Iterator[Copied]:
    """The copy, while the context lasts. Raises ConfigError where there is no store to copy, Refused, and
    StoreUnavailable.
    """
    if arguments.url:
        with _fetched(arguments) as copied:
            yield copied
        return
    file = file_of(config)
    if file is None:
        raise ConfigError(elsewhere(config))
    collector = _running(config, arguments)
    copied = _asked(collector) if collector else _made_here(config, file)
    if not copied.path.is_file():
        raise ConfigError(f"{copied.path}: the collector's copy is not on this machine; name the collector with --url")
    try:
        yield copied
    finally:
        copied.path.unlink(missing_ok=True)


@contextmanager
def _fetched(arguments: argparse.Namespace) -> Iterator[Copied]:
    """What another machine's collector has, beside what is to be made of it; nothing stays there or here."""
    target: Path = arguments.target
    place = target.with_name(target.name + ".copy")
    try:
        rate = read_size("--rate", arguments.rate) if arguments.rate else None
    except ValueError as error:
        raise ConfigError(str(error)) from error
    collector = Collector(arguments)
    there = _asked(collector)
    try:
        fetch(collector, there.path.name, place, rate)
        if count_lines(place) != there.lines:
            raise StoreUnavailable("the copy does not hold what the store holds; it was thrown away")
        yield Copied(place, there.lines)
    finally:
        place.unlink(missing_ok=True)
        forget(collector, there.path.name)


def _running(config: TocsinConfig, arguments: argparse.Namespace) -> Collector | None:
    """The collector of this state folder, if it answers; an address that a killed one left says nothing."""
    if "collector" not in listen.addresses(config.state):
        return None
    collector = Collector(argparse.Namespace(**{**vars(arguments), "url": ""}))
    try:
        collector.ask("/ping")
    except ConfigError:
        return None
    except (Refused, ValueError):
        return collector
    return collector


def _asked(collector: Collector) -> Copied:
    answer = collector.ask(COPY, method="POST", form={}, patience_s=_PATIENCE_S)
    return Copied(Path(answer["file"]), answer["lines"])


def _made_here(config: TocsinConfig, file: Path) -> Copied:
    if not file.exists():
        raise ConfigError(f"{file}: there is no store yet, and no collector runs on {config.state}")
    assert isinstance(config.store, EmbeddedConfig)  # noqa: S101 - it has a file
    return asyncio.run(_copy(EmbeddedConfig(path=file, memory_limit=config.store.memory_limit), config.state))


async def _copy(config: EmbeddedConfig, state: Path) -> Copied:
    store = EmbeddedStore(config, state=state, clock=SystemClock())
    try:
        await store.open()
        return await store.copy()
    finally:
        await store.close()
