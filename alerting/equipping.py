"""From notify.yml to notifiers at work.

The composition root asks at start and at a reload. The invariant: a notifier whose configuration did not change stays
the same object, so a reload breaks no connection and disturbs no message on its way.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from alerting.config import NotifyConfig, Receiver
from alerting.dispatcher import Equipment
from alerting.fallback import Fallback
from alerting.lane import ChannelKey
from alerting.muting.calendar import Calendar
from alerting.notify.catalog import NOTIFIERS
from alerting.notify.contract import Notifier
from alerting.notify.plugin import Deps

_NONE: Mapping[str, Calendar] = MappingProxyType({})


class Armory:
    """Builds notifiers, and keeps those that are still wanted."""

    def __init__(self) -> None:
        self._built: dict[ChannelKey, tuple[Any, Notifier]] = {}

    def equip(self, notify: NotifyConfig | None, calendars: Mapping[str, Calendar] = _NONE) -> Equipment:
        """What `notify` comes to; nobody to tell without it. Call inside the running loop."""
        if notify is None:
            self._built = {}
            return Equipment()
        wanted = {key: kind for receiver in notify.receivers for key, kind in _channels(receiver)}
        self._built = {key: self._build(key, *kind) for key, kind in wanted.items()}
        return Equipment(
            tree=notify.tree(),
            receivers=frozenset(receiver.name for receiver in notify.receivers),
            fallbacks={
                one.name: Fallback(one.fallback, one.fallback_after) for one in notify.receivers if one.fallback
            },
            inhibit_rules=tuple(one.rule() for one in notify.inhibit_rules),
            calendars=calendars,
            notifiers={key: notifier for key, (_, notifier) in self._built.items()},
            manners={key: NOTIFIERS[kind].manner(config) for key, (kind, config) in wanted.items()},
        )

    def _build(self, key: ChannelKey, kind: str, config: Any) -> tuple[Any, Notifier]:
        known = self._built.get(key)
        if known is not None and known[0] == config:
            return known
        return config, NOTIFIERS[kind].build(config, Deps())


def _channels(receiver: Receiver) -> list[tuple[ChannelKey, tuple[str, Any]]]:
    """Each notifier of a receiver under its name: its key and its number among those of the same key."""
    counts: dict[str, int] = {}
    found = []
    for kind, config in receiver.notifiers:
        number = counts.get(kind, 0)
        counts[kind] = number + 1
        found.append((ChannelKey(receiver.name, f"{kind}[{number}]"), (kind, config)))
    return found
