"""`tocsin demo fault KIND --for 2m`: breaks the running demo, so that a shipped rule fires and then resolves."""

from __future__ import annotations

import argparse

from demo import faults
from foundation import durations, listen
from foundation.clock import SystemClock
from foundation.errors import ConfigError
from tocsin import config as configuration


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 when the running demo was told, 2 when there is none."""
    config = configuration.load(arguments.config, with_demo=True)
    if "demo" not in listen.addresses(config.state):
        raise ConfigError(f"no demo runs on {config.state}; start one with `make run` or `tocsin up --demo`")
    try:
        duration = durations.parse(arguments.duration)
    except ValueError as error:
        raise ConfigError(f"--for: {error}") from error
    if arguments.kind == "none":
        faults.clear(config.state)
        print("The demo is whole again; what fired resolves within about a minute.")
    else:
        try:
            faults.command(config.state, arguments.kind, duration, SystemClock().now())
        except ValueError as error:
            raise ConfigError(f"--for: {error}") from error
        print(
            f"The demo has the fault {arguments.kind!r} for {durations.render(duration)}; watch the console's alerts."
        )
    return 0
