"""Runs roles in this process until a signal: all of them (`up`), or one."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

from prometheus_client import CollectorRegistry
from rich.console import Console as Terminal

from foundation import lifecycle, listen, logs
from foundation.clock import SystemClock
from foundation.errors import ConfigError
from foundation.standing import Standing
from foundation.web import Address
from tocsin import config as configuration
from tocsin.config import Source, Stamp, TocsinConfig
from tocsin.follow import Follower, FollowMetrics
from tocsin.roles import NAMES, Roles

if sys.platform == "win32":
    from asyncio import run as run_loop
else:
    from uvloop import run as run_loop


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
    listen.withdraw(config.state, names, os.getpid())
    try:
        return run_loop(_serve(source, config, stamp, names))
    finally:
        with suppress(ConfigError):  # a full disk keeps a stale address, which the next start clears, and no more
            listen.withdraw(config.state, names, os.getpid())


async def _serve(source: Source, config: TocsinConfig, stamp: Stamp | None, names: Sequence[str]) -> int:
    incident, registry, standing = lifecycle.Incident(), CollectorRegistry(), Standing()
    roles = Roles(config, SystemClock(), registry, incident, os.environ, standing)
    follower = Follower(source, config, stamp, roles.prepare, standing=standing, metrics=FollowMetrics(registry))

    def ready(addresses: Mapping[str, str]) -> None:
        _greet(config, addresses)
        gc.collect()
        gc.freeze()  # what a start leaves behind stays; to look through it again and again would stall requests
        listen.announce(config.state, addresses, os.getpid())

    return await lifecycle.serve([roles.plan(name) for name in names], incident, ready, follower.run)


def _greet(config: TocsinConfig, addresses: Mapping[str, str]) -> None:
    terminal = Terminal(highlight=False)
    urls = {role: Address.parse(where).url for role, where in addresses.items()}
    told = {
        "console": "boards and alerts",
        "collector": "telemetry in",
        "alerting": "alarm out",
        "demo": "the demo's pager",
    }
    terminal.print("\n[bold]Tocsin is ready.[/bold] Ctrl-C stops it; its data stays in", str(config.state))
    for role, purpose in told.items():
        if role in urls:
            terminal.print(f"  {role:<10} {urls[role]}   {purpose}", soft_wrap=True)
    if "collector" in urls:
        body = """'{"device":"d7","temperature_c":21.4}'"""
        terminal.print("\nPush a reading:", markup=False)
        print(f"  curl -i {urls['collector']}/v1/telemetry -H 'Content-Type: application/json' -d {body}")
        terminal.print("\nAsk for it:", markup=False)
        print("""  .venv/bin/tocsin query "SELECT temperature_c FROM device_reading WHERE device = 'd7'\"""")
    if "demo" in urls:
        terminal.print("\nBreak the shop for two minutes and get paged:", markup=False)
        print("  .venv/bin/tocsin demo fault latency --for 2m")
    print(flush=True)
