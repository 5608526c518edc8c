"""`tocsin check`: reads every file that a start would read and says what is wrong, without starting anything."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from alerting.config import load_notify
from alerting.rules import load as rules
from alerting.rules.when import When
from collector.intake.access import check_mode
from collector.tokens import TokenBook
from console.boards import Boards
from foundation import tls
from foundation.clock import SystemClock
from foundation.errors import ConfigError
from foundation.web import Address
from store.embedded.store import EmbeddedConfig
from store.influxdb import InfluxConfig, read_trust
from tocsin import config as configuration
from tocsin import statements
from tocsin.config import TocsinConfig

_STAND_IN = {"DEMO_PAGER_URL": "http://127.0.0.1:8187"}
"""What `up --demo` puts into the environment, so that the demo's receivers can be read."""


_UNUSUAL = frozenset({"certificate", "token"})
"""What is told only where there is some."""


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 when everything can be read, 2 when not."""
    problems: list[str] = []
    found: list[str] = []
    try:
        config = configuration.load(arguments.config, with_demo=arguments.demo)
        for what, read in _parts(config):
            try:
                count = read()
                found += [_counted(count, what)] if count or what not in _UNUSUAL else []
            except ConfigError as error:
                problems += error.problems
    except ConfigError as error:
        problems += error.problems
    if arguments.json:
        print(json.dumps({"ok": not problems, "problems": problems, "found": found}))
    else:
        for problem in problems:
            print(problem, file=sys.stderr)
        print(_counted(len(problems), "problem") if problems else f"fine: {', '.join(found)}")
    return 2 if problems else 0


def demand_sound(config: TocsinConfig) -> None:
    """Raise ConfigError with every problem that a start would find."""
    problems: list[str] = []
    for _, read in _parts(config):
        try:
            _ = read()
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(*problems)


def _parts(config: TocsinConfig) -> Iterator[tuple[str, Callable[[], int]]]:
    env = _STAND_IN | os.environ
    yield "certificate", lambda: _certificates(config)
    if servers := _servers(config):
        yield "destination", lambda: _destinations(servers)
    yield "token", lambda: _tokens(config)
    yield "rule", lambda: _rules(config, env)
    notify = config.alerting.notify
    if notify is not None:
        yield "receiver", lambda: len(load_notify(notify, env).receivers)
    yield "board", lambda: _boards(config)


def _certificates(config: TocsinConfig) -> int:
    if config.collector.tls is None:
        return 0
    _ = tls.load(config.collector.tls)
    return 1


def _servers(config: TocsinConfig) -> list[InfluxConfig]:
    stores = [config.store, *(one.store for one in config.collector.destinations)]
    return [store for store in stores if isinstance(store, InfluxConfig)]


def _destinations(servers: Sequence[InfluxConfig]) -> int:
    """Whether a server is there is no matter for a check: it may come later."""
    problems: list[str] = []
    for server in servers:
        try:
            _ = read_trust(server)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(*problems)
    return len(servers)


def _tokens(config: TocsinConfig) -> int:
    tokens = TokenBook(config.state / "tokens.json", SystemClock())
    check_mode(config.collector.tokens, Address.parse(config.collector.listen), tokens)
    return len(tokens.list())


def _rules(config: TocsinConfig, env: Mapping[str, str]) -> int:
    read = rules.load(config.alerting.rules, env)
    if isinstance(config.store, EmbeddedConfig):  # what another store understands is for that store to say
        verdicts = [(rule, statements.verdict(rule.query)) for rule in read if not isinstance(rule.recipe, When)]
        faults = [f"{rule.file}: alert {rule.alert}: query: {fault}" for rule, fault in verdicts if fault]
        if faults:
            raise ConfigError(*faults)
    return len(read)


def _boards(config: TocsinConfig) -> int:
    folder = config.console.boards
    boards = Boards(folder)
    listed = boards.index()
    faults: list[str] = list(listed["problems"])
    if isinstance(config.store, EmbeddedConfig):
        for uid in (board["uid"] for board in listed["boards"]):
            faults += [f"{folder}: board {uid!r}: {fault}" for fault in statements.problems(boards.get(uid) or {})]
    if faults:
        raise ConfigError(*faults)
    return len(listed["boards"])


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
