"""`tocsin check`: reads every file that a start would read and says what is wrong, without starting anything.

Of rules and receivers that can be read it says what can never work (a problem, though a start would take it) and what
looks like a slip (a warning).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from alerting import findings, untold
from alerting.config import load_notify, located
from alerting.findings import Finding
from alerting.rules import load as rules
from alerting.rules.rule import Rule
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
from tocsin.keyring import SPEAKERS
from tocsin.reaching import tls_of

STAND_IN = {"DEMO_PAGER_URL": "http://127.0.0.1:8187"}
"""What `up --demo` puts into the environment, so that the demo's receivers can be read."""

Read = Callable[[], int]
_UNUSUAL = frozenset({"certificate", "rollup", "token"})
"""What is told only where there is some."""


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 when everything can be read and can work, 2 when not."""
    problems: list[str] = []
    warnings: list[str] = []
    found: list[str] = []
    try:
        config = configuration.load(arguments.config, with_demo=arguments.demo)
        for what, read in parts(config):
            try:
                count = read()
                found += [counted(count, what)] if count or what not in _UNUSUAL else []
            except ConfigError as error:
                problems += error.problems
        if not problems:
            problems, warnings = _judged(config)
    except ConfigError as error:
        problems += error.problems
    if arguments.json:
        print(json.dumps({"ok": not problems, "problems": problems, "warnings": warnings, "found": found}))
        return 2 if problems else 0
    for line in (*problems, *warnings):
        print(line, file=sys.stderr)
    more = [counted(len(warnings), "warning")] if warnings else []
    told = counted(len(problems), "problem") if problems else f"fine: {', '.join(found)}"
    print("; ".join((told, *more)))
    return 2 if problems else 0


def demand_sound(config: TocsinConfig) -> None:
    """Raise ConfigError with every problem that a start would find."""
    problems: list[str] = []
    for _, read in parts(config):
        try:
            _ = read()
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(*problems)


def parts(config: TocsinConfig) -> Iterator[tuple[str, Read]]:
    """Every kind of thing that a start reads, and what reads all of it: how many, or ConfigError with each problem."""
    env = STAND_IN | os.environ
    yield "certificate", lambda: _certificates(config)
    if servers := _servers(config):
        yield "destination", lambda: _destinations(servers)
    yield "rollup", lambda: _rollups(config)
    yield "token", lambda: _tokens(config)
    yield "rule", lambda: _rules(config, env)
    notify = config.alerting.notify
    if notify is not None:
        yield "receiver", lambda: len(load_notify(notify, env).receivers)
    yield "board", lambda: _boards(config)


def _certificates(config: TocsinConfig) -> int:
    found = [(role, own) for role in SPEAKERS if (own := tls_of(config, role)) is not None]
    for role, own in found:
        _ = tls.load(own, role)
    return len(found)


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


def _rollups(config: TocsinConfig) -> int:
    """Each was looked at when the configuration was read."""
    return len(config.store.rollups) if isinstance(config.store, EmbeddedConfig) else 0


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


def _judged(config: TocsinConfig) -> tuple[list[str], list[str]]:
    """Problems and warnings about rules and notify.yml, which can be read: each with its file and line."""
    env = STAND_IN | os.environ
    read = rules.load(config.alerting.rules, env)
    told: dict[bool, list[str]] = {True: [], False: []}
    for rule, finding in findings.of_rules(read):
        told[finding.is_fault].append(_of_rule(rule, read, finding))
    path = config.alerting.notify
    if path is not None:
        for where, finding in untold.of_notify(load_notify(path, env), read):
            told[finding.is_fault] += located(path, [(where, finding.words)], _kind(finding))
    return told[True], told[False]


def _of_rule(rule: Rule, read: Sequence[Rule], finding: Finding) -> str:
    kind = f"{_kind(finding)}: " if _kind(finding) else ""
    return f"{rules.place(rule, read)}: {kind}alert {rule.alert}: {finding.words}"


def _kind(finding: Finding) -> str:
    return "" if finding.is_fault else "warning"


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


def counted(count: int, what: str) -> str:
    """`1 rule`, `2 rules`."""
    return f"{count} {what}{'' if count == 1 else 's'}"
