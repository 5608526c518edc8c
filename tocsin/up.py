"""Runs roles in this process until a signal: all of them (`up`), or one."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import resource
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry

from foundation import lifecycle, listen, logs
from foundation.clock import SystemClock
from foundation.errors import ConfigError
from foundation.handover import Offer
from foundation.standing import Standing
from foundation.web import Listening
from tocsin import config as configuration
from tocsin.config import Source, Stamp, TocsinConfig
from tocsin.follow import Follower, FollowMetrics
from tocsin.greeting import greet
from tocsin.inheriting import inherit
from tocsin.keyring import SPEAKERS, Keyring, KeyringMetrics
from tocsin.lean import without_pandas
from tocsin.reaching import tls_of
from tocsin.roles import NAMES, Roles

if sys.platform == "win32":
    from asyncio import run as run_loop
else:
    from uvloop import run as run_loop

_log = logs.logger("tocsin.up")
_AGAIN_S = 2.0


def run(arguments: argparse.Namespace) -> int:
    """`tocsin up` and `tocsin ROLE`. Returns the exit code; raises ConfigError when something cannot start."""
    with_demo = bool(getattr(arguments, "demo", False))
    names = (
        [name for name in NAMES if name != "demo" or with_demo] if arguments.command == "up" else [arguments.command]
    )
    source = configuration.source(arguments.config, with_demo=with_demo)
    stamp = source.stamp()
    config = source.read()
    logs.setup(config.logs.form, config.logs.level)
    open_many_files()
    registry = CollectorRegistry()
    keyrings = _keyrings(config, names, registry)
    with suppress(listen.DiskFull):  # a full disk is no reason not to start: delivery makes room
        listen.withdraw(config.state, names, os.getpid())
    handed_over = asyncio.Event()
    offer: Offer | None = None
    try:
        inherited = inherit(config, names, os.environ, take_over=bool(getattr(arguments, "take_over", False)))
        listening = {name: Listening(inherited.get(name, ())) for name in names}
        for name in listening.keys() & keyrings.keys():
            listening[name].tls = keyrings[name].listening
        offer = Offer(config.state, listening, handed_over.set)
        process = Process(source, config, stamp, registry, keyrings, listening, offer)
        with without_pandas():
            return run_loop(process.serve(handed_over))
    finally:
        gc.unfreeze()  # DuckDB's bindings would take for leaks what nobody looks through at the end, and say so
        if not handed_over.is_set():
            with suppress(ConfigError):  # a full disk keeps a stale address, which the next start clears, and no more
                listen.withdraw(config.state, names, os.getpid())
        if offer is not None:
            offer.close()


def open_many_files() -> None:
    """Take all that we may: shells hand down 1024 as a rule, and each sender that is connected is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS names a limit that it does not grant
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _keyrings(config: TocsinConfig, names: Sequence[str], registry: CollectorRegistry) -> Mapping[str, Keyring]:
    metrics = KeyringMetrics(registry)
    return {role: Keyring(tls_of(config, role), listens=role in names, metrics=metrics, role=role) for role in SPEAKERS}


@dataclass(frozen=True, slots=True)
class Process:
    """What a process is made of before it starts: its configuration, what it listens with, who may follow it."""

    source: Source
    config: TocsinConfig
    stamp: Stamp | None
    registry: CollectorRegistry
    keyrings: Mapping[str, Keyring]
    listening: Mapping[str, Listening]
    offer: Offer

    async def serve(self, handed_over: asyncio.Event) -> int:
        """Run the roles until a signal, an incident, or until they are handed over. Returns the exit code."""
        config, incident, standing = self.config, lifecycle.Incident(), Standing()
        roles = Roles(config, SystemClock(), self.registry, incident, os.environ, standing)
        roles.listening = self.listening
        roles.trust = {name: keyring.trust for name, keyring in self.keyrings.items()}
        metrics = FollowMetrics(self.registry)
        follower = Follower(self.source, config, self.stamp, roles.prepare, standing=standing, metrics=metrics)

        bound: dict[str, str] = {}

        def ready(addresses: Mapping[str, str]) -> None:
            greet(config, addresses, sys.argv[0])
            gc.collect()
            gc.freeze()  # what a start leaves behind stays; to look through it again and again would stall requests
            bound.update(addresses)

        async def follow(hang_up: asyncio.Event) -> None:
            async with asyncio.TaskGroup() as beside:
                _ = beside.create_task(self.offer.run(), name="hand-over")
                await self.offer.made()
                await announce(config.state, bound)
                _ = beside.create_task(follower.run(hang_up), name="configuration")
                for name, keyring in self.keyrings.items():
                    _ = beside.create_task(keyring.run(), name=f"certificates of {name}")

        plans = [roles.plan(name) for name in self.listening]
        return await lifecycle.serve(plans, incident, ready, follow, handed_over=handed_over)


async def announce(state: Path, addresses: Mapping[str, str]) -> None:
    """Write the addresses down; where the disk is full, as soon as it is no more. Raises ConfigError."""
    while True:
        try:
            listen.announce(state, addresses, os.getpid())
        except listen.DiskFull as error:
            _log.error("where we listen cannot be written down; it is tried again", cause=error)
            await asyncio.sleep(_AGAIN_S)
        else:
            return
