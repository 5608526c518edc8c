"""What tocsin.yml says under `alerting:`, and notify.yml: receivers and the routing tree, in Alertmanager's words.

The front door reads `AlertingConfig`; `load_notify` reads the other file. The invariant: whoever holds a `NotifyConfig`
that came from `load_notify` can send, every receiver that a route names exists.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from alerting.muting.calendar import Calendar, CalendarConfig
from alerting.muting.inhibition import InhibitRule
from alerting.notify.catalog import NOTIFIERS
from alerting.notify.endpoint import check_url
from alerting.routing.matchers import Matcher, parse
from alerting.routing.tree import Node, Timers
from foundation.decoding import nearest
from foundation.differences import FIXED
from foundation.errors import ConfigError
from foundation.secret import Secret
from foundation.settings import load, rest
from foundation.tls import TlsConfig
from foundation.web import Address

_CONFIGS = {key: plugin.config for key, plugin in NOTIFIERS.items()}
_GROUP_BY = ("alertname",)
Where = tuple[str | int, ...]
"""A place in notify.yml: the keys and numbers on the way to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatConfig:
    """`url` gets a POST every `every` while all is well; none while a message has waited for `patience`, no rule can be
    evaluated, or memory fails.
    """

    url: Secret
    every: timedelta = timedelta(minutes=1)
    patience: timedelta = timedelta(minutes=5)

    def __post_init__(self) -> None:
        check_url(self.url.reveal())
        if self.every < timedelta(seconds=1) or self.patience < timedelta(seconds=1):
            raise ValueError("every and patience are at least 1s")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertingConfig:
    """Where alerting accepts, which files it follows, and where to look for a collector in another process.

    `rules` are paths or globs. Without `notify` alerts are kept and shown, and nobody is told. `collector` is the URL
    of a collector whose /ready says whether data is behind and that takes the history of alerts (with `token`, if it
    wants one); empty where it runs in the same process. Where others can reach `listen`, a change through the API (a
    silence) has to carry `admin_token`. `heartbeat`: a sign of life to an outside address.
    """

    listen: str = field(default="127.0.0.1:9093", metadata=FIXED)
    tls: TlsConfig | None = field(default=None, metadata=FIXED)
    rules: tuple[Path, ...] = ()
    notify: Path | None = None
    collector: str = ""
    token: Secret | None = None
    admin_token: Secret | None = field(default=None, metadata=FIXED)
    heartbeat: HeartbeatConfig | None = field(default=None, metadata=FIXED)

    def __post_init__(self) -> None:
        Address.parse(self.listen)
        if self.collector and not self.collector.startswith(("http://", "https://")):
            raise ValueError(f"collector: {self.collector!r} is not a URL; write it as in http://127.0.0.1:8186")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """People, and the ways to reach them: (key in the catalog, its Config), in the order of the file.

    Whoever is named by `fallback` is told when none of them has taken the first message of an incident for
    `fallback_after`, or all refuse it.
    """

    name: str
    fallback: str | None = None
    fallback_after: timedelta = timedelta(minutes=5)
    notifiers: tuple[tuple[str, Any], ...] = rest(_CONFIGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route as it is written; what it leaves out is inherited from the one above."""

    receiver: str | None = None
    matchers: tuple[str, ...] = ()
    group_by: tuple[str, ...] | None = None
    group_wait: timedelta | None = None
    group_interval: timedelta | None = None
    repeat_interval: timedelta | None = None
    mute_time_intervals: tuple[str, ...] | None = None
    active_time_intervals: tuple[str, ...] | None = None
    continue_: bool = False
    routes: tuple[Route, ...] = ()

    def __post_init__(self) -> None:
        for text in self.matchers:
            parse(text)
        for key in ("group_interval", "repeat_interval"):
            value = getattr(self, key)
            if value is not None and value <= timedelta(0):
                raise ValueError(f"{key} must be longer than zero")


@dataclass(frozen=True, slots=True, kw_only=True)
class InhibitConfig:
    """An open alert that meets `source_matchers` mutes those that meet `target_matchers`, where both have the same
    values in all `equal` labels.
    """

    source_matchers: tuple[str, ...]
    target_matchers: tuple[str, ...]
    equal: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        rule = self.rule()
        if not rule.source or not rule.target:
            raise ValueError("source_matchers and target_matchers need a matcher each")

    def rule(self) -> InhibitRule:
        """The rule itself."""
        source, target = _parsed(self.source_matchers), _parsed(self.target_matchers)
        return InhibitRule(source=source, target=target, equal=self.equal)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyConfig:
    """The whole of notify.yml."""

    receivers: tuple[Receiver, ...]
    route: Route
    inhibit_rules: tuple[InhibitConfig, ...] = ()
    time_intervals: tuple[CalendarConfig, ...] = ()

    def tree(self) -> Node:
        """The routing tree with everything inherited."""
        root = Node(receiver=self.route.receiver or "", group_by=_GROUP_BY, timers=Timers())
        return _node(self.route, root)

    def calendars(self) -> Mapping[str, Calendar]:
        """Its calendars by name; reads their files. Raises ConfigError."""
        found: dict[str, Calendar] = {}
        for one in self.time_intervals:
            try:
                found[one.name] = Calendar(one)
            except ValueError as error:
                raise ConfigError(f"time_intervals: {one.name}: {error}") from error
        return found


def load_notify(path: Path, env: Mapping[str, str]) -> NotifyConfig:
    """notify.yml at `path`. Raises ConfigError with every fault: file, line, path, how to mend it."""
    config = load(NotifyConfig, path, env, prefix=None)
    faults = tuple(_faults(config))
    if faults:
        raise ConfigError(*located(path, faults))
    return config


def located(path: Path, found: Iterable[tuple[Where, str]], kind: str = "") -> tuple[str, ...]:
    """Each thing found in notify.yml as `file:line: kind: path: words`."""
    root = yaml.compose(path.read_text(encoding="utf-8"), yaml.SafeLoader)
    told = f"{kind}: " if kind else ""
    return tuple(f"{path}:{_line(root, where)}: {told}{_spell(where)}: {what}" for where, what in found)


def _node(route: Route, above: Node) -> Node:
    given = above.timers
    node = Node(
        receiver=route.receiver or above.receiver,
        group_by=above.group_by if route.group_by is None else route.group_by,
        timers=Timers(
            wait=given.wait if route.group_wait is None else route.group_wait,
            interval=route.group_interval or given.interval,
            repeat=route.repeat_interval or given.repeat,
            mute=given.mute if route.mute_time_intervals is None else route.mute_time_intervals,
            active=given.active if route.active_time_intervals is None else route.active_time_intervals,
        ),
        matchers=_parsed(route.matchers),
        goes_on=route.continue_,
    )
    return replace(node, children=tuple(_node(child, node) for child in route.routes))


def _parsed(matchers: Iterable[str]) -> tuple[Matcher, ...]:
    return tuple(matcher for text in matchers for matcher in parse(text))


def _faults(config: NotifyConfig) -> Iterator[tuple[Where, str]]:
    seen: set[str] = set()
    for index, receiver in enumerate(config.receivers):
        if receiver.name in seen:
            yield ("receivers", index, "name"), f"{receiver.name!r} is given twice; rename one of them"
        seen.add(receiver.name)
    for index, receiver in enumerate(config.receivers):
        if receiver.fallback is not None and (receiver.fallback not in seen or receiver.fallback == receiver.name):
            near = nearest(receiver.fallback, seen - {receiver.name})
            yield ("receivers", index, "fallback"), f"{receiver.fallback!r} is not another receiver{near}"
    if config.route.receiver is None:
        yield ("route",), f"receiver is missing; the root route needs one{nearest('', seen)}"
    if config.route.matchers:
        yield ("route", "matchers"), "the root route takes every alert; put the matchers on a route below `routes`"
    calendars: set[str] = set()
    for index, calendar in enumerate(config.time_intervals):
        if calendar.name in calendars:
            yield ("time_intervals", index, "name"), f"{calendar.name!r} is given twice; rename one of them"
        calendars.add(calendar.name)
    yield from _unknown(config.route, ("route",), seen, calendars)


def _unknown(route: Route, where: Where, known: set[str], calendars: set[str]) -> Iterator[tuple[Where, str]]:
    if route.receiver is not None and route.receiver not in known:
        yield (*where, "receiver"), f"{route.receiver!r} is not a receiver{nearest(route.receiver, known)}"
    for key in ("mute_time_intervals", "active_time_intervals"):
        for name in getattr(route, key) or ():
            if name not in calendars:
                yield (*where, key), f"{name!r} is not one of time_intervals{nearest(name, calendars)}"
    for index, child in enumerate(route.routes):
        yield from _unknown(child, (*where, "routes", index), known, calendars)


def _spell(where: Where) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in where).removeprefix(".")


def _line(node: yaml.Node | None, where: Where) -> int:
    """The line of the deepest node on the way; settings have read the file, so it has the shape that is asked for."""
    for step in where:
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
        elif isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == step), node)
    return node.start_mark.line + 1 if node is not None else 1
